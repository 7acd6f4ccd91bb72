"""What a run used of its machine over time: one small curve from zero."""

from collections.abc import Sequence
from typing import Final

from charts import format
from charts.clock import elapsed, time_ticks
from charts.plot import Area, dots, grid, line, plot, stretched
from charts.scale import scale

HEIGHT: Final = 88
LABELS_HEIGHT: Final = 24
# Up to so many points each gets a dot.
MAX_DOTS: Final = 40

Point = tuple[float, float]


def over_time(name: str, points: Sequence[Point], unit: str) -> str:
    """Draws one curve.

    Args:
        name: of what was measured, for who cannot see the plot.
        points: (seconds since the start, value), time growing, each value `drawable` and not negative; two at least.
        unit: of the values, for the same reader.

    Returns:
        SVG as wide as its place, with room for labels at the left.
    """
    most = max(value for _, value in points)
    area = Area(0, points[-1][0], scale(0, most or 1, 2), HEIGHT)
    paths = [line(area, points, "curve")]
    if len(points) <= MAX_DOTS:
        paths.append(dots(area, points, "curve-dots"))
    last, highest = (format.metric(value, area.scale.decimals) for value in (points[-1][1], most))
    label = f"{name} over {format.duration(points[-1][0])}: {last} {unit} at last, {highest} at most"
    return plot([*grid(area), stretched(paths, HEIGHT), *_times(area)], HEIGHT + LABELS_HEIGHT, label)


def _times(area: Area) -> list[str]:
    """Times since the start, under the plot; one at the very end would not fit into it."""
    ticks = [tick for tick in time_ticks(area.last) if area.x(tick) < 0.97]
    return [
        f'<text class="x-label" x="{area.x(tick):.2%}" y="{HEIGHT + LABELS_HEIGHT - 6}" '
        f'text-anchor="{"middle" if tick else "start"}">{elapsed(tick)}</text>'
        for tick in ticks
    ]
