"""All results of a sweep in the order of its runs, with the best value so far as a line over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from charts import format
from charts.plot import Area, dots, grid, line, marks, plot, stretched, x_labels
from charts.ramp import coloured
from charts.scale import drawable, metric_scale, whole_ticks

HEIGHT: Final = 176
TRAY_HEIGHT: Final = 18
LABELS_HEIGHT: Final = 22
LEAST_RUNS_SHOWN: Final = 20

Point = tuple[float, float]


@dataclass(frozen=True)
class Result:
    """One ended run: its number in the sweep, counted from 1, and its metric; None if it ended without a value."""

    number: int
    value: float | None


@dataclass(frozen=True)
class BestSoFar:
    """The drawing, and what it leaves out."""

    svg: str
    out_of_scale: int
    without_value: int


def best_so_far(results: Sequence[Result], expected: int | None, goal: str) -> BestSoFar | None:
    """Draws results as dots, the stronger the better, and the best so far as a step line.

    Args:
        results: in the order of their numbers.
        expected: runs in all, None when the search has no end; sets the width of the axis.
        goal: "maximize" or "minimize"; the better values stand higher.

    Returns:
        SVG as wide as its place; None if no run has one to draw. Runs out of scale and runs without a value are marked
        in a strip under the plot.
    """
    points = [(float(result.number), result.value) for result in results if result.value is not None]
    values = [value for _, value in points if drawable(value)]
    if not values:
        return None
    started = results[-1].number
    last = axis_end(started, expected)
    area = Area(1, last, metric_scale(values, goal), HEIGHT, upside_down=goal == "minimize")
    shown = [point for point in points if area.scale.holds(point[1])]
    out = [number for number, value in points if not area.scale.holds(value)]
    without = [float(result.number) for result in results if result.value is None]
    best = improvements(shown, goal)
    worst = area.scale.high if area.upside_down else area.scale.low
    few = len(shown) <= LEAST_RUNS_SHOWN
    groups = coloured(shown, worst, best[-1][1])
    strong = [dots(area, group, f"{css} few" if few else css) for css, group in groups.items()]
    steps = line(area, _corners(best, started), "step-line")
    parts = [
        *grid(area),
        _waiting(area, started),
        stretched([steps, *strong] if few else [*strong, steps], HEIGHT),
        _best_mark(area, best[-1]),
        *_tray(area, out, without),
        *x_labels(area, whole_ticks(1, int(area.last), most=4), HEIGHT + TRAY_HEIGHT + LABELS_HEIGHT - 6, "{} runs"),
    ]
    label = f"{format.counted(len(results), 'result')}, the best at run {best[-1][0]:.0f}"
    return BestSoFar(plot(parts, HEIGHT + TRAY_HEIGHT + LABELS_HEIGHT, label), len(out), len(without))


def axis_end(started: int, expected: int | None) -> int:
    """The last number on the axis: the total once a third has started, before that twice the started."""
    if expected is None:
        return max(started, LEAST_RUNS_SHOWN)
    return max(started, expected if 3 * started >= expected else min(expected, max(2 * started, LEAST_RUNS_SHOWN)))


def improvements(points: Sequence[Point], goal: str) -> list[Point]:
    """Those points whose value was better than all before them."""
    sign = 1.0 if goal == "maximize" else -1.0
    best: list[Point] = []
    for point in points:
        if not best or sign * point[1] > sign * best[-1][1]:
            best.append(point)
    return best


def _corners(best: Sequence[Point], started: int) -> list[Point]:
    corners = [best[0]]
    for x, y in best[1:]:
        corners += [(x, corners[-1][1]), (x, y)]
    return [*corners, (float(started), corners[-1][1])]


def _best_mark(area: Area, best: Point) -> str:
    x, y = area.x(best[0]), area.y(best[1])
    anchor = "end" if x > 0.8 else "start" if x < 0.1 else "middle"
    return (
        f'<circle class="best-mark" cx="{x:.2%}" cy="{y:.1f}" r="4.5"/>'
        f'<text class="best-label" x="{x:.2%}" y="{y - 10:.1f}" text-anchor="{anchor}">run {best[0]:.0f}</text>'
    )


def _waiting(area: Area, started: int) -> str:
    x = area.x(started)
    return f'<rect class="waiting-field" x="{x:.2%}" width="{1 - x:.2%}" height="{HEIGHT}"/>' if x < 1 else ""


def _tray(area: Area, out: Sequence[float], without: Sequence[float]) -> list[str]:
    y = HEIGHT + TRAY_HEIGHT - 5
    return [marks(area, out, y, "▽", "out-of-scale"), marks(area, without, y, "✕", "without-value")]
