"""Where one run's result stands among all of its sweep: a stroke a run, numbers growing to the right."""

from collections.abc import Sequence
from typing import Final

from charts import format
from charts.plot import Area, plot, stretched, strokes
from charts.ramp import coloured, ends
from charts.scale import Scale, drawable, metric_scale

TOP: Final = 20
HEIGHT: Final = 16
LABELS_HEIGHT: Final = 20
NEEDED_HEIGHT: Final = 16


def strip(values: Sequence[float], value: float, goal: str, text: str, needed: float | None = None) -> str:
    """Draws the values of all runs and marks one of them.

    Args:
        values: of all runs with a value.
        value: the one to mark; one that is out of scale is marked at the worse end.
        goal: "maximize" or "minimize".
        text: beside the mark, as "rank 125 of 150".
        needed: another value to mark, that which this one would have had to reach.

    Returns:
        SVG as wide as its place; "" for fewer than two values that can be drawn.
    """
    drawn = [other for other in values if drawable(other)]
    if len(drawn) < 2:
        return ""
    best = max(drawn) if goal == "maximize" else min(drawn)
    axis = metric_scale(drawn, goal)
    area = Area(axis.low, axis.high, axis, HEIGHT, across=axis)
    inside = [(other, axis.at(other)) for other in drawn if axis.holds(other)]
    groups = coloured(inside, *ends(axis, drawn, goal))
    paths = [strokes(area, [x for x, _ in group], HEIGHT, css) for css, group in groups.items()]
    decimals = format.metric_decimals(sorted({best, value}, reverse=goal == "maximize"))
    shown = text if 0 <= area.x(value) <= 1 else f"▽ {text}"
    parts = [
        f'<svg y="{TOP}" height="{HEIGHT}" overflow="visible">{stretched(paths, HEIGHT)}</svg>',
        *_mark(_inside(area, value), shown),
    ]
    height, label = TOP + HEIGHT + LABELS_HEIGHT, f"{text}; the best is {format.metric(best, decimals)}"
    if needed is not None:
        told = f"{format.metric(needed, decimals)} needed"
        parts += _needed(_inside(area, needed), told)
        height, label = height + NEEDED_HEIGHT, f"{label}; {told}"
    return plot([*parts, *_ends(axis, goal, len(drawn) - len(inside), height - 4)], height, label)


def _inside(area: Area, value: float) -> float:
    return min(max(area.x(value), 0.0), 1.0)


def _mark(x: float, text: str) -> list[str]:
    anchor = _anchor(x)
    return [
        f'<line class="strip-mark" x1="{x:.2%}" x2="{x:.2%}" y1="{TOP - 4}" y2="{TOP + HEIGHT + 4}"/>',
        f'<text class="strip-label" x="{x:.2%}" y="{TOP - 9}" text-anchor="{anchor}">{text}</text>',
    ]


def _needed(x: float, text: str) -> list[str]:
    y = TOP + HEIGHT + NEEDED_HEIGHT
    return [
        f'<line class="strip-needed" x1="{x:.2%}" x2="{x:.2%}" y1="{TOP - 4}" y2="{TOP + HEIGHT + 4}"/>',
        f'<text class="strip-label needed" x="{x:.2%}" y="{y}" text-anchor="{_anchor(x)}">{text}</text>',
    ]


def _anchor(x: float) -> str:
    return "start" if x < 0.15 else "end" if x > 0.85 else "middle"


def _ends(axis: Scale, goal: str, out_of_scale: int, y: int) -> list[str]:
    """The values at both ends, at the worse one how many runs lie beyond it."""
    low, high = axis.said(axis.low), axis.said(axis.high)
    beyond = f"▽ {format.count(out_of_scale)} out of scale" if out_of_scale else ""
    left, right = (low, f"{beyond} {high}") if goal == "minimize" else (f"{low} {beyond}", high)
    return [f'<text y="{y}">{left.strip()}</text>', f'<text x="100%" y="{y}" text-anchor="end">{right.strip()}</text>']
