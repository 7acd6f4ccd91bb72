"""One sweep: how far it is, how good its best run is and with what, its runs and agents."""

import sqlite3
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from charts import format
from charts.best_so_far import BestSoFar, Result, best_so_far
from charts.progress import progress as progress_bar
from server.pages.door.buttons import share_buttons, sweep_buttons
from server.pages.rendering import Crumb, Page
from server.pages.sweep.agents import sweep_agents
from server.pages.sweep.chosen import Chosen, Selection, everything, select
from server.pages.sweep.curves import sweep_curves, ticks
from server.pages.sweep.differences import differences
from server.pages.sweep.failures import failure_rows
from server.pages.sweep.filter_bar import filter_bar
from server.pages.sweep.plots import sweep_plots
from server.pages.sweep.runs_table import best_of, recipe, runs_table
from server.pages.sweep.table_query import STATE_FILTERS, TableQuery
from server.pages.words.addresses import project_url, run_url, sweep_url
from server.pages.words.facts import Count, Segment, counts, kind_of, kinds, of_expected, stop_reason, title_of
from server.pages.words.look import sweep_look
from server.pages.words.outlook import outlook
from server.pages.words.times import Moment, Now
from server.settings import Settings
from server.store import page_queries, queries, sweep_queries
from server.store.queries import Progress
from server.store.rows import Project, Run, Sweep
from server.store.sweep_queries import Placed
from terms import states

REFRESH_S: Final = 3


@dataclass(frozen=True)
class Best:
    """The best of the chosen runs so far and how it came about.

    Attributes:
        of_all: the best of all, where that is better.
        left_out: what the drawing does not show.
        by: how to draw it: by runs or by time.
    """

    value: str
    of_all: str
    by: list[Segment]
    run: str
    url: str
    live: bool
    moment: Moment
    recipe: list[tuple[str, str]]
    svg: Markup
    left_out: str


def sweep_detail(
    connection: sqlite3.Connection, sweep: Sweep, project: Project, query: TableQuery, settings: Settings, now: Now
) -> Page:
    progress = queries.progress(connection, sweep)
    if query.filtered:
        selection = select(sweep_queries.briefs(connection, sweep.id), sweep, query)
    else:
        selection = everything(queries.run_count_of_sweep(connection, sweep.id))
    agents = sweep_agents(connection, sweep, project, selection, progress, settings.agent_silent_s, now)
    over = sweep.state in states.SWEEP_OVER and not (progress.running or agents.alive)
    path = sweep_url(project, sweep)
    curves = sweep_curves(connection, sweep, project, path, query, selection)
    title = title_of(sweep)
    values = {
        "sweep": sweep,
        "title": title,
        "look": sweep_look(sweep),
        "url": path,
        "buttons": sweep_buttons(sweep, progress),
        "sharing": share_buttons(queries.is_shared(connection, sweep.id)),
        "kind": kind_of(sweep),
        "started": now.past(page_queries.first_start_s(connection, sweep.id)),
        "created": now.moment(sweep.created_at_s),
        "bar": Markup(progress_bar(kinds(progress))),
        "settled": format.count(progress.settled),
        "of_expected": of_expected(sweep),
        "ready": _ready(sweep),
        "counts": _counts(sweep, progress, query, path),
        "retries": sweep_queries.retries(connection, sweep.id),
        "outlook": outlook(connection, sweep, progress, agents.alive, now),
        "reason": stop_reason(sweep),
        "failures": failure_rows(connection, sweep, project),
        "has_runs": selection.total > 0,
        "filters": filter_bar(sweep, path, query, selection),
        "best": _best(connection, sweep, project, path, query, selection, now),
        "plots": sweep_plots(sweep, sweep_queries.points(connection, sweep.id), selection, path, query, over),
        "curves": curves,
        "differences": differences(connection, sweep, [run.id for run in curves.runs] if curves else [], now),
        "table": runs_table(connection, sweep, project, path, query, selection, ticks(path, query, curves), now),
        "agents": agents,
        "wanted": not agents.alive and not over and progress.waiting != 0,
        "agent_command": f"wandb agent {project.entity}/{project.name}/{sweep.name}",
    }
    crumbs = (Crumb("Sweeps", "/"), Crumb(project.name, project_url(project)), Crumb(title))
    return Page("sweep.html", title, values, crumbs, None if over else REFRESH_S)


def _ready(sweep: Sweep) -> str:
    if sweep.expected is None:
        return "Runs are ready."
    return f"{format.counted(sweep.expected, 'run')} {'is' if sweep.expected == 1 else 'are'} ready."


def _counts(sweep: Sweep, progress: Progress, query: TableQuery, path: str) -> list[Count]:
    """Each kind that the table can show alone is a link."""
    return [
        replace(count, url=replace(query, state=kind, number=1).url(path)) if kind in STATE_FILTERS else count
        for kind, count in counts(sweep, progress).items()
    ]


def _best(
    connection: sqlite3.Connection,
    sweep: Sweep,
    project: Project,
    path: str,
    query: TableQuery,
    selection: Selection,
    now: Now,
) -> Best | None:
    run = best_of(connection, sweep, selection)
    if run is None or run.metric is None:
        return None
    values = page_queries.best_values(connection, sweep)
    decimals = format.metric_decimals(values)
    placed = sweep_queries.results(connection, sweep.id)
    first_s = (page_queries.first_start_s(connection, sweep.id) or 0.0) if query.by_time else None
    if first_s is None:
        # The time of a run that goes on is another one each time.
        placed = [each._replace(reached_at_s=0.0) for each in placed]
    drawing = _drawn(tuple(placed), selection.runs, sweep.expected, sweep.goal, first_s, query.whole)
    return Best(
        value=format.metric(run.metric, decimals),
        of_all="" if run.metric == values[0] else format.metric(values[0], decimals),
        by=[
            Segment("Runs", replace(query, by_time=False).url(path), not query.by_time),
            Segment("Time", replace(query, by_time=True).url(path), query.by_time),
        ],
        run=run.display_name or run.name,
        url=run_url(project, run.name),
        live=run.state in states.LIVE,
        moment=now.moment(_reached_at_s(run)),
        recipe=recipe(page_queries.attempt(connection, run), sweep),
        svg=Markup(drawing.svg if drawing else ""),
        left_out=_left_out(drawing.out_of_scale, drawing.without_value) if drawing else "",
    )


@lru_cache(maxsize=8)
def _drawn(
    placed: tuple[Placed, ...], chosen: Chosen, expected: int | None, goal: str, first_s: float | None, whole: bool
) -> BestSoFar | None:
    """Kept by what it is made of: a page is asked for every few seconds, and results are thousands.

    Args:
        first_s: when the first run started, to draw them by time; None draws them by number.
    """
    results = [
        Result(
            each.number if first_s is None else max(each.reached_at_s - first_s, 0.0),
            each.metric,
            chosen is None or each.run in chosen,
        )
        for each in placed
    ]
    results.sort(key=lambda result: result.at)
    return best_so_far(results, expected, goal, by_time=first_s is not None, whole=whole)


def _reached_at_s(run: Run) -> float:
    return run.heartbeat_at_s if run.ended_at_s is None else run.ended_at_s


def _left_out(out_of_scale: int, without_value: int) -> str:
    parts = []
    if out_of_scale:
        parts.append(f"▽ {format.count(out_of_scale)} out of scale")
    if without_value:
        parts.append(f"✕ {format.count(without_value)} without a value")
    return ", ".join(parts)
