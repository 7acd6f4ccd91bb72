"""Sweeps and projects that go for good, with all that is theirs: rows in one transaction, bytes right after it.

What is under way is never deleted: its agents would find nothing of what they were promised.
"""

import sqlite3
from collections.abc import Sequence

from server.ledger import files, runs
from server.ledger.artifacts import deletion as artifacts
from server.refusal import RefusalError
from server.store import artifact_queries, bin_writes, queries, writes
from server.store.rows import Project, Run, Sweep
from terms import states


def delete_sweep(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> str:
    """Deletes a sweep with its points, runs, agents and the record of them; the artifacts of its runs stay.

    Returns:
        What went, in words.

    Raises:
        RefusalError: it is not over, or a run of it is under way.
    """
    project = queries.by_id(tx, Project, sweep.project_id)
    bin_writes.show_all_of(tx, "sweep", sweep.id)
    own = queries.runs_of_sweep(tx, sweep.id)
    refuse_live([sweep], own)
    held = f"{queries.trial_count(tx, sweep.id)} points, {len(own)} runs"
    for run in own:
        runs.forget(tx, run)
    writes.delete(tx, "sweep", sweep.id)
    writes.note_deletion(tx, "sweep", sweep.id, f"{project.entity}/{project.name}/{sweep.name}", held, now_s)
    return held


def delete_project(tx: sqlite3.Connection, project: Project, now_s: float) -> str:
    """Deletes a project with its sweeps, runs and artifacts.

    Returns:
        What went, in words.

    Raises:
        RefusalError: something of it is under way, or another project's artifact refers to files of one of its.
    """
    bin_writes.show_all_of(tx, "project", project.id)
    sweeps, own = queries.sweeps(tx, project.id), queries.runs(tx, project.id)
    refuse_live(sweeps, own)
    collections = artifact_queries.collections(tx, project.id)
    versions = [version for each in collections for version in artifact_queries.versions_of(tx, each.id)]
    held = f"{len(sweeps)} sweeps, {len(own)} runs, {len(versions)} versions of artifacts"
    for sweep in sweeps:
        delete_sweep(tx, sweep, now_s)
    for run in queries.runs(tx, project.id):
        files.delete_all(tx, run)
    artifacts.forget(tx, versions)
    writes.delete(tx, "project", project.id)
    writes.note_deletion(tx, "project", project.id, f"{project.entity}/{project.name}", held, now_s)
    return held


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
