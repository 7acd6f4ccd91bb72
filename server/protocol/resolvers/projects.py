"""Projects: found, listed, made."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from server.ledger import sweeps as ledger
from server.ledger.points import standing
from server.protocol.context import Info, iso, node_id
from server.protocol.filters import RunView, ordered, parse_filters, passing, refuse_costly, sweep_asked_for
from server.protocol.paging import page
from server.protocol.resolvers.account import entity, user
from server.refusal import RefusalError
from server.store import queries, suggestion_queries, sweep_queries
from server.store.rows import Project, Run, Sweep

# By which a scheduler asks after the runs that it has queued, and at its start after all of its sweep's.
OF_SCHEDULERS: Final = ("SweepWatchedRuns", "SweepRunsWithHistory")
# What a client means that names no project: the sweep or run is looked for by its own name.
ANY_PROJECT = Project(id=0, entity="", name=ledger.DEFAULT_PROJECT, description=None, created_at_s=0.0)


def find(info: Info, name: str | None, entity_name: str | None) -> Project | None:
    """The project, ANY_PROJECT when none is named, or None when there is no such project."""
    context = info.context
    if not name:
        return ANY_PROJECT
    found = queries.project(context.tx, entity_name or context.settings.entity, name)
    if found is None and name == ledger.DEFAULT_PROJECT:
        return ANY_PROJECT
    return found


def project_of(info: Info, row: Run | Sweep) -> Project:
    return queries.by_id(info.context.tx, Project, row.project_id)


def views(info: Info, project: Project, filters: str | None, order: str | None = None) -> list[RunView]:
    """The project's runs that pass the filters, in order; the newest first when none is given."""
    context = info.context
    wanted = parse_filters(filters)
    names = _sweeps_of_runs(context.tx, project)
    asked = queries.sweep(context.tx, name) if (name := sweep_asked_for(wanted)) else None
    count = queries.run_count_of_sweep(context.tx, asked.id) if asked else queries.run_count(context.tx, project.id)
    refuse_costly(wanted, order, count)
    if asked:
        rows = sweep_queries.prior_runs(context.tx, asked.id) + queries.runs_of_sweep(context.tx, asked.id)
    else:
        rows = queries.runs(context.tx, project.id)
    queued = suggestion_queries.queued(context.tx, project.id, asked.id if asked else None)
    rows += map(suggestion_queries.as_run, queued)
    own = [run for run in rows if run.project_id == project.id]
    found = [RunView(run, names(run), context.settings.entity) for run in own]
    return ordered(passing(found, wanted), order or "-created_at")


def _sweeps_of_runs(tx: sqlite3.Connection, project: Project) -> Callable[[Run], str | list[str] | None]:
    """Gives a run's sweep by name; several where others began with it."""
    names = {sweep.id: sweep.name for sweep in queries.sweeps(tx, project.id)}
    others = sweep_queries.sweeps_by_prior_run(tx, project.id)

    def of(run: Run) -> str | list[str] | None:
        own = names.get(run.sweep_id or 0)
        return [*others[run.id], *([own] if own else [])] if run.id in others else own

    return of


def points_if_wanted(info: Info, runs: list[Run]) -> list[Run]:
    """The runs; for a scheduler one for each point, which shows how that stands, under the id that it was queued with.

    A scheduler takes the first end of a run for the end of its point, which may be tried again by another run.
    """
    if info.operation.name is None or info.operation.name.value not in OF_SCHEDULERS:
        return runs
    by_age = sorted(runs, key=lambda run: run.id, reverse=True)
    firsts = {run.id for run in {run.trial_id or f"of none: {run.id}": run for run in by_age}.values()}
    return [replace(standing(info.context.tx, run), name=run.name) for run in runs if run.id in firsts]


def _project(_: Any, info: Info, name: str | None = None, entityName: str | None = None) -> Any:
    return find(info, name, entityName)


def _projects(
    _: Any, info: Info, entityName: str | None = None, first: int | None = None, after: str | None = None
) -> dict[str, Any]:
    return page(queries.projects(info.context.tx, entityName), first, after)


def _upsert_project(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context = info.context
    name = input.get("name") or ledger.DEFAULT_PROJECT
    owner = input.get("entityName") or context.settings.entity
    known = queries.project(context.tx, owner, name) is not None
    found = ledger.project_named(context.tx, owner, name, context.now_s)
    return {"project": found, "model": found, "inserted": not known}


def _sweep(project: Project, info: Info, sweepName: str) -> Sweep | None:
    found = queries.sweep(info.context.tx, sweepName)
    return found if found and project.id in (ANY_PROJECT.id, found.project_id) else None


def _sweeps(
    project: Project,
    info: Info,
    first: int | None = None,
    after: str | None = None,
    filters: str | None = None,
) -> dict[str, Any]:
    if parse_filters(filters):
        raise RefusalError("sweeps cannot be filtered by this server: list all of the project's", status=501)
    return page(queries.sweeps(info.context.tx, project.id), first, after)


def _run(project: Project, info: Info, name: str, **ignored: Any) -> Run | None:
    tx = info.context.tx
    found = queries.run(tx, project.id, name)
    if found is None and (queued := suggestion_queries.named(tx, project.id, name)):
        return suggestion_queries.as_run(queued)
    return found


def _runs(
    project: Project,
    info: Info,
    filters: str | None = None,
    first: int | None = None,
    after: str | None = None,
    order: str | None = None,
) -> dict[str, Any]:
    return page(points_if_wanted(info, [view.run for view in views(info, project, filters, order)]), first, after)


FIELDS = {
    "Query": {"project": _project, "model": _project, "models": _projects},
    "Mutation": {"upsertModel": _upsert_project},
    "Project": {
        "id": lambda project, info: node_id("Project", project.name, project.entity),
        "internalId": lambda project, info: str(project.id),
        "entityName": lambda project, info: project.entity or info.context.settings.entity,
        "entity": lambda project, info: entity(project.entity or info.context.settings.entity),
        "createdAt": lambda project, info: iso(project.created_at_s),
        "isBenchmark": lambda project, info: False,
        "access": lambda project, info: "PRIVATE",
        "readOnly": lambda project, info: False,
        "user": lambda project, info: user(info),
        "runCount": lambda project, info, filters=None: len(views(info, project, filters)),
        "run": _run,
        "bucket": _run,
        "runs": _runs,
        "sweep": _sweep,
        "totalSweeps": lambda project, info: len(queries.sweeps(info.context.tx, project.id)),
        "sweeps": _sweeps,
    },
}
