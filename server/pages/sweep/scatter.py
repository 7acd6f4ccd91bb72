"""Two quantities of a sweep's runs against each other: a parameter against the metric, one metric against another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from charts import format
from charts.against import Against, Seen, Side, against, side, side_of_metric
from charts.axis import Axis
from charts.scale import Scale
from search.space import Categorical, WeightedCategorical
from server.pages.sweep.chosen import Chosen
from server.pages.sweep.columns import by_parameter
from server.pages.sweep.search_space import ends, searched
from server.pages.sweep.table_query import PARAMETER_PREFIX
from server.pages.sweep.view import SweepView
from server.pages.table import fields
from server.store import table_queries
from server.store.sweep_queries import Point
from terms.states import FAILURES

METRIC: Final = "metric"
# Beside parameters and what programs send.
OTHERS: Final = ("rows", "time", "created")
DRAWINGS_KEPT: Final = 16
MOST_SMALL: Final = 12


@dataclass(frozen=True)
class Choice:
    """A quantity that can be an axis: a field of runs, its name, and whether it is drawn now."""

    field: str
    name: str
    chosen: bool


@dataclass(frozen=True)
class Scatter:
    """The panel.

    Attributes:
        across, up: what each axis can be.
        kept: what the form has to send along.
        left_out: what the drawing does not show, "" for nothing; `svg` is "" where it shows nothing.
    """

    across: list[Choice]
    up: list[Choice]
    kept: list[tuple[str, str]]
    svg: Markup
    left_out: str


@dataclass(frozen=True)
class Small:
    """The metric against one parameter, as one of several."""

    name: str
    url: str
    svg: Markup


@dataclass(frozen=True)
class Drawing:
    """All that a drawing is made of; it is kept by this.

    Attributes:
        others: of each run what it has of those axes that are neither a parameter nor the metric, by W&B's id.
        letters: of the runs that are told apart.
    """

    points: tuple[Point, ...]
    others: tuple[tuple[Any, ...], ...]
    across: str
    up: str
    chosen: Chosen
    config: str
    metric: str
    goal: str
    axis: Scale | None
    small: bool = False
    letters: tuple[tuple[str, str], ...] = ()


def scatter_panel(view: SweepView, first: str | None) -> Scatter | None:
    """None for a sweep that names no metric, or before its first result.

    Args:
        first: the parameter to draw where the address names none; None: the file's first.
    """
    known = _known(view)
    if view.sweep.metric_name is None or view.best_of_all is None:
        return None
    usual = PARAMETER_PREFIX + first if first else next(iter(known))
    across = view.query.across if view.query.across in known else usual
    up = view.query.up if view.query.up in known else METRIC
    drawn = _drawn(_drawing(view, across, up))
    return Scatter(
        across=[Choice(field, name, field == across) for field, name in known.items()],
        up=[Choice(field, name, field == up) for field, name in known.items()],
        kept=replace(view.query, across=None, up=None, number=1).pairs(),
        svg=Markup(drawn.svg if drawn else ""),
        left_out=f"{format.counted(drawn.left_out, 'run')}, out of scale or without a value"
        if drawn and drawn.left_out
        else "",
    )


def told_at(view: SweepView, x: int, y: int) -> str:
    """The attributes of the mark at a place of the drawing that the address names; "" where there is none."""
    across, up, known = view.query.across or "", view.query.up or "", _known(view)
    drawn = _drawn(_drawing(view, across, up)) if across in known and up in known else None
    return drawn.told_at(x, y) if drawn else ""


def small_multiples(view: SweepView, parameters: Sequence[str]) -> list[Small]:
    """The metric against each of these parameters, up to `MOST_SMALL`."""
    names = parameters[:MOST_SMALL]
    found = ((name, _drawn(_drawing(view, PARAMETER_PREFIX + name, METRIC, small=True))) for name in names)
    return [Small(name, address(view, name), Markup(drawn.svg)) for name, drawn in found if drawn]


def address(view: SweepView, parameter: str) -> str:
    """Of the page with the metric drawn against a parameter, at the drawing."""
    query = replace(view.query, across=PARAMETER_PREFIX + parameter, up=None, number=1)
    return f"{query.url(view.path)}#scatter"


def _known(view: SweepView) -> dict[str, str]:
    """What can be an axis, by field: the parameters first, then the metric and what else was logged."""
    parameters = {PARAMETER_PREFIX + ".".join(path): ".".join(path) for path in searched(view.sweep.config)}
    metric = view.sweep.metric_name or ""
    sent = {field: fields.title(field) for field in view.sent_names if field != f"summary.{metric}"}
    return {**parameters, METRIC: metric, **{field: fields.title(field) for field in OTHERS}, **sent}


def _drawing(view: SweepView, across: str, up: str, small: bool = False) -> Drawing:
    fields = _others(across, up)
    found = table_queries.values(view.connection, view.of, fields)
    others = tuple((run, *map(_plain, values)) for run, values in found.items())
    sweep = view.sweep
    name = sweep.metric_name or ""
    chosen = view.selection.runs
    return Drawing(
        view.points,
        others,
        across,
        up,
        chosen,
        sweep.config,
        name,
        sweep.goal,
        view.axis,
        small,
        tuple(view.letters.items()),
    )


def _others(*asked: str) -> list[str]:
    return [field for field in asked if field != METRIC and not field.startswith(PARAMETER_PREFIX)]


def _plain(value: Any) -> Any:
    """A value that drawings can be kept by."""
    return value if value is None or isinstance(value, str | int | float) else str(value)


@lru_cache(maxsize=DRAWINGS_KEPT)
def _drawn(drawing: Drawing) -> Against | None:
    kept = [place for place, point in enumerate(drawing.points) if point.state not in FAILURES]
    points = [drawing.points[place] for place in kept]
    results = [point.metric for point in points]
    if all(result is None for result in results):
        return None
    chosen, letters = drawing.chosen, dict(drawing.letters)
    runs = [
        Seen(point.name, point.metric, chosen is None or point.run in chosen, point.run, letters.get(point.run, ""))
        for point in points
    ]
    metric = side_of_metric(drawing.metric, results, drawing.goal, drawing.axis)
    columns = {field: _column(drawing, field, kept) for field in (drawing.across, drawing.up)}
    ranked = _ranked(drawing, results, metric, list(columns.values()))
    across, up = (
        metric if field == METRIC else side(_axis(drawing.config, field, columns[field]), ranked)
        for field in (drawing.across, drawing.up)
    )
    name = urlencode({"chart": "scatter", "across": drawing.across, "up": drawing.up})
    return against(across, up, runs, drawing.goal, drawing.small, name)


def _column(drawing: Drawing, field: str, kept: Sequence[int]) -> list[Any]:
    """The values of a field, of those points that are kept."""
    if field == METRIC:
        return [drawing.points[place].metric for place in kept]
    if field.startswith(PARAMETER_PREFIX):
        known = {".".join(path): column for path, column in by_parameter(drawing.points, drawing.config).items()}
        return [known[field.removeprefix(PARAMETER_PREFIX)][place] for place in kept]
    column = 1 + _others(drawing.across, drawing.up).index(field)
    values = {row[0]: row[column] for row in drawing.others}
    return [values.get(drawing.points[place].run) for place in kept]


def _ranked(
    drawing: Drawing, results: Sequence[float | None], metric: Side, columns: Sequence[Sequence[Any]]
) -> list[int]:
    """The points that will have a dot, those without a result first, then from the worst to the best."""
    sign = 1 if drawing.goal == "maximize" else -1
    needs_metric = METRIC in (drawing.across, drawing.up)
    there = [run for run in range(len(results)) if all(column[run] is not None for column in columns)]
    shown = [run for run in there if not needs_metric or metric.places[run] is not None]
    return sorted(shown, key=lambda run: -math.inf if (result := results[run]) is None else sign * result)


def _axis(config: str, field: str, values: Sequence[Any]) -> Axis:
    name = field.removeprefix(PARAMETER_PREFIX)
    parameter = next((each for path, each in searched(config).items() if ".".join(path) == name), None)
    if parameter is None or field == name:
        return Axis(fields.title(field), values, continuous=True)
    if isinstance(parameter, Categorical | WeightedCategorical):
        return Axis(name, values, parameter.values)
    return Axis(name, values, (), "log" in parameter.distribution, True, ends(parameter))
