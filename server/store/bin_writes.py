"""Writes that hide what is deleted, and show it again."""

import json
import sqlite3
from collections.abc import Iterable

from server.store import slices
from server.store.rows import Deleted, Run


def hide_run(tx: sqlite3.Connection, bin_id: int, run_id: int) -> None:
    tx.execute("INSERT INTO hidden_run (id, bin_id) VALUES (?, ?)", (run_id, bin_id))


def hide_sweep(tx: sqlite3.Connection, bin_id: int, sweep_id: int) -> None:
    """Hides a sweep with those of its runs that are not hidden for themselves."""
    tx.execute("INSERT INTO hidden_run SELECT id, ? FROM run WHERE sweep_id = ?", (bin_id, sweep_id))
    tx.execute("INSERT INTO hidden_sweep (id, bin_id) VALUES (?, ?)", (sweep_id, bin_id))


def hide_project(tx: sqlite3.Connection, bin_id: int, project_id: int) -> None:
    """Hides a project with all of it; its name is free for another one, since none can have a slash in it."""
    for kind in ("run", "sweep"):
        tx.execute(f"INSERT INTO hidden_{kind} SELECT id, ? FROM {kind} WHERE project_id = ?", (bin_id, project_id))
    tx.execute("INSERT INTO hidden_project (id, bin_id) VALUES (?, ?)", (project_id, bin_id))
    rename_project(tx, project_id, f"deleted/{project_id}")


def rename_project(tx: sqlite3.Connection, project_id: int, name: str) -> None:
    tx.execute("UPDATE main.project SET name = ? WHERE id = ?", (name, project_id))


def show(tx: sqlite3.Connection, line: Deleted) -> None:
    """Shows what a line of the bin has hidden."""
    tx.execute("DELETE FROM main.bin WHERE id = ?", (line.id,))


def condemn(tx: sqlite3.Connection, line: Deleted, deleted_at_s: float) -> None:
    """Sets when that was deleted which a line of the bin tells of."""
    tx.execute("UPDATE main.bin SET at_s = ? WHERE id = ?", (deleted_at_s, line.id))


def forget_runs(tx: sqlite3.Connection, run_ids: Iterable[int]) -> None:
    """Deletes runs for good, with all that they logged and their files; no other run begins under their ids."""
    of = "IN (SELECT value FROM json_each(?))"
    numbers = json.dumps(list(run_ids))
    names = f"SELECT project_id, name, id FROM main.run WHERE id {of}"
    tx.execute(f"INSERT OR IGNORE INTO used_name (project_id, name, run_id) {names}", (numbers,))
    tx.execute(f"INSERT INTO discarded (run_id, name) SELECT id, NULL FROM main.run WHERE id {of}", (numbers,))
    tx.execute(f"DELETE FROM main.bin WHERE kind = 'run' AND number {of}", (numbers,))
    tx.execute(f"DELETE FROM main.run WHERE id {of}", (numbers,))


def forget_sweep(tx: sqlite3.Connection, sweep_id: int) -> None:
    """Deletes a sweep for good, and its line in the bin."""
    tx.execute("DELETE FROM main.bin WHERE kind = 'sweep' AND number = ?", (sweep_id,))
    tx.execute("DELETE FROM main.sweep WHERE id = ?", (sweep_id,))


def drop_some(tx: sqlite3.Connection, table: str, line: Deleted, most: int) -> bool:
    """Drops so many points of a sweep, or of a project's sweeps, or entries of their record; whether there were any."""
    column = "id" if line.kind == "sweep" else "project_id"
    where = f"sweep_id IN (SELECT id FROM main.sweep WHERE {column} = :number)"
    return bool(slices.drop_some(tx, f"main.{table}", "id", where, {"number": line.number}, most))


def use_name(tx: sqlite3.Connection, run: Run) -> None:
    """Notes that no other run of its project begins under a run's id."""
    sql = "INSERT OR IGNORE INTO used_name (project_id, name, run_id) VALUES (?, ?, ?)"
    tx.execute(sql, (run.project_id, run.name, run.id))


def detach_prior(tx: sqlite3.Connection, run_id: int) -> None:
    """Takes a run from the sweeps that began with it."""
    tx.execute("DELETE FROM prior_run WHERE run_id = ?", (run_id,))
