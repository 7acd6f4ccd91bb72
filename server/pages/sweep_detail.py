"""One sweep: how far it is, how good its best run is and with what, its runs and agents."""

import sqlite3
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from charts import format
from charts.best_so_far import BestSoFar, Result, best_so_far
from charts.progress import progress as progress_bar
from server import lifecycle
from server.pages.addresses import project_url, run_url, sweep_url
from server.pages.buttons import share_buttons, sweep_buttons
from server.pages.facts import Count, counts, kind_of, kinds, of_expected, stop_reason, title_of
from server.pages.failures import failure_rows
from server.pages.look import sweep_look
from server.pages.outlook import outlook
from server.pages.rendering import Crumb, Page
from server.pages.runs_table import recipe, runs_table
from server.pages.sweep_agents import sweep_agents
from server.pages.sweep_curves import sweep_curves, ticks
from server.pages.sweep_plots import sweep_plots
from server.pages.table_query import STATE_FILTERS, TableQuery
from server.pages.times import Moment, Now
from server.settings import Settings
from server.store import page_queries, queries
from server.store.queries import Progress
from server.store.rows import Project, Run, Sweep

REFRESH_S: Final = 3


@dataclass(frozen=True)
class Best:
    """The best run so far and how it came about; `left_out` says what the drawing does not show."""

    value: str
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
    agents = sweep_agents(connection, sweep, project, query, progress, settings.agent_silent_s, now)
    over = sweep.state in (lifecycle.SWEEP_FINISHED, lifecycle.SWEEP_CANCELED) and not (
        progress.running or agents.alive
    )
    path = sweep_url(project, sweep)
    curves = sweep_curves(connection, sweep, project, path, query)
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
        "retries": page_queries.retries(connection, sweep.id),
        "outlook": outlook(connection, sweep, progress, agents.alive, now),
        "reason": stop_reason(sweep),
        "failures": failure_rows(connection, sweep, project),
        "best": _best(connection, sweep, project, now),
        "plots": sweep_plots(sweep, page_queries.points(connection, sweep.id), query, over),
        "curves": curves,
        "table": runs_table(connection, sweep, project, path, query, ticks(path, query, curves), now),
        "agents": agents,
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


def _best(connection: sqlite3.Connection, sweep: Sweep, project: Project, now: Now) -> Best | None:
    run = queries.best_run(connection, sweep)
    if run is None or run.metric is None:
        return None
    decimals = format.metric_decimals(page_queries.best_values(connection, sweep))
    drawing = _drawn(tuple(page_queries.results(connection, sweep.id)), sweep.expected, sweep.goal)
    return Best(
        value=format.metric(run.metric, decimals),
        run=run.display_name or run.name,
        url=run_url(project, run.name),
        live=run.state in lifecycle.LIVE,
        moment=now.moment(_reached_at_s(run)),
        recipe=recipe(page_queries.attempt(connection, run), sweep),
        svg=Markup(drawing.svg if drawing else ""),
        left_out=_left_out(drawing.out_of_scale, drawing.without_value) if drawing else "",
    )


@lru_cache(maxsize=8)
def _drawn(results: tuple[tuple[int, float | None], ...], expected: int | None, goal: str) -> BestSoFar | None:
    """Kept by what it is made of: a page is asked for every few seconds, and results are thousands."""
    return best_so_far([Result(number, value) for number, value in results], expected, goal)


def _reached_at_s(run: Run) -> float:
    return run.heartbeat_at_s if run.ended_at_s is None else run.ended_at_s


def _left_out(out_of_scale: int, without_value: int) -> str:
    parts = []
    if out_of_scale:
        parts.append(f"▽ {format.count(out_of_scale)} out of scale")
    if without_value:
        parts.append(f"✕ {format.count(without_value)} without a value")
    return ", ".join(parts)
