"""Runs that move to another project: with all that they logged and their files, and without their sweep."""

import sqlite3

from server.ledger import audit, points
from server.refusal import RefusalError
from server.store import bin_queries, bin_writes, queries, writes
from server.store.rows import Project, Run
from terms import states


def move_run(tx: sqlite3.Connection, run: Run, target: Project, now_s: float) -> None:
    """Moves a run; the point of a sweep's run is free again, and the artifacts that it made stay where they are.

    Raises:
        RefusalError: it is under way, is there already, or the project has or has had a run of this id.
    """
    source = queries.by_id(tx, Project, run.project_id)
    if run.state in states.LIVE:
        raise RefusalError(f"run {run.name} is {run.state}: its program still writes to {source.name}; stop it first")
    if target.id == source.id:
        raise RefusalError(f"run {run.name} is in project {target.name} already")
    if queries.was_used(tx, target.id, run.name) and not bin_queries.was_there(tx, target.id, run):
        raise RefusalError(f"project {target.name} has or has had a run {run.name}: ids are never used again")
    points.deleted(tx, run, now_s)
    points.leave_sweep(tx, run, now_s)
    bin_writes.detach_prior(tx, run.id)
    bin_writes.use_name(tx, run)
    writes.update(tx, "run", run.id, project_id=target.id)
    place = f"{target.entity}/{target.name}"
    audit.note(tx, "moved run", f"{source.entity}/{source.name}/{run.name} to {place}", now_s)
