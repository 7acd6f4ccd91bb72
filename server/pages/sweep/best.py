"""How good the best of the chosen runs is, how it came about, and with what."""

from dataclasses import dataclass, replace
from functools import lru_cache

from markupsafe import Markup

from charts import format
from charts.best_so_far import BestSoFar, Result, best_so_far
from charts.scale import Scale
from server.pages.sweep.chosen import Chosen
from server.pages.sweep.recipe import recipe
from server.pages.sweep.view import SweepView
from server.pages.table.groups import said, spread
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.times import Moment
from server.pages.words.versions import ShownVersion, shown
from server.store import artifact_page_queries, queries, sweep_queries
from server.store.rows import Run
from server.store.sweep_queries import Placed
from terms import states
from terms.record import BEST, MODEL_TYPE


@dataclass(frozen=True)
class Best:
    """The best of the chosen runs so far and how it came about.

    Attributes:
        of_all: the best of all, where that is better.
        group: where runs are grouped, of how many the value is the mean and how far they lie apart; then the run is
            the best of the best group, and the recipe what its runs share.
        model: the artifact of this type that it has logged: the one with the alias `best`, else its last.
        left_out: what the drawing does not show.
        by: how to draw it: by runs or by time.
    """

    value: str
    of_all: str
    group: str
    by: list[Segment]
    run: str
    url: str
    live: bool
    moment: Moment
    model: ShownVersion | None
    recipe: list[tuple[str, str]]
    svg: Markup
    left_out: str


def best(view: SweepView) -> Best | None:
    """None if no chosen run has a value."""
    if view.best is None or view.best.run.metric is None:
        return None
    run, metric = view.best.run, view.best.run.metric
    drawing = _drawing(view)
    found = Best(
        value=format.metric(metric, view.decimals),
        group="",
        of_all="" if metric == view.best_values[0] else format.metric(view.best_values[0], view.decimals),
        by=[
            Segment("Runs", replace(view.query, by_time=False).url(view.path), not view.query.by_time),
            Segment("Time", replace(view.query, by_time=True).url(view.path), view.query.by_time),
        ],
        run=run.display_name or run.name,
        url=run_url(view.project, run.name),
        live=run.state in states.LIVE,
        moment=view.now.moment(_reached_at_s(run)),
        model=_model(view, run),
        recipe=recipe(view.best, view.sweep),
        svg=Markup(drawing.svg if drawing else ""),
        left_out=_left_out(drawing.out_of_scale, drawing.without_value) if drawing else "",
    )
    return _of_group(view, found) if view.groups else found


def _of_group(view: SweepView, single: Best) -> Best:
    """The best group in place of the best run."""
    group = view.groups[0]
    run = _run_of(view, group.best(view.sweep.goal == "maximize"))
    if run is None:
        return single
    far = spread(group, view.decimals, view.query.by_error)
    of = f"mean of {format.counted(len(group.results), 'run')}{'' if far == format.ABSENT else f', {far}'}"
    return replace(
        single,
        value=format.metric(group.mean, view.decimals),
        of_all="",
        group=of,
        run=run.display_name or run.name,
        url=run_url(view.project, run.name),
        live=run.state in states.LIVE,
        moment=view.now.moment(_reached_at_s(run)),
        model=_model(view, run),
        recipe=said(group, view.query.by),
    )


def _run_of(view: SweepView, name: str | None) -> Run | None:
    return queries.run_of_sweep(view.connection, view.sweep.id, name) if name else None


def told_at(view: SweepView, x: int, y: int) -> str:
    """The attributes of the mark at a place of the drawing; "" where there is none."""
    drawing = _drawing(view)
    return drawing.told_at(x, y) if drawing else ""


def _drawing(view: SweepView) -> BestSoFar | None:
    placed = sweep_queries.results(view.connection, view.sweep.id)
    first_s = (view.first_start_s or 0.0) if view.query.by_time else None
    if first_s is None:
        # The time of a run that goes on is another one each time.
        placed = _without_times(placed)
    return _drawn(
        placed,
        view.selection.runs,
        view.sweep.expected,
        view.sweep.goal,
        first_s,
        view.axis,
        tuple(view.letters.items()),
    )


@lru_cache(maxsize=2)
def _without_times(placed: tuple[Placed, ...]) -> tuple[Placed, ...]:
    return tuple(each._replace(reached_at_s=0.0) for each in placed)


@lru_cache(maxsize=8)
def _drawn(
    placed: tuple[Placed, ...],
    chosen: Chosen,
    expected: int | None,
    goal: str,
    first_s: float | None,
    axis: Scale | None,
    letters: tuple[tuple[str, str], ...],
) -> BestSoFar | None:
    """Kept by what it is made of: a page is asked for every few seconds, and results are thousands.

    Args:
        first_s: when the first run started, to draw them by time; None draws them by number.
        letters: of the runs that are told apart.
    """
    results = [
        Result(
            each.number if first_s is None else max(each.reached_at_s - first_s, 0.0),
            each.metric,
            chosen is None or each.run in chosen,
            each.run,
            each.name,
            dict(letters).get(each.run, ""),
        )
        for each in placed
    ]
    results.sort(key=lambda result: result.at)
    return best_so_far(results, expected, goal, by_time=first_s is not None, axis=axis)


def _model(view: SweepView, run: Run) -> ShownVersion | None:
    found = artifact_page_queries.made(view.connection, run.id, MODEL_TYPE, BEST)
    return shown(found, view.now, view.sweep.id) if found else None


def _reached_at_s(run: Run) -> float:
    return run.heartbeat_at_s if run.ended_at_s is None else run.ended_at_s


def _left_out(out_of_scale: int, without_value: int) -> str:
    parts = []
    if out_of_scale:
        parts.append(f"▽ {format.count(out_of_scale)} out of scale")
    if without_value:
        parts.append(f"✕ {format.count(without_value)} without a value")
    return ", ".join(parts)
