"""The progress bar of a sweep: what became of its points, from left to right, and what waits."""

from collections.abc import Mapping
from html import escape
from typing import Final

from terms.points import KINDS, sentence
from terms.states import KILLED, STOPPED_EARLY

# The outline of what is drawn hollow, in CSS pixels.
OUTLINE_PX: Final = 1.5

# A few failures of thousands must not vanish: this is 2 to 3 px of the narrowest bar.
MIN_FRACTION: Final = 0.012


def progress_bar(counts: Mapping[str, int], height: int = 10) -> str:
    """Draws a bar as wide as its place, with a fill for each kind beside its colour.

    Args:
        counts: points by kind, of `terms.points.KINDS`; a kind with none is left out.
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
    if kind == KILLED:
        # Dashes of a thick line are stripes that keep their width however wide the bar is.
        ends = f'x1="{x}" x2="{left + fraction:.3%}" y1="{middle}" y2="{middle}"'
        shape = f'<line class="bar-killed" {ends} stroke-width="{height}" stroke-dasharray="1.5 2"/>'
    else:
        shape = f'<rect class="bar-{kind.replace(" ", "-")}" x="{x}" width="{width}" height="{height}"/>'
    if kind == STOPPED_EARLY:
        inside = f'y="{OUTLINE_PX}" height="{height - 2 * OUTLINE_PX}"'
        shape += f'<rect class="bar-hollow" x="{x}" width="{width}" {inside}/>'
    return f'{shape}<line class="bar-gap" x1="{x}" x2="{x}" y2="{height}"/>' if left else shape
