"""What agents did, and when: a row an agent, time to the right, a block a run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import Final

from charts import format
from charts.clock import elapsed, time_ticks
from charts.letter import SIZE, boxed
from charts.mark import told
from charts.plot import plot
from terms import states
from terms.points import sentence

HEIGHT: Final = 32
BLOCK_TOP, BLOCK_HEIGHT = 11, 14
# Of several runs in one place the first of these kinds is shown.
WORST_FIRST: Final = (states.FAILED, states.KILLED, states.STOPPED_EARLY, states.RUNNING, states.FINISHED)

# As fractions of the width: nothing is drawn narrower, runs that are closer are one block, longer gaps have a label.
LEAST: Final = 0.002
PLACE: Final = 0.01
LABELLED_GAP: Final = 0.08


@dataclass(frozen=True, slots=True)
class Block:
    """One run, or several in one place.

    Attributes:
        start_s, end_s: on the clock of `Span`.
        kind: one of `WORST_FIRST`.
        text: what a pointer is told.
        chosen: whether it stands out; the others are drawn in grey.
        again: whether it repeats a point that an earlier run did not settle.
        best: whether it is the sweep's best run.
        run: W&B's id; "" for several.
        letters: by which its runs are told apart; "" for most.
    """

    start_s: float
    end_s: float
    kind: str
    text: str
    chosen: bool = True
    again: bool = False
    best: bool = False
    run: str = ""
    letters: str = ""


@dataclass(frozen=True)
class Span:
    """The time from the left end to the right one."""

    first_s: float
    last_s: float

    def at(self, time_s: float) -> float:
        """The place of a moment as a fraction of the width, moved to the nearer end if outside."""
        length_s = max(self.last_s - self.first_s, 1e-9)
        return min(max((time_s - self.first_s) / length_s, 0.0), 1.0)


def row(blocks: Sequence[Block], span: Span, pauses: Sequence[tuple[float, float | None]] = ()) -> str:
    """Draws the runs of one agent.

    Args:
        blocks: in any order.
        pauses: (from, until) of the sweep's pauses; None is to the right end.

    Returns:
        SVG as wide as its place; a long gap between runs says how long, a retry bears "↻", the best run "▾".
    """
    ordered = sorted(blocks, key=lambda block: block.start_s)
    merged = _merged(ordered, PLACE * (span.last_s - span.first_s))
    parts = [
        *(_pause(from_s, until_s, span) for from_s, until_s in pauses),
        f'<line class="grid" x2="100%" y1="{BLOCK_TOP + BLOCK_HEIGHT / 2}" y2="{BLOCK_TOP + BLOCK_HEIGHT / 2}"/>',
        *(_block(block, span) for block in merged),
        *_gaps(merged, span),
        *(_mark("again", "↻", block, span) for block in merged if block.again and not block.best),
        *(_mark("best-label", "▾", block, span) for block in merged if block.best),
        *(part for block in merged for part in _letters(block, span)),
    ]
    said = sentence(Counter(block.kind for block in blocks))
    return plot(parts, HEIGHT, f"{format.counted(len(blocks), 'run')}: {said}" if blocks else "no run yet")


def foot(span: Span, last: str) -> str:
    """Draws the axis: time since the left end; `last` is the word at the right one, as "now"."""
    ticks = [tick for tick in time_ticks(span.last_s - span.first_s) if span.at(span.first_s + tick) < 0.93]
    labels = [
        f'<text x="{span.at(span.first_s + tick):.2%}" y="12" text-anchor="{"middle" if tick else "start"}">'
        f"{elapsed(tick)}</text>"
        for tick in ticks
    ]
    end = f'<text class="axis-name" x="100%" y="12" text-anchor="end">{escape(last)}</text>'
    return f'<svg class="plot" width="100%" height="16" aria-hidden="true">{"".join(labels)}{end}</svg>'


def _merged(ordered: Sequence[Block], place_s: float) -> list[Block]:
    groups: list[list[Block]] = []
    for block in ordered:
        if groups and block.end_s - groups[-1][0].start_s < place_s:
            groups[-1].append(block)
        else:
            groups.append([block])
    return [_joined(group) if len(group) > 1 else group[0] for group in groups]


def _joined(group: Sequence[Block]) -> Block:
    """One block for all: its worst kind among the chosen, and how many of which kind it holds."""
    shown = [block for block in group if block.chosen] or group
    kinds = Counter(block.kind for block in group)
    return replace(
        group[0],
        end_s=max(block.end_s for block in group),
        kind=min((block.kind for block in shown), key=WORST_FIRST.index),
        text=f"{format.counted(len(group), 'run')}: {sentence(kinds)}",
        chosen=any(block.chosen for block in group),
        again=any(block.again for block in group),
        best=any(block.best for block in group),
        run="",
        letters="".join(block.letters for block in group),
    )


def _block(block: Block, span: Span) -> str:
    x = span.at(block.start_s)
    width = max(span.at(block.end_s) - x, LEAST)
    css = f"block {block.kind.replace(' ', '-')}" if block.chosen else "block ctx"
    if block.best:
        css += " best"
    place = f'x="{min(x, 1 - width):.1%}" width="{width:.1%}" y="{BLOCK_TOP}" height="{BLOCK_HEIGHT}"'
    name, *rest = block.text.split(", ", 1)
    return f'<rect class="{css}" {place}{told(name, [("", each) for each in rest], block.run)}/>'


def _pause(from_s: float, until_s: float | None, span: Span) -> str:
    left, right = span.at(from_s), span.at(span.last_s if until_s is None else until_s)
    lasted = "paused" if until_s is None else f"paused for {format.duration(until_s - from_s)}"
    place = f'x="{left:.2%}" width="{max(right - left, LEAST):.2%}" height="{HEIGHT}"'
    return f'<rect class="pause" {place}><title>{lasted}</title></rect>'


def _gaps(blocks: Sequence[Block], span: Span) -> list[str]:
    """How long an agent did nothing between two runs, where there is room to say it."""
    parts = []
    for before, after in pairwise(blocks):
        left, right = span.at(before.end_s), span.at(after.start_s)
        if right - left >= LABELLED_GAP:
            place = f'x="{(left + right) / 2:.2%}" y="{BLOCK_TOP + BLOCK_HEIGHT / 2}" dy="0.35em" text-anchor="middle"'
            parts.append(f'<text class="plate" {place}>{format.duration(after.start_s - before.end_s)}</text>')
    return parts


def _letters(block: Block, span: Span) -> list[str]:
    """On the middle of the block, side by side."""
    x, y = f"{(span.at(block.start_s) + span.at(block.end_s)) / 2:.2%}", BLOCK_TOP + BLOCK_HEIGHT / 2
    left = -SIZE * len(block.letters) / 2
    return [boxed(letter, x, y, left + place * SIZE) for place, letter in enumerate(block.letters)]


def _mark(css: str, glyph: str, block: Block, span: Span) -> str:
    x = (span.at(block.start_s) + span.at(block.end_s)) / 2
    return f'<text class="marks {css}" x="{x:.2%}" y="{BLOCK_TOP - 2}" aria-hidden="true">{glyph}</text>'
