"""Sweeps and projects that go for good, with all that is theirs; the record says what that was.

What is under way is never deleted: its agents would find nothing of what they were promised.
"""

import sqlite3
from collections.abc import Sequence

from server.ledger.artifacts import deletion as artifacts
from server.refusal import RefusalError
from server.store import artifact_queries, bin_queries, bin_writes, writes
from server.store.rows import Deleted, Project, Run, Sweep
from terms import states


def note(tx: sqlite3.Connection, line: Deleted, now_s: float) -> str:
    """Records, before the first of it goes, that a sweep, or a project with its sweeps, is deleted for good.

    Returns:
        What goes with it, in words.
    """
    path = f"{line.entity}/{line.project}"
    if line.kind == "sweep":
        return _note(tx, "sweep", line.number, f"{path}/{line.name}", now_s)
    for number, name in bin_queries.sweeps_of(tx, line.number):
        _note(tx, "sweep", number, f"{path}/{name}", now_s)
    return _note(tx, "project", line.number, path, now_s)


def _note(tx: sqlite3.Connection, kind: str, number: int, name: str, now_s: float) -> str:
    held = bin_queries.held(tx, kind, number)
    if held is None:
        held = ", ".join(f"{count} {what}" for what, count in bin_queries.counts(tx, kind, number).items())
        writes.note_deletion(tx, kind, number, name, held, now_s)
    return held


def delete(tx: sqlite3.Connection, line: Deleted) -> None:
    """Deletes what is left of a sweep or project when its runs and artifacts have gone."""
    sweeps = bin_queries.sweeps_of(tx, line.number) if line.kind == "project" else [(line.number, line.name)]
    for number, _ in sweeps:
        bin_writes.forget_sweep(tx, number)
    if line.kind == "project":
        writes.delete(tx, "project", line.number)
    writes.delete(tx, "bin", line.id)


def refuse_referred(tx: sqlite3.Connection, project: Project) -> None:
    """Lets a project go to whose artifacts no other one refers.

    Raises:
        RefusalError: one does.
    """
    collections = artifact_queries.collections(tx, project.id)
    artifacts.refuse_referred(
        tx, [version for each in collections for version in artifact_queries.versions_of(tx, each.id)]
    )


def refuse_live(sweeps: Sequence[Sweep], own: Sequence[Run]) -> None:
    """Lets what is over be deleted.

    Raises:
        RefusalError: something is under way.
    """
    going_on = [f"sweep {sweep.name} is {sweep.state}" for sweep in sweeps if sweep.state not in states.SWEEP_OVER]
    live = [f"run {run.name} is {run.state}" for run in own if run.state in states.LIVE]
    if going_on or live:
        raise RefusalError(f"{', '.join([*going_on, *live][:5])}: cancel what is under way, then delete")
