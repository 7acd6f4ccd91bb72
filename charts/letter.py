"""The letters by which chosen runs are told apart in all charts of a page; the colours are called tick-a and so on."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

# In the order of the choice.
LETTERS: Final = "ABCDE"
SIZE: Final = 16
# Letters that are further from one another than this part of the width have room side by side.
COLUMN: Final = 0.12

# Where something stands: the part of the width, the pixels from the top; and its letter.
End = tuple[float, float, str]


def boxed(letter: str, x: str, y: float, dx: float = 0, before: str = "") -> str:
    """A letter in its box, whose left edge stands `dx` pixels from `x`, its middle at `y`.

    Args:
        x: a place of the width, in percent.
        before: what is drawn under it, in the same colour.
    """
    head = f'<svg class="letter tick-{letter.lower()}" x="{x}" overflow="visible" aria-hidden="true">'
    box = f'<rect x="{dx:g}" y="{y - SIZE / 2:.1f}" width="{SIZE}" height="{SIZE}" rx="3"/>'
    text = f'<text x="{dx + SIZE / 2:.1f}" y="{y:.1f}" dy="0.35em">{letter}</text>'
    return f"{head}{before}{box}{text}</svg>"


def spread(places: Sequence[float], height: float) -> list[float]:
    """Places for letters, growing: as near as can be to those given, apart, and none below the plot's foot."""
    room, free = SIZE + 2.0, -math.inf
    down = []
    for place in places:
        down.append(max(place, free))
        free = down[-1] + room
    last = height - SIZE / 2
    up = []
    for place in reversed(down):
        up.append(min(place, last))
        last = up[-1] - room
    return up[::-1]


def beside(ends: Iterable[End], height: float) -> list[str]:
    """A letter beside each place of a plot and within it; one gives way where another stands in its place."""
    return [
        boxed(letter, f"{x:.2%}", place, 12, f'<path d="M3 {y:.1f}L12 {place:.1f}"/>')
        for x, y, letter, place in _placed(sorted(ends), height)
    ]


def _placed(ends: Sequence[End], height: float) -> Iterable[tuple[float, float, str, float]]:
    """With the place of each letter; only those at much the same x are in one another's way."""
    columns: list[list[End]] = []
    for end in ends:
        if columns and end[0] - columns[-1][0][0] < COLUMN:
            columns[-1].append(end)
        else:
            columns.append([end])
    for column in columns:
        column.sort(key=lambda end: end[1])
        for end, place in zip(column, spread([y for _, y, _ in column], height), strict=True):
            yield *end, place
