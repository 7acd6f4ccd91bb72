"""What decided a sweep, drawn: its settled points as lines over their parameters, and what each parameter explains.

Drawing thousands of points takes a second at worst, and a page is asked for every few seconds: drawings are kept by
the points they were made of, so that they are never out of date.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from statistics import fmean
from typing import Any, Final

from markupsafe import Markup

from charts import format
from charts.axis import Axis, Pick
from charts.bars import Bar, bars, better
from charts.parallel_coordinates import Outcome, ParallelCoordinates, parallel_coordinates
from charts.scale import Scale
from search.importance import Importance, TooFew, importance
from search.space import Categorical, WeightedCategorical
from server.pages.sweep.chosen import Chosen
from server.pages.sweep.columns import by_parameter
from server.pages.sweep.scatter import address
from server.pages.sweep.search_space import ends, searched
from server.pages.sweep.table_query import FILTER_PREFIX, METRIC_FILTER, PARAMETER_PREFIX, TableQuery
from server.pages.sweep.view import SweepView
from server.pages.table.conditions import holds, range_of
from server.pages.table.fields import is_result
from server.pages.words.facts import Segment
from server.pages.words.sent import Path, at, read_object, written
from server.sampling import evenly
from server.store.rows import Sweep
from server.store.sweep_queries import Point
from terms.states import FAILURES

# On a wide page and on a phone: more axes stand too close, and a phone's lines are too thin to be many.
AXES: Final = {"wide": 7, "narrow": 3}
LINES: Final = {"wide": 800, "narrow": 200}
LEAST_PX: Final = {"wide": 600, "narrow": 230}
# Importance costs half a second for so many runs, and more of them hardly narrow its intervals.
MOST_MEASURED: Final = 1000
DRAWINGS_KEPT: Final = 8
AXES_KEPT: Final = 32

Points = tuple[Point, ...]


@dataclass(frozen=True)
class Parallel:
    """The drawings by form of the page, "wide" and "narrow"; none if no point has a value.

    Attributes:
        caption: what is under them.
        scale: words and address that draw what is out of scale, or leave it out again; None where nothing is.
        menus: by form the parameters, each with the address that gives it an axis or takes it away.
    """

    svg: dict[str, Markup]
    caption: str
    scale: tuple[str, str] | None = None
    menus: dict[str, list[Segment]] = field(default_factory=dict)


@dataclass(frozen=True)
class Mattered:
    """What each parameter explains, as `bars`; else why nothing is told, and by name how many values were tried."""

    said: str
    bars: Markup
    tried: list[tuple[str, str]]


@dataclass(frozen=True)
class SweepPlots:
    """What mattered; `first` is the strongest parameter, or the file's first where that cannot be told."""

    mattered: Mattered
    first: str


@dataclass(frozen=True)
class Drawing:
    """All that the parallel coordinates are made of; they are kept by it.

    Attributes:
        config, metric, goal: of the sweep.
        paths: of the parameters, the first one first; `by_importance` says what put them in this order.
        path, query: of the page, for the links on its axes.
        axis: of the metric.
        letters: of the runs that are told apart.
    """

    points: Points
    chosen: Chosen
    config: str
    metric: str
    goal: str
    paths: tuple[Path, ...]
    by_importance: bool
    path: str
    query: TableQuery
    axis: Scale | None
    letters: tuple[tuple[str, str], ...]

    @cached_property
    def outcomes(self) -> list[Outcome]:
        chosen, letters = self.chosen, dict(self.letters)
        return [
            Outcome(
                point.name,
                _value(point),
                chosen is None or point.run in chosen,
                point.run,
                letters.get(point.run, ""),
            )
            for point in self.points
        ]


def sweep_parallel(view: SweepView) -> Parallel | None:
    """Draws the settled points that the filters leave, and in grey the others.

    Returns:
        None for a sweep that names no metric, has no settled point, or varies less than two parameters: one alone is
        drawn against the metric instead.
    """
    if not has_plots(view) or len(searched(view.sweep.config)) < 2:
        return None
    sweep, known = view.sweep, _known(view)
    drawing = Drawing(
        view.points,
        view.selection.runs,
        sweep.config,
        sweep.metric_name or "",
        sweep.goal,
        paths=_strongest_first(known, sweep.config),
        by_importance=not isinstance(known, TooFew),
        path=view.path,
        query=replace(view.query, number=1),
        axis=view.axis,
        letters=tuple(view.letters.items()),
    )
    return _parallel(drawing)


