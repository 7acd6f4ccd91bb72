"""Named reads of what was deleted and can be brought back."""

import sqlite3

from server.store.queries import all_rows, one_row
from server.store.rows import Deleted, Run


def deleted(connection: sqlite3.Connection, limit: int) -> list[Deleted]:
    """What can be brought back, the last deleted first."""
    return all_rows(connection, Deleted, "ORDER BY id DESC LIMIT ?", limit)


def numbered(connection: sqlite3.Connection, id: int) -> Deleted | None:
    return one_row(connection, Deleted, "WHERE id = ?", id)


def due(connection: sqlite3.Connection, before_s: float) -> Deleted | None:
    """The first that was deleted before that."""
    return one_row(connection, Deleted, "WHERE at_s < ? ORDER BY id LIMIT 1", before_s)


def sweep_of_run(connection: sqlite3.Connection, run_id: int) -> int | None:
    """The number of the sweep of a run that is deleted."""
    (sweep_id,) = connection.execute("SELECT sweep_id FROM main.run WHERE id = ?", (run_id,)).fetchone()
    return None if sweep_id is None else int(sweep_id)


def project_of(connection: sqlite3.Connection, line: Deleted) -> int:
    """The number of the project of a run or sweep that is deleted."""
    sql = f"SELECT project_id FROM main.{line.kind} WHERE id = ?"
    return int(connection.execute(sql, (line.number,)).fetchone()[0])


def was_there(connection: sqlite3.Connection, project_id: int, run: Run) -> bool:
    """Whether a run was in a project before."""
    sql = "SELECT 1 FROM used_name WHERE project_id = ? AND run_id = ?"
    return connection.execute(sql, (project_id, run.id)).fetchone() is not None


def run_with_rows(connection: sqlite3.Connection, line: Deleted) -> int | None:
    """The number of a run that has logged something, of those that went with a line; None where none has."""
    column = "id" if line.kind == "run" else f"{line.kind}_id"
    lines = "history_lines > 0 OR event_lines > 0 OR log_lines > 0"
    sql = f"SELECT id FROM main.run WHERE {column} = ? AND ({lines}) LIMIT 1"
    found = connection.execute(sql, (line.number,)).fetchone()
    return None if found is None else int(found[0])


def is_hidden(connection: sqlite3.Connection, kind: str, number: int) -> bool:
    return connection.execute(f"SELECT 1 FROM hidden_{kind} WHERE id = ?", (number,)).fetchone() is not None
