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


def some_runs(connection: sqlite3.Connection, line: Deleted, most: int) -> list[tuple[int, bool]]:
    """(number, whether it has logged something) of some of the runs that went with a line, the first of them."""
    column = "id" if line.kind == "run" else f"{line.kind}_id"
    sql = (
        "SELECT id, history_lines > 0 OR event_lines > 0 OR log_lines > 0 FROM main.run "
        f"WHERE {column} = ? ORDER BY created_at_s, id LIMIT ?"
    )
    return [(id, bool(has_rows)) for id, has_rows in connection.execute(sql, (line.number, most))]


def counts(connection: sqlite3.Connection, kind: str, number: int) -> dict[str, int]:
    """How much of what a sweep or a project has."""
    versions = "artifact WHERE collection_id IN (SELECT id FROM main.collection WHERE project_id = ?)"
    tables = {
        "sweep": {"points": "trial WHERE sweep_id = ?", "runs": "run WHERE sweep_id = ?"},
        "project": {
            "sweeps": "sweep WHERE project_id = ?",
            "runs": "run WHERE project_id = ?",
            "versions of artifacts": versions,
        },
    }
    return {
        what: int(connection.execute(f"SELECT count(*) FROM main.{where}", (number,)).fetchone()[0])
        for what, where in tables[kind].items()
    }


def sweeps_of(connection: sqlite3.Connection, project_id: int) -> list[tuple[int, str]]:
    """(number, name) of all sweeps of a project, deleted or not."""
    return list(connection.execute("SELECT id, name FROM main.sweep WHERE project_id = ?", (project_id,)))


def held(connection: sqlite3.Connection, kind: str, number: int) -> str | None:
    """What went with a sweep or project, in words; None where its deletion is not recorded."""
    sql = "SELECT held FROM deletion WHERE kind = ? AND number = ?"
    found = connection.execute(sql, (kind, number)).fetchone()
    return None if found is None else str(found[0])


def is_hidden(connection: sqlite3.Connection, kind: str, number: int) -> bool:
    return connection.execute(f"SELECT 1 FROM hidden_{kind} WHERE id = ?", (number,)).fetchone() is not None