def sweep_plots(view: SweepView) -> SweepPlots | None:
    """Tells what the parameters explain; None for a sweep that has no plots."""
    if not has_plots(view):
        return None
    return SweepPlots(what_mattered(view), ".".join(_strongest_first(_known(view), view.sweep.config)[0]))


def has_plots(view: SweepView) -> bool:
    """Whether a sweep names a metric, varies something, and has a settled point."""
    return view.sweep.metric_name is not None and bool(searched(view.sweep.config) and view.points)


def what_mattered(view: SweepView) -> Mattered:
    """What each parameter explains of the chosen runs, or of their groups, of a sweep that has plots.

    Until the sweep is over, importance is measured again at every tenth run or so.
    """
    sweep, points, chosen = view.sweep, view.points, view.selection.by_settings
    by = _grouped_by(view)
    considered = _means(points, chosen, by) if by else points
    measured = _measured(considered, None if by else chosen, view.over)
    found = _importance(measured, sweep.config, sweep.goal, by)
    valued = sum(_counts(point, None if by else chosen) for point in considered)
    return _mattered(view, found, measured, valued, by)


def _known(view: SweepView) -> tuple[Importance, ...] | TooFew:
    """What all runs tell: axes stay where they are under a filter."""
    return _importance(_measured(view.points, None, view.over), view.sweep.config, view.sweep.goal)


def _grouped_by(view: SweepView) -> tuple[Path, ...]:
    """The parameters that the address groups by, if it groups by nothing else."""
    paths = tuple(
        path for path in searched(view.sweep.config) if f"{PARAMETER_PREFIX}{'.'.join(path)}" in view.query.by
    )
    return paths if len(paths) == len(view.query.by) else ()


def _means(points: Points, chosen: Chosen, by: tuple[Path, ...]) -> Points:
    """A point for each group of the chosen ones, with the mean of its results; it goes by its first run's name."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        if _counts(point, chosen):
            values = read_object(point.params)
            groups.setdefault(json.dumps([at(values, path) for path in by]), []).append(point)
    return tuple(each[0]._replace(metric=fmean(point.metric or 0.0 for point in each)) for each in groups.values())


def _counts(point: Point, chosen: Chosen) -> bool:
    return _value(point) is not None and (chosen is None or point.run in chosen)


def _measured(points: Points, chosen: Chosen, over: bool) -> Points:
    """The results that importance is measured on: of too many some, spread evenly."""
    valued = tuple(point for point in points if _counts(point, chosen))
    known = valued if over else valued[: _round(len(valued))]
    return tuple(known[place] for place in evenly(len(known), MOST_MEASURED))


def _strongest_first(found: tuple[Importance, ...] | TooFew, config: str) -> tuple[Path, ...]:
    """The parameters; in the order of the file where there are too few runs to tell."""
    paths = tuple(searched(config))
    if isinstance(found, TooFew):
        return paths
    places = {".".join(path): path for path in paths}
    known = tuple(places[effect.name] for effect in found)
    return (*known, *(path for path in paths if path not in known))


def _value(point: Point) -> float | None:
    """The last value of a run that failed is no result."""
    return None if point.state in FAILURES else point.metric


def _round(count: int) -> int:
    """A count that stands still for a while: each up to 100, then every tenth, from 1,000 on every hundredth."""
    step = int("1".ljust(len(str(count)) - 1, "0"))
    return count // step * step


@lru_cache(maxsize=DRAWINGS_KEPT)
def _importance(points: Points, config: str, goal: str, only: tuple[Path, ...] = ()) -> tuple[Importance, ...] | TooFew:
    """Of all parameters, or of some only."""
    found = by_parameter(points, config).items()
    columns = {".".join(path): column for path, column in found if not only or path in only}
    return importance(columns, [point.metric or 0.0 for point in points], goal)


@lru_cache(maxsize=DRAWINGS_KEPT)
def _parallel(drawing: Drawing) -> Parallel:
    drawn = {form: _in_form(drawing, form) for form in AXES}
    wide = drawn["wide"]
    if wide is None:
        return Parallel({}, "")
    svg = {form: Markup(each.svg) for form, each in drawn.items() if each}
    order = "" if drawing.query.axes else _order(len(drawing.paths), drawing.by_importance)
    caption = f"{_lines(wide)} {order}".strip()
    query = drawing.query
    turned = replace(query, whole=not query.whole).url(drawing.path)
    words = "Leave out what is out of scale" if query.whole else "Draw what is out of scale"
    menus = {form: _menu(drawing, form) for form in AXES}
    return Parallel(svg, caption, (words, turned) if query.whole or wide.out_of_scale else None, menus)


def _with_axis(drawing: Drawing, form: str) -> list[Path]:
    """The parameters that have an axis: those of the address, else the strongest beside the result, or the file's."""
    places = {".".join(path): path for path in drawing.paths}
    if asked := [places[name] for name in drawing.query.axes if name in places]:
        return asked
    usual = list(drawing.paths[: AXES[form]])
    return usual[::-1] if drawing.by_importance else usual


