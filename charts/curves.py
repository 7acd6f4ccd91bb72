"""A metric over the epochs of one run, with another run's curve in grey to compare."""

import math
from collections.abc import Sequence
from typing import Final

from charts import format
from charts.plot import Area, dots, grid, line, plot, stretched, x_labels
from charts.scale import drawable, scale, whole_ticks

HEIGHT: Final = 132
LABELS_HEIGHT: Final = 24
# Up to so many points each gets a dot: it shows where values were logged.
MAX_DOTS: Final = 40

Point = tuple[float, float]


def curve(name: str, points: Sequence[Point], unit: str, other: Sequence[Point] = ()) -> str:
    """Draws one curve.

    Args:
        name: of the metric, for who cannot see the plot.
        points: (epoch or step, value), x growing; a value that is not finite leaves a gap.
        unit: of the horizontal axis, "epoch" or "step".
        other: the same of the run to compare with.

    Returns:
        SVG as wide as its place; "" if no point is finite.
    """
    mine, grey = _drawable(points), _drawable(other)
    if not mine:
        return ""
    area = _area([*mine, *grey])
    paths = [line(area, grey, "curve-other")] if grey else []
    paths += [line(area, part, "curve") for part in _parts(points)]
    if len(mine) <= MAX_DOTS:
        paths.append(dots(area, mine, "curve-dots"))
    ticks = whole_ticks(int(area.first), int(area.last))
    labels = x_labels(area, ticks, HEIGHT + LABELS_HEIGHT - 6, f"{unit} {{}}")
    first, last = (format.metric(value, area.scale.decimals + 2) for _, value in (mine[0], mine[-1]))
    label = f"{name}: {first} at first, {last} at last, {format.counted(len(points), 'value')}"
    return plot([*grid(area), stretched(paths, HEIGHT), *labels], HEIGHT + LABELS_HEIGHT, label)


def _area(points: Sequence[Point]) -> Area:
    places, values = [x for x, _ in points], [y for _, y in points]
    return Area(math.floor(min(places)), math.ceil(max(places)), scale(min(values), max(values), 3), HEIGHT)


def _drawable(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if drawable(point[1])]


def _parts(points: Sequence[Point]) -> list[list[Point]]:
    """The stretches between values that are not finite."""
    parts: list[list[Point]] = [[]]
    for point in points:
        if drawable(point[1]):
            parts[-1].append(point)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if len(part) > 1]
