"""The progress bar of a sweep: what became of its points, from left to right, and what waits."""

from collections.abc import Mapping
from html import escape
from typing import Final

KINDS: Final = ("finished", "stopped early", "failed", "killed", "running", "waiting")
# The outline of what is drawn hollow, in CSS pixels.
OUTLINE_PX: Final = 1.5

# A few failures of thousands must not vanish: this is 2 to 3 px of the narrowest bar.
MIN_FRACTION: Final = 0.012


def progress_bar(counts: Mapping[str, int], height: int = 10) -> str:
    """Draws a bar as wide as its place, with a fill for each kind beside its colour.

    Args:
        counts: points by kind, of `KINDS`; a kind with none is left out.
        height: in CSS pixels.
    """
    parts = []
    left = 0.0
    for kind, fraction in fractions(counts).items():
        parts.append(_segment(kind, left, fraction, height))
        left += fraction
    return (
        f'<svg class="progress" width="100%" height="{height}" role="img" aria-label="{escape(sentence(counts))}">'
        f"{''.join(parts)}</svg>"
    )


def sentence(counts: Mapping[str, int], failures: Mapping[str, int] | None = None) -> str:
    """The bar in words: "125 finished, 6 failed (5 exception, 1 signal), 66 waiting".

    Args:
        failures: how many failed by the kind of their cause; None where that is not told.
    """
    of = {"failed": f" ({_by_kind(failures)})"} if failures else {}
    named = [f"{counts[kind]:,} {kind}{of.get(kind, '')}" for kind in KINDS if counts.get(kind)]
    return ", ".join(named) or "nothing yet"


def _by_kind(failures: Mapping[str, int]) -> str:
    """The most frequent kind first; one alone needs no number."""
    if len(failures) == 1:
        return next(iter(failures))
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {kind}" for kind, count in ordered)


def fractions(counts: Mapping[str, int], least: float = MIN_FRACTION) -> dict[str, float]:
    """Widths of the kinds in [0, 1], in the order of `KINDS`; none under `least`, together 1."""
    total = sum(counts.get(kind, 0) for kind in KINDS)
    widths = {kind: max(counts[kind] / total, least) for kind in KINDS if counts.get(kind)}
    if widths:
        widest = max(widths, key=widths.__getitem__)
        widths[widest] -= sum(widths.values()) - 1
    return widths


def _segment(kind: str, left: float, fraction: float, height: int) -> str:
    x, width, middle = f"{left:.3%}", f"{fraction:.3%}", height / 2
    if kind == "killed":
        # Dashes of a thick line are stripes that keep their width however wide the bar is.
        ends = f'x1="{x}" x2="{left + fraction:.3%}" y1="{middle}" y2="{middle}"'
        shape = f'<line class="bar-killed" {ends} stroke-width="{height}" stroke-dasharray="1.5 2"/>'
    else:
        shape = f'<rect class="bar-{kind.replace(" ", "-")}" x="{x}" width="{width}" height="{height}"/>'
    if kind == "stopped early":
        inside = f'y="{OUTLINE_PX}" height="{height - 2 * OUTLINE_PX}"'
        shape += f'<rect class="bar-hollow" x="{x}" width="{width}" {inside}/>'
    return f'{shape}<line class="bar-gap" x1="{x}" x2="{x}" y2="{height}"/>' if left else shape