def _menu(drawing: Drawing, form: str) -> list[Segment]:
    shown = [".".join(path) for path in _with_axis(drawing, form)]
    found = []
    for name in (".".join(path) for path in drawing.paths):
        others = [each for each in shown if each != name] if name in shown else [name, *shown]
        url = replace(drawing.query, axes=tuple(others)).url(drawing.path)
        found.append(Segment(name, url, name in shown))
    return found


def _in_form(drawing: Drawing, form: str) -> ParallelCoordinates | None:
    paths = _with_axis(drawing, form)
    axes = [_axis(drawing.points, drawing.config, path) for path in paths]
    fields = [*(FILTER_PREFIX + ".".join(path) for path in paths), METRIC_FILTER]
    picks = [_pick(drawing, field) for field in fields]
    metric, goal = drawing.metric, drawing.goal
    return parallel_coordinates(axes, metric, goal, drawing.outcomes, LINES[form], LEAST_PX[form], picks, drawing.axis)


@lru_cache(maxsize=AXES_KEPT)
def _axis(points: Points, config: str, path: Path) -> Axis:
    """Kept, since no filter changes it."""
    values, parameter = by_parameter(points, config)[path], searched(config)[path]
    if isinstance(parameter, Categorical | WeightedCategorical):
        return Axis(".".join(path), values, parameter.values)
    return Axis(".".join(path), values, (), "log" in parameter.distribution, True, ends(parameter))


def _pick(drawing: Drawing, field: str) -> Pick:
    texts = drawing.query.texts(field)
    return Pick(
        field,
        [ends for ends in map(range_of, texts) if ends],
        lambda value: any(holds(text, value) for text in texts),
        lambda value: drawing.query.toggled(field, written(value)).url(drawing.path),
    )


def _lines(drawing: ParallelCoordinates) -> str:
    if not drawing.thinned_out:
        return ""
    of = format.count(drawing.drawn + drawing.thinned_out)
    return f"{format.count(drawing.drawn)} of {of} runs are drawn: the best fifth of these, the others evenly by rank."


def _order(parameters: int, by_importance: bool) -> str:
    most = AXES["wide"]
    shown = f" for {most} of {parameters} parameters" if parameters > most else ""
    if by_importance:
        return f"Axes{shown} in order of importance, the strongest beside the result."
    return f"Axes{shown}, the file's first." if shown else ""


def _mattered(
    view: SweepView, found: tuple[Importance, ...] | TooFew, measured: Points, valued: int, by: tuple[Path, ...]
) -> Mattered:
    sweep, query = view.sweep, view.query
    if isinstance(found, TooFew):
        parameters = format.counted(len(by or searched(sweep.config)), "parameter")
        groups = "groups " if by else ""
        said = f"{format.count(found.runs)} {groups}of about {format.count(found.needed)} needed for {parameters}"
        columns = {
            path: column for path, column in by_parameter(measured, sweep.config).items() if not by or path in by
        }
        return Mattered(said, Markup(""), [(".".join(path), _tried(path, columns[path], sweep)) for path in columns])
    of = "" if len(measured) == valued else f" of {format.count(valued)}"
    # Runs that are chosen by their results tell nothing about what makes results.
    by_result = query.top or query.texts(METRIC_FILTER) or any(map(is_result, query.asked))
    unbiased = ", whatever their result" if by_result else ""
    those = "groups by their means" if by else "runs"
    said = f"share of the variance of ranks, 95 % interval, {format.count(len(measured))}{of} {those}{unbiased}"
    return Mattered(said, Markup(bars([_bar(effect, address(view, effect.name)) for effect in found])), [])


def _bar(effect: Importance, url: str) -> Bar:
    note = better(effect.direction, effect.value)
    return Bar(effect.name, note, effect.share, effect.low, effect.high, effect.told, url)


def _tried(path: Path, column: Sequence[Any], sweep: Sweep) -> str:
    """ "2 of 3 values" of a list, else how many."""
    parameter = searched(sweep.config)[path]
    tried = format.count(len(set(map(repr, column))))
    if isinstance(parameter, Categorical | WeightedCategorical):
        return f"{tried} of {format.counted(len(parameter.values), 'value')}"
    return f"{tried} different"
