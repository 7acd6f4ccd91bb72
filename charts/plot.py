"""What all plots share: places in percent of a width that only the browser knows, lines, grid and labels.

A plot is an SVG as wide as its place. Text and dots keep their size; only `stretched` parts follow the width.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from charts import format
from charts.scale import Scale

# The user space of stretched parts: 1000 units are the whole width.
WIDTH = 1000
# More dots of one colour than so many.
MANY = 100
# Of labels, in CSS pixels: a letter of DejaVu Sans, a plot on a phone, what is between two labels.
LETTER_WIDTH: Final = 7.0
LEAST_WIDTH: Final = 260
GAP: Final = 8


@dataclass(frozen=True)
class Area:
    """Maps data to places: `x` fractions of the width, `y` pixels from the top.

    Attributes:
        first, last: the ends of the horizontal axis.
        scale: of the vertical axis.
        height: in CSS pixels.
        across: of the horizontal axis, where it is no plain line from `first` to `last`.
    """

    first: float
    last: float
    scale: Scale
    height: int
    across: Scale | None = None

    def x(self, value: float) -> float:
        if self.across is not None:
            return self.across.at(value)
        span = self.last - self.first
        return (value - self.first) / span if span else 0.5

    def y(self, value: float) -> float:
        return self.height * (1 - self.scale.at(value))


def plot(parts: Iterable[str], height: int, label: str, role: str = "img") -> str:
    """Wraps the parts of a plot.

    Args:
        label: what it says, for who cannot see it.
        role: "img" is one thing to a screen reader; "group" for a plot that holds links.
    """
    head = f'<svg class="plot" width="100%" height="{height}" role="{role}" aria-label="{escape(label)}">'
    return f"{head}{''.join(parts)}</svg>"


def stretched(paths: Iterable[str], height: int) -> str:
    """Holds paths whose x runs from 0 to `WIDTH`; their lines keep their thickness."""
    head = f'<svg width="100%" height="{height}" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none">'
    return f"{head}{''.join(paths)}</svg>"


def line(area: Area, points: Sequence[tuple[float, float]], css: str) -> str:
    """A path through points, for `stretched`."""
    places = [f"{area.x(x) * WIDTH:.1f} {area.y(y):.1f}" for x, y in points]
    return f'<path class="{css}" d="M{"L".join(places)}"/>'


def dots(area: Area, points: Sequence[tuple[float, float]], css: str) -> str:
    """Many dots as one path of empty lines with round ends, for `stretched`: 5,000 are some 40 kB.

    Where they are many, each stands on a whole pixel and is told by its way from the one before: a third of the bytes.
    """
    places = [(area.x(x) * WIDTH, area.y(y)) for x, y in points]
    path = _by_steps(places) if len(places) > MANY else "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
    return f'<path class="dots {css}" d="{path}"/>'


def crowd(area: Area, points: Sequence[tuple[float, float]], css: str, name: str) -> str:
    """Dots that do not answer by themselves; a script asks whose one is, for its `pixel` in the drawing `name`."""
    path = _by_steps((area.x(x) * WIDTH, area.y(y)) for x, y in points)
    return f'<path class="dots {css}" data-crowd="{escape(name)}" d="{path}"/>'


def pixel(area: Area, x: float, y: float) -> tuple[int, int]:
    """Where a dot of a `crowd` stands."""
    return round(area.x(x) * WIDTH), round(area.y(y))


def _by_steps(places: Iterable[tuple[float, float]]) -> str:
    whole = sorted((round(x), round(y)) for x, y in places)
    steps = ((x - left, y - top) for (left, top), (x, y) in pairwise(whole))
    return f"M{whole[0][0]} {whole[0][1]}h0" + "".join(f"m{dx} {dy}h0" for dx, dy in steps)


def answering(area: Area, points: Sequence[tuple[float, float]], told: Sequence[str], css: str) -> str:
    """Dots that answer, each by itself with the attributes that `mark.told` has made, for `stretched`."""
    places = zip(points, told, strict=True)
    inside = "".join(f'<path{each} d="M{area.x(x) * WIDTH:.1f} {area.y(y):.1f}h0"/>' for (x, y), each in places)
    return f'<g class="dots {css}">{inside}</g>'


def strokes(area: Area, places: Sequence[float], height: int, css: str) -> str:
    """An upright stroke at each place of the horizontal axis as one path, for `stretched`."""
    path = "".join(f"M{area.x(place) * WIDTH:.1f} 0v{height}" for place in places)
    return f'<path class="strokes {css}" d="{path}"/>'


def marks(area: Area, places: Sequence[float], y: int, glyph: str, css: str) -> str:
    """One glyph at each place of the horizontal axis, as a single text; "" for none."""
    if not places:
        return ""
    x = " ".join(f"{area.x(place):.2%}" for place in places)
    return f'<text class="marks {css}" x="{x}" y="{y}" aria-hidden="true">{glyph * len(places)}</text>'


def grid(area: Area) -> list[str]:
    """A hairline and a label for each tick of the vertical axis; labels stand left of the plot."""
    parts = []
    for tick in area.scale.ticks:
        y = f"{area.y(tick):.1f}"
        parts.append(f'<line class="grid" x2="100%" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="y-label" x="-8" y="{y}" dy="0.35em">{area.scale.said(tick)}</text>')
    return parts


def text_width(text: str) -> float:
    """About how many CSS pixels a label takes, in the widest of the fonts."""
    return LETTER_WIDTH * len(text)


def x_labels(area: Area, ticks: Sequence[int], y: int, last: str) -> list[str]:
    """Labels under the plot; the last one says what is counted, as in "{} runs" or "epoch {}"."""
    return fitting(
        [(area.x(tick), (last if tick == ticks[-1] else "{}").format(format.count(tick))) for tick in ticks], y
    )


def fitting(labels: Sequence[tuple[float, str]], y: int) -> list[str]:
    """Labels at places of the horizontal axis, in order; those are left out that would stand in another on a phone.

    The last one always stands and ends at its place where that is near the plot's end.
    """
    parts: list[str] = []
    free = math.inf
    for place, text in reversed(labels):
        at, width = place * LEAST_WIDTH, text_width(text)
        end = at if place > 0.9 and len(labels) > 1 else at + width / 2
        if end > free and parts:
            continue
        free = end - width - GAP
        anchor = "end" if end == at else "middle"
        parts.append(f'<text class="x-label" x="{place:.2%}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')
    return parts[::-1]
