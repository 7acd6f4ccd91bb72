"""What is deleted, and brought back for 30 days: until it is gone for good, a deletion is a mark with its time.

What is marked is in no answer and no count (`server.store.scope`). A run's point is free at once; if it is still free
when the run is brought back, the run has it again, and counts if it gave a result. Ids are never used again.
"""

import math
import sqlite3
from typing import Final

from server.ledger import audit, clearing, deletion, points
from server.ledger.artifacts import deletion as artifacts
from server.refusal import RefusalError
from server.store import bin_queries, bin_writes, queries, writes
from server.store.rows import Deleted, Project, Run, Sweep
from server.store.scope import asking

KEPT_S: Final = 30 * 24 * 3600.0


def delete_run(tx: sqlite3.Connection, run: Run, now_s: float, with_artifacts: bool = False) -> None:
    """Deletes a run; its point is free again.

    Args:
        with_artifacts: the artifacts that it made go too, for good; else they stay, made by nobody while it is deleted.
    """
    if with_artifacts:
        artifacts.delete_made_by(tx, run)
    points.deleted(tx, run, now_s)
    project = queries.by_id(tx, Project, run.project_id)
    bin_writes.hide_run(tx, _noted(tx, "run", run, project, now_s).id, run.id)


def delete_sweep(tx: sqlite3.Connection, sweep: Sweep, now_s: float, with_artifacts: bool = False) -> Deleted:
    """Deletes a sweep with its points, runs and agents; its line in the bin.

    Args:
        with_artifacts: the artifacts that its runs made go too, for good.

    Raises:
        RefusalError: it is not over, or a run of it is under way.
    """
    own = queries.runs_of_sweep(tx, sweep.id)
    deletion.refuse_live([sweep], own)
    for run in own if with_artifacts else ():
        artifacts.delete_made_by(tx, run)
    project = queries.by_id(tx, Project, sweep.project_id)
    line = _noted(tx, "sweep", sweep, project, now_s)
    bin_writes.hide_sweep(tx, line.id, sweep.id)
    return line


def delete_project(tx: sqlite3.Connection, project: Project, now_s: float) -> Deleted:
    """Deletes a project with its sweeps, runs and artifacts; its name is free. Its line in the bin.

    Raises:
        RefusalError: something of it is under way, or another project's artifact refers to files of one of its.
    """
    deletion.refuse_live(queries.sweeps(tx, project.id), queries.runs(tx, project.id))
    deletion.refuse_referred(tx, project)
    line = _noted(tx, "project", project, project, now_s)
    bin_writes.hide_project(tx, line.id, project.id)
    return line


def _noted(tx: sqlite3.Connection, kind: str, row: Run | Sweep | Project, project: Project, now_s: float) -> Deleted:
    """Adds a line to the bin and to the audit log; the bin's."""
    place = f"{project.entity}/{project.name}"
    audit.note(tx, f"deleted {kind}", place if row is project else f"{place}/{row.name}", now_s)
    number = writes.insert(
        tx,
        "bin",
        at_s=now_s,
        who=asking().who or audit.OWNER,
        kind=kind,
        number=row.id,
        entity=project.entity,
        project=project.name,
        name=row.name,
        display_name=row.name if isinstance(row, Project) else row.display_name or row.name,
    )
    return queries.by_id(tx, Deleted, number)


def bring_back(tx: sqlite3.Connection, line: Deleted, now_s: float) -> None:
    """Brings back what a line of the bin tells of; a project whose name is another's by now, under a name beside it.

    Raises:
        RefusalError: what it belongs to is deleted itself, or its time is over.
    """
    if line.at_s < now_s - KEPT_S:  # some of it is gone
        raise RefusalError(f"{place_of(line)} was deleted more than 30 days ago: it is being deleted for good")
    _refuse_homeless(tx, line)
    bin_writes.show(tx, line)
    if line.kind == "run":
        points.brought_back(tx, queries.by_id(tx, Run, line.number), now_s)
    if line.kind == "project":
        bin_writes.rename_project(tx, line.number, _free_name(tx, line))
    audit.note(tx, f"brought back {line.kind}", place_of(line), now_s)


def place_of(line: Deleted) -> str:
    """entity/project, or entity/project/name"""
    return f"{line.entity}/{line.project}" + ("" if line.kind == "project" else f"/{line.name}")


def _refuse_homeless(tx: sqlite3.Connection, line: Deleted) -> None:
    sweep_id = bin_queries.sweep_of_run(tx, line.number) if line.kind == "run" else None
    if line.kind != "project" and bin_queries.is_hidden(tx, "project", bin_queries.project_of(tx, line)):
        raise RefusalError(f"project {line.project} is deleted, too: bring that back first")
    if sweep_id is not None and bin_queries.is_hidden(tx, "sweep", sweep_id):
        raise RefusalError(f"the sweep of run {line.name} is deleted, too: bring that back first")


def _free_name(tx: sqlite3.Connection, line: Deleted) -> str:
    name, number = line.project, 1
    while queries.project(tx, line.entity, name) is not None:
        number += 1
        name = f"{line.project}-{number}"
    return name


def due(connection: sqlite3.Connection, now_s: float) -> Deleted | None:
    """What was deleted 30 days ago, the first of it."""
    return bin_queries.due(connection, now_s - KEPT_S)


def first(connection: sqlite3.Connection) -> Deleted | None:
    """What was deleted first."""
    return bin_queries.due(connection, math.inf)


def condemn(tx: sqlite3.Connection, line: Deleted) -> None:
    """Lets what a line of the bin tells of go for good now: it cannot be brought back, and is due."""
    bin_writes.condemn(tx, line, 0.0)


def empty_some(tx: sqlite3.Connection, line: Deleted, now_s: float) -> str | None:
    """Deletes for good a slice of what is due; what went, in words, with the last one."""
    held = "what it logged" if line.kind == "run" else deletion.note(tx, line, now_s)
    if clearing.clear_some(tx, line):
        return None
    if line.kind == "run":
        bin_writes.forget_runs(tx, [line.number])
    else:
        deletion.delete(tx, line)
    return held
