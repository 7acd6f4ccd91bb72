"""A sweep of several metrics: each result by all of them, and the Pareto front of the chosen runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from charts import format
from charts.scale import Scale
from charts.scatter import Quantity, Spot, scatter
from search import pareto
from search.schema import Metric
from server.pages.sweep.chosen import Chosen
from server.pages.sweep.search_space import metrics
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.pages.words.sent import read_object
from server.run_values import metric_in
from server.store import sweep_queries
from terms.states import FAILURES

LISTED: Final = 12
DIGITS: Final = 5
DRAWINGS_KEPT: Final = 8


@dataclass(frozen=True)
class Measured:
    """A result with a value of each metric; `run` is W&B's id, `letter` "" for one that is not told apart."""

    run: str
    name: str
    url: str
    values: tuple[float, ...]
    letter: str


@dataclass(frozen=True)
class FrontRow:
    """A run of the front as listed, its values in the order of the metrics."""

    name: str
    url: str
    values: list[str]


@dataclass(frozen=True)
class Drawn:
    """One plot: the first metric against another one."""

    svg: Markup
    left_out: str


@dataclass(frozen=True)
class Pareto:
    """What the template is given.

    Attributes:
        goals: each metric with its direction, the first first.
        said: how many runs are on the front, of how many.
        runs: W&B's ids of the runs on the front.
        rows: those listed, the best in the first metric first.
        more: how many are not.
    """

    goals: list[tuple[str, str]]
    said: str
    runs: frozenset[str]
    plots: list[Drawn]
    rows: list[FrontRow]
    more: int


def pareto_front(view: SweepView) -> Pareto | None:
    """None for a sweep of one metric or none, or before the first result that has them all."""
    wanted = metrics(view.sweep.config)
    found = _measured(view, wanted) if len(wanted) > 1 else ()
    axis = view.axis if wanted and wanted[0].name == view.sweep.metric_name else None
    return _told(found, wanted, view.selection.runs, view.query.whole, axis) if found else None


def _measured(view: SweepView, wanted: Sequence[Metric]) -> tuple[Measured, ...]:
    rows = sweep_queries.summaries_of_points(view.connection, view.sweep.id)
    told = ((row, read_object(row.summary)) for row in rows if row.state not in FAILURES)
    known = ((row, [metric_in(summary, each.name, each.goal) for each in wanted]) for row, summary in told)
    return tuple(
        Measured(
            row.run,
            row.name,
            run_url(view.project, row.run),
            tuple(value for value in values if value is not None),
            view.letters.get(row.run, ""),
        )
        for row, values in known
        if None not in values
    )


@lru_cache(maxsize=DRAWINGS_KEPT)
def _told(
    found: tuple[Measured, ...], wanted: tuple[Metric, ...], chosen: Chosen, whole: bool, axis: Scale | None
) -> Pareto:
    """Kept by what it is made of: a page is asked for every few seconds, and results are thousands."""
    among = [each for each in found if chosen is None or each.run in chosen]
    front = [among[place] for place in pareto.front([each.values for each in among], wanted)]
    names = frozenset(each.run for each in front)
    sign = -1 if wanted[0].goal == "maximize" else 1
    listed = sorted(front, key=lambda each: sign * each.values[0])[:LISTED]
    plots = (_plot(found, wanted, other, names, chosen, whole, axis) for other in range(1, len(wanted)))
    return Pareto(
        goals=[(each.name, "higher" if each.goal == "maximize" else "lower") for each in wanted],
        said=f"{format.count(len(front))} of {format.counted(len(among), 'result')}",
        runs=names,
        plots=[plot for plot in plots if plot],
        rows=_rows(listed),
        more=len(front) - len(listed),
    )


def _rows(listed: Sequence[Measured]) -> list[FrontRow]:
    columns = [format.column(column, DIGITS) for column in zip(*(each.values for each in listed), strict=True)]
    texts = zip(*columns, strict=True)
    return [FrontRow(each.name, each.url, list(values)) for each, values in zip(listed, texts, strict=True)]


def _plot(
    found: Sequence[Measured],
    wanted: Sequence[Metric],
    other: int,
    front: frozenset[str],
    chosen: Chosen,
    whole: bool,
    axis: Scale | None,
) -> Drawn | None:
    up, across = (Quantity(wanted[place].name, wanted[place].goal) for place in (0, other))
    spots = [
        Spot(
            each.values[other],
            each.values[0],
            each.name,
            each.url,
            each.run in front,
            chosen is None or each.run in chosen,
            each.run,
            each.letter,
        )
        for each in found
    ]
    drawn = scatter(spots, across, up, joined=len(wanted) == 2, whole=whole, axis=axis)
    return None if drawn is None else Drawn(Markup(drawn.svg), drawn.left_out)
