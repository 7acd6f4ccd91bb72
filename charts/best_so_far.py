"""All results of a sweep in the order of its runs or over time, with the best value so far as a line over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Final

from charts import format
from charts.clock import elapsed, time_ticks
from charts.letter import beside
from charts.mark import told, told_together
from charts.plot import Area, answering, crowd, dots, grid, line, marks, pixel, plot, stretched, x_labels
from charts.ramp import colour, ends
from charts.scale import Scale, drawable, metric_scale, whole_ticks

HEIGHT: Final = 176
TRAY_HEIGHT: Final = 18
LABELS_HEIGHT: Final = 22
LEAST_RUNS_SHOWN: Final = 20
# A dot that answers takes six times the bytes of one that does not.
MOST_ANSWERS: Final = 500
DIGITS: Final = 5
LONGEST_NAME: Final = 16

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Result:
    """One ended run.

    Attributes:
        at: its number in the sweep, counted from 1; or when it ended, in seconds since the first start.
        value: its metric; None if it ended without one.
        chosen: whether a filter has left it; the others are drawn in grey.
        run: on a page whose script opens the run; "" elsewhere.
        name: what the page calls it; "" if that is only its number.
        letter: by which it is told apart; "" for most.
    """

    at: float
    value: float | None
    chosen: bool = True
    run: str = ""
    name: str = ""
    letter: str = ""


@dataclass(frozen=True)
class BestSoFar:
    """The drawing, and what it leaves out.

    Attributes:
        told_at: gives the attributes of the mark at a `pixel`, "" where there is none.
    """

    svg: str
    out_of_scale: int
    without_value: int
    told_at: Callable[[int, int], str]


def best_so_far(
    results: Sequence[Result], expected: int | None, goal: str, by_time: bool = False, axis: Scale | None = None
) -> BestSoFar | None:
    """Draws results as dots, the stronger the better, and the best so far of the chosen as a step line.

    Args:
        results: in the order of their places.
        expected: runs in all, None when the search has no end; sets the width of an axis of runs.
        goal: "maximize" or "minimize".
        by_time: places are seconds, and the axis ends with the last of them.
        axis: of the metric, the same in all charts of a page; None for one that suits these results.

    Returns:
        SVG as wide as its place; None if no run has one to draw. Runs that are not chosen change neither places nor
        colours. Chosen runs out of scale and without a value are marked in a strip under the plot.
    """
    values = [result.value for result in results if result.value is not None and drawable(result.value)]
    if not values:
        return None
    last = results[-1].at
    first, end = (0.0, max(last, 1.0)) if by_time else (1.0, float(axis_end(round(last), expected)))
    area = Area(first, end, axis or metric_scale(values, goal), HEIGHT)
    chosen = [result for result in results if result.chosen]
    out = [each.at for each in chosen if each.value is not None and not area.scale.holds(each.value)]
    without = [each.at for each in chosen if each.value is None]
    shown = _inside(area, chosen)
    behind = _points(_inside(area, [each for each in results if not each.chosen]))
    best = improvements(_points(shown), goal)
    context = [dots(area, behind, "context")] if behind else []
    lettered = [
        (area.x(each.at), area.y(each.value or 0.0), each.letter) for each in _inside(area, results) if each.letter
    ]
    parts = [
        *grid(area),
        "" if by_time else _waiting(area, last),
        stretched([*context, *_strong(area, shown, best, ends(area.scale, values, goal), last)], HEIGHT),
        _best_mark(area, best[-1], "" if by_time else _name_of(best[-1], shown)) if best else "",
        *beside(lettered, HEIGHT),
        *_tray(area, out, without),
        *_x_labels(area, by_time),
    ]
    at = "" if not best else f", the best {'at' if by_time else 'at run'} {_said(best[-1][0], by_time)}"
    label = f"{format.counted(len(chosen) - len(without), 'result')}{at}"
    svg = plot(parts, HEIGHT + TRAY_HEIGHT + LABELS_HEIGHT, label)
    return BestSoFar(svg, len(out), len(without), partial(_told_at, area, shown))


def _name_of(best: Point, shown: Sequence[Result]) -> str:
    """The name that the page gives its run, if it has room over the mark; else its number."""
    name = next(each.name for each in shown if (each.at, each.value) == best)
    return name if 0 < len(name) <= LONGEST_NAME else f"run {best[0]:.0f}"


def _inside(area: Area, results: Sequence[Result]) -> list[Result]:
    return [each for each in results if each.value is not None and area.scale.holds(each.value)]


def _points(results: Sequence[Result]) -> list[Point]:
    return [(each.at, each.value) for each in results if each.value is not None]


def _strong(
    area: Area, shown: Sequence[Result], best: Sequence[Point], ends: tuple[float, float], last: float
) -> list[str]:
    """The chosen as dots of the ramp, whose ends all values share, and the line over them; few dots are larger ones."""
    if not best:
        return []
    few = len(shown) <= LEAST_RUNS_SHOWN
    groups: dict[int, list[Result]] = {}
    for each in sorted(shown, key=lambda each: each.value or 0.0, reverse=ends[0] > ends[1]):
        place = area.scale.at(each.value or 0.0)
        groups.setdefault(colour(place, *ends), []).append(each)
    answer = len(shown) <= MOST_ANSWERS
    strong = [_dots(area, group, f"ramp-{at}{' few' if few else ''}", answer) for at, group in groups.items()]
    steps = line(area, _corners(best, last), "step-line")
    return [steps, *strong] if few else [*strong, steps]


def _dots(area: Area, results: Sequence[Result], css: str, answer: bool) -> str:
    points = _points(results)
    if not all(each.run for each in results):
        return dots(area, points, css)
    if not answer:
        return crowd(area, points, css, "chart=best")
    return answering(area, points, [told(*_said_of(each)) for each in results], css)


def _told_at(area: Area, shown: Sequence[Result], x: int, y: int) -> str:
    there = [each for each in shown if pixel(area, each.at, each.value or 0.0) == (x, y)]
    return told_together([_said_of(each) for each in there])


def _said_of(result: Result) -> tuple[str, list[tuple[str, str]], str]:
    return result.name, [("", format.parameter(result.value, DIGITS))], result.run


def _said(at: float, by_time: bool) -> str:
    return elapsed(round(at)) if by_time else f"{at:.0f}"


def _x_labels(area: Area, by_time: bool) -> list[str]:
    y = HEIGHT + TRAY_HEIGHT + LABELS_HEIGHT - 6
    if not by_time:
        return x_labels(area, whole_ticks(1, int(area.last), most=4), y, "{} runs")
    return [
        f'<text class="x-label" x="{area.x(tick):.2%}" y="{y}" text-anchor="{"middle" if tick else "start"}">'
        f"{elapsed(tick)}</text>"
        for tick in time_ticks(area.last)
        if area.x(tick) < 0.95
    ]


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


def _corners(best: Sequence[Point], last: float) -> list[Point]:
    corners = [best[0]]
    for x, y in best[1:]:
        corners += [(x, corners[-1][1]), (x, y)]
    return [*corners, (last, corners[-1][1])]


def _best_mark(area: Area, best: Point, name: str) -> str:
    x, y = area.x(best[0]), area.y(best[1])
    anchor = "end" if x > 0.8 else "start" if x < 0.1 else "middle"
    return (
        f'<circle class="best-mark" cx="{x:.2%}" cy="{y:.1f}" r="4.5"/>'
        f'<text class="best-label" x="{x:.2%}" y="{y - 10:.1f}" text-anchor="{anchor}">{escape(name)}</text>'
    )


def _waiting(area: Area, started: float) -> str:
    x = area.x(started)
    return f'<rect class="waiting-field" x="{x:.2%}" width="{1 - x:.2%}" height="{HEIGHT}"/>' if x < 1 else ""


def _tray(area: Area, out: Sequence[float], without: Sequence[float]) -> list[str]:
    y = HEIGHT + TRAY_HEIGHT - 5
    return [marks(area, out, y, "▽", "out-of-scale"), marks(area, without, y, "✕", "without-value")]
