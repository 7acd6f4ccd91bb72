"""Points, one number against another, of no run: what a program has drawn by itself."""

from collections.abc import Sequence
from typing import Final

from charts import format
from charts.mark import told
from charts.plot import Area, answering, dots, fitting, grid, plot, stretched
from charts.scale import axis_of, drawable

HEIGHT: Final = 160
TOP: Final = 8
LABELS_HEIGHT: Final = 26
# A point that answers takes six times the bytes of one that does not.
MOST_ANSWERS: Final = 500
DIGITS: Final = 5

Point = tuple[float, float]


def points_panel(points: Sequence[Point], x: str, y: str) -> str:
    """Draws points.

    Args:
        x, y: names of the axes.

    Returns:
        SVG as wide as its place, with room for labels at its left; "" if nothing can be drawn.
    """
    kept = [point for point in points if all(map(drawable, point))]
    if not kept:
        return ""
    across, up = (axis_of([point[side] for point in kept]) for side in (0, 1))
    area = Area(across.low, across.high, up, HEIGHT, across)
    ticks = [(across.at(tick), across.said(tick)) for tick in across.ticks]
    parts = [
        f'<svg y="{TOP}" height="{HEIGHT}" overflow="visible">',
        *grid(area),
        stretched([_dots(area, kept, x, y)], HEIGHT),
        "</svg>",
        *fitting(ticks, TOP + HEIGHT + LABELS_HEIGHT - 6),
    ]
    label = f"{y} against {x}: {format.counted(len(kept), 'point')}"
    return plot(parts, TOP + HEIGHT + LABELS_HEIGHT, label, "group")


def _dots(area: Area, points: Sequence[Point], x: str, y: str) -> str:
    if len(points) > MOST_ANSWERS:
        return dots(area, points, "curve-dots")
    return answering(area, points, [_told(point, x, y) for point in points], "curve-dots few")


def _told(point: Point, x: str, y: str) -> str:
    return told(f"{y} {format.parameter(point[1], DIGITS)}", [(x, format.parameter(point[0], DIGITS))])
