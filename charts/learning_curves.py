"""A metric over the epochs of a few runs, told apart by letter, dash and colour."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from charts import format
from charts.plot import Area, dots, grid, line, plot, stretched, x_labels
from charts.scale import drawable, scale, whole_ticks

TOP: Final = 24
HEIGHT: Final = 196
LABELS_HEIGHT: Final = 26
# In the order of the curves; stylesheets call their colours tick-a and so on.
LETTERS: Final = "ABCDE"
LETTER_SIZE: Final = 16
MAX_DOTS: Final = 40

Point = tuple[float, float]


@dataclass(frozen=True)
class LearningCurve:
    """A run's name and its values: (epoch or step, value), x growing."""

    name: str
    points: Sequence[Point]


def learning_curves(
    metric: str,
    curves: Sequence[LearningCurve],
    unit: str,
    rungs: Sequence[int] = (),
    needed: Mapping[int, float] | None = None,
) -> str:
    """Draws up to five runs.

    Args:
        metric: its name, for who cannot see the plot.
        curves: values that are not finite are left out.
        unit: of the horizontal axis, "epoch" or "step".
        rungs: where early termination compared runs, drawn as upright lines.
        needed: the value that a run needed at a rung to go on, where it is known.

    Returns:
        SVG as wide as its place, with room for labels at both sides; "" if nothing can be drawn.
    """
    drawn = [[point for point in curve.points if drawable(point[1])] for curve in curves[: len(LETTERS)]]
    points = [point for curve in drawn for point in curve]
    if not points:
        return ""
    area = _area(points)
    letters = [(letter, curve) for letter, curve in zip(LETTERS, drawn, strict=False) if curve]
    paths = [path for letter, curve in reversed(letters) for path in _curve(area, curve, letter.lower())]
    ticks = whole_ticks(int(area.first), int(area.last))
    parts = [
        f'<svg y="{TOP}" height="{HEIGHT}" overflow="visible">',
        *grid(area),
        *_rungs(area, [rung for rung in rungs if area.first <= rung <= area.last]),
        stretched(paths, HEIGHT),
        *_needed(area, needed or {}),
        *_letters(area, letters),
        "</svg>",
        *x_labels(area, ticks, TOP + HEIGHT + LABELS_HEIGHT - 6, f"{unit} {{}}"),
    ]
    names = ", ".join(curve.name for curve in curves[: len(LETTERS)])
    return plot(parts, TOP + HEIGHT + LABELS_HEIGHT, f"{metric} by {unit} of {names}")


def _area(points: Sequence[Point]) -> Area:
    places, values = [x for x, _ in points], [y for _, y in points]
    return Area(math.floor(min(places)), math.ceil(max(places)), scale(min(values), max(values)), HEIGHT)


def _curve(area: Area, points: Sequence[Point], letter: str) -> list[str]:
    css = f"tick-{letter}"
    marks = [dots(area, points, f"curve-dots {css}")] if len(points) <= MAX_DOTS else []
    return [line(area, points, f"curve {css}"), *marks]


def _rungs(area: Area, rungs: Sequence[int]) -> list[str]:
    parts = []
    for number, rung in enumerate(rungs, start=1):
        x = f"{area.x(rung):.2%}"
        anchor = "end" if area.x(rung) > 0.9 else "start" if area.x(rung) < 0.1 else "middle"
        parts.append(f'<line class="rung" x1="{x}" x2="{x}" y1="-6" y2="{HEIGHT}"/>')
        parts.append(f'<text class="rung-label" x="{x}" y="-11" text-anchor="{anchor}">rung {number}</text>')
    return parts


def _needed(area: Area, needed: Mapping[int, float]) -> list[str]:
    """A short bar across each rung, with the value."""
    parts = []
    for rung, value in needed.items():
        if not (area.first <= rung <= area.last and area.scale.holds(value)):
            continue
        x, y = f"{area.x(rung):.2%}", area.y(value)
        parts.append(f'<rect class="needed" x="{x}" y="{y - 1:.1f}" width="14" height="2" transform="translate(-7)"/>')
        text = f"{format.metric(value, area.scale.decimals + 1)} needed"
        parts.append(f'<text class="plate rung-label" x="{x}" dx="11" y="{y:.1f}" dy="0.35em">{text}</text>')
    return parts


def _letters(area: Area, curves: Sequence[tuple[str, Sequence[Point]]]) -> list[str]:
    """A letter beside each curve's end, moved down where another stands in its place."""
    ends = sorted((area.y(points[-1][1]), area.x(points[-1][0]), letter) for letter, points in curves)
    parts = []
    free = -math.inf
    for y, x, letter in ends:
        place = max(y, free)
        free = place + LETTER_SIZE + 2
        head = f'<svg class="letter tick-{letter.lower()}" x="{x:.2%}" overflow="visible">'
        tie = f'<path d="M3 {y:.1f}L12 {place:.1f}"/>'
        box = f'<rect x="12" y="{place - LETTER_SIZE / 2:.1f}" width="{LETTER_SIZE}" height="{LETTER_SIZE}" rx="3"/>'
        text = f'<text x="{12 + LETTER_SIZE / 2}" y="{place:.1f}" dy="0.35em">{letter}</text>'
        parts.append(f"{head}{tie}{box}{text}</svg>")
    return parts


def legend(curves: Sequence[LearningCurve], decimals: int) -> str:
    """The letters with their runs and last values, as an HTML list."""
    rows = (
        f'<li><b class="letter tick-{letter.lower()}">{letter}</b> <span>{escape(curve.name)}</span> '
        f"{format.metric(curve.points[-1][1] if curve.points else None, decimals)}</li>"
        for letter, curve in zip(LETTERS, curves, strict=False)
    )
    return f'<ol class="letters">{"".join(rows)}</ol>'
