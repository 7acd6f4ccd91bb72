"""Projects: found, listed, made."""

from dataclasses import replace
from typing import Any, Final

from server.ledger import sweeps as ledger
from server.ledger.points import standing
from server.protocol.context import Info, node_id
from server.protocol.dates import iso
from server.protocol.filters import parse_filters
from server.protocol.paging import page
from server.protocol.resolvers.account import entity, user
from server.protocol.run_lists import find as find_runs
from server.protocol.run_lists import page_of
from server.refusal import RefusalError
from server.store import queries, suggestion_queries
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
    found = queries.project(context.tx, entity_name or context.home, name)
    if found is None and name == ledger.DEFAULT_PROJECT:
        return ANY_PROJECT
    return found


def project_of(info: Info, row: Run | Sweep) -> Project:
    return queries.by_id(info.context.tx, Project, row.project_id)


def is_scheduler(info: Info) -> bool:
    return info.operation.name is not None and info.operation.name.value in OF_SCHEDULERS


def points_if_wanted(info: Info, runs: list[Run]) -> list[Run]:
    """The runs; for a scheduler one for each point, which shows how that stands, under the id that it was queued with.

    A scheduler takes the first end of a run for the end of its point, which may be tried again by another run.
    """
    if not is_scheduler(info):
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
    owner = input.get("entityName") or context.home
    known = queries.project(context.tx, owner, name) is not None
    found = ledger.project_named(context.tx, owner, name, context.now_s)
    if input.get("description") is not None:
        ledger.describe_project(context.tx, found, input["description"])
        found = queries.by_id(context.tx, Project, found.id)
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
    found = find_runs(info, project, filters, order)
    if is_scheduler(info):
        return page(points_if_wanted(info, found.page(-1, 0)), first, after)
    return page_of(found.page, first, after)


FIELDS = {
    "Query": {"project": _project, "model": _project, "models": _projects},
    "Mutation": {"upsertModel": _upsert_project},
    "Project": {
        "id": lambda project, info: node_id("Project", project.name, project.entity),
        "internalId": lambda project, info: str(project.id),
        "entityName": lambda project, info: project.entity or info.context.home,
        "entity": lambda project, info: entity(info, project.entity or info.context.home),
        "createdAt": lambda project, info: iso(project.created_at_s),
        "isBenchmark": lambda project, info: False,
        "access": lambda project, info: "PRIVATE",
        "readOnly": lambda project, info: False,
        "user": lambda project, info: user(info),
        "runCount": lambda project, info, filters=None: find_runs(info, project, filters).count(),
        "run": _run,
        "bucket": _run,
        "runs": _runs,
        "sweep": _sweep,
        "totalSweeps": lambda project, info: len(queries.sweeps(info.context.tx, project.id)),
        "sweeps": _sweeps,
    },
}
