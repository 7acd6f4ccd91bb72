"""A project's runs by filters and in an order, of which only the page that is asked for is read.

What columns tell is asked of the database; what configs and summaries tell, of lists that are kept; the rest, as what
schedulers have queued, is tried run by run.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from server.protocol import run_columns
from server.protocol.context import Info
from server.protocol.filters import RunView, ordered, parse_filters, passing, refuse_costly, sweep_asked_for
from server.protocol.kept_lists import Scope
from server.protocol.paging import not_negative, number_of
from server.protocol.run_columns import UntoldError
from server.store import queries, run_lists, suggestion_queries, sweep_queries
from server.store.rows import Project, Run, Sweep

USUAL_ORDER = "-created_at"


@dataclass(frozen=True)
class Found:
    """Runs that pass, in order: how many there are, and some of them by limit (-1 for all) and offset."""

    count: Callable[[], int]
    page: Callable[[int, int], list[Run]]


@dataclass(frozen=True)
class Asked:
    """What a client asks for."""

    project: Project
    filters: dict[str, Any]
    sweep: Sweep | None


def find(info: Info, project: Project, filters: str | None, order: str | None = None) -> Found:
    """The project's runs that pass; the newest first when no order is given.

    Raises:
        RefusalError: the filters or the order are wrong, or would cost too much.
    """
    tx, asked = info.context.tx, _asked(info, project, filters, order)
    by = order or USUAL_ORDER
    if info.context.lists is None or suggestion_queries.queued(tx, project.id):
        return _listed(_views(info, asked, by))
    try:
        return _told(tx, asked, by)
    except UntoldError:
        return _kept(info, asked, by)


def page_of(read: Callable[[int, int], list[Run]], first: int | None, after: str | None) -> dict[str, Any]:
    """One page; the cursor of a run is its place.

    Args:
        read: gives runs by limit and offset, as `Found.page`.

    Raises:
        RefusalError: `after` is no cursor of ours, or a count is negative.
    """
    start = number_of(after) + 1 if after else 0
    limit = -1 if first is None else not_negative(first, "first")
    # One more tells whether there are more.
    runs = read(limit + 1 if limit >= 0 else -1, start)
    shown = runs if limit < 0 else runs[:limit]
    edges = [{"node": run, "cursor": str(start + place)} for place, run in enumerate(shown)]
    info = {"endCursor": edges[-1]["cursor"] if edges else None, "hasNextPage": len(shown) < len(runs)}
    return {"edges": edges, "pageInfo": info}


def _asked(info: Info, project: Project, filters: str | None, order: str | None) -> Asked:
    tx, wanted = info.context.tx, parse_filters(filters)
    sweep = queries.sweep(tx, name) if (name := sweep_asked_for(wanted)) else None

    def counted() -> int:
        return queries.run_count_of_sweep(tx, sweep.id) if sweep else queries.run_count(tx, project.id)

    refuse_costly(wanted, order, counted, at_most=queries.last_run(tx))
    return Asked(project, wanted, sweep)


def _told(tx: sqlite3.Connection, asked: Asked, order: str) -> Found:
    tests, sweeps = run_columns.tests(asked.filters)
    sweep_ids = {found.id if (found := queries.sweep(tx, name)) else -1 for name in sweeps}
    if len(sweep_ids) > 1 or any(sweep_queries.prior_runs(tx, id) for id in sweep_ids):
        raise UntoldError("sweep")
    by = run_columns.order(order)
    runs = run_lists.Runs(asked.project.id, next(iter(sweep_ids), None), tuple(tests), by)
    return Found(lambda: run_lists.count(tx, runs), lambda limit, offset: run_lists.page(tx, runs, limit, offset))


def _kept(info: Info, asked: Asked, order: str) -> Found:
    tx, lists = info.context.tx, info.context.lists
    if lists is None:
        raise LookupError("no lists are kept for this request")
    scope = Scope(asked.project.id, asked.sweep.id if asked.sweep else None)
    view_of = _view_of(info, asked.project)

    def page(limit: int, offset: int) -> list[Run]:
        ids = lists.ids(tx, scope, asked.filters, view_of, order)
        return run_lists.by_ids(tx, ids[offset : offset + limit if limit >= 0 else None])

    return Found(lambda: len(lists.ids(tx, scope, asked.filters, view_of, None)), page)


def _listed(views: list[RunView]) -> Found:
    runs = [view.run for view in views]
    return Found(lambda: len(runs), lambda limit, offset: runs[offset : offset + limit if limit >= 0 else None])


def _views(info: Info, asked: Asked, order: str) -> list[RunView]:
    tx, project, sweep = info.context.tx, asked.project, asked.sweep
    if sweep:
        rows = sweep_queries.prior_runs(tx, sweep.id) + queries.runs_of_sweep(tx, sweep.id)
    else:
        rows = queries.runs(tx, project.id)
    queued = suggestion_queries.queued(tx, project.id, sweep.id if sweep else None)
    rows += map(suggestion_queries.as_run, queued)
    view_of = _view_of(info, project)
    return ordered(passing([view_of(run) for run in rows if run.project_id == project.id], asked.filters), order)


def _view_of(info: Info, project: Project) -> Callable[[Run], RunView]:
    """Shows a run to filters; its sweep by name, or several where others began with it."""
    tx = info.context.tx

    @cache
    def sweeps() -> tuple[dict[int, str], dict[int, list[str]]]:
        names = {sweep.id: sweep.name for sweep in queries.sweeps(tx, project.id)}
        return names, sweep_queries.sweeps_by_prior_run(tx, project.id)

    def of(run: Run) -> RunView:
        names, others = sweeps()
        own = names.get(run.sweep_id or 0)
        sweep = [*others[run.id], *([own] if own else [])] if run.id in others else own
        return RunView(run, sweep, info.context.settings.entity)

    return of
