"""Named reads of what programs said by `run.alert`; of runs that are there."""

import sqlite3
from dataclasses import dataclass

from server.store.queries import all_rows
from server.store.rows import Alert


@dataclass(frozen=True, slots=True)
class AlertOfSweep:
    """An alert with its run, by name and as it is shown."""

    at_s: float
    level: str
    title: str
    text: str
    run_name: str
    run_title: str


def of_run(connection: sqlite3.Connection, run_id: int, limit: int) -> list[Alert]:
    """The last ones, newest first."""
    return all_rows(connection, Alert, "WHERE run_id = ? ORDER BY id DESC LIMIT ?", run_id, limit)


def count_of_run(connection: sqlite3.Connection, run_id: int) -> int:
    return int(connection.execute("SELECT count(*) FROM alert WHERE run_id = ?", (run_id,)).fetchone()[0])


def of_sweep(connection: sqlite3.Connection, sweep_id: int, limit: int) -> list[AlertOfSweep]:
    """The last ones of its runs, newest first."""
    sql = (
        "SELECT at_s, level, title, text, run.name, coalesce(nullif(run.display_name, ''), run.name) FROM alert "
        "JOIN run ON run.id = run_id WHERE run.sweep_id = ? ORDER BY alert.id DESC LIMIT ?"
    )
    return [AlertOfSweep(*row) for row in connection.execute(sql, (sweep_id, limit))]


def count_of_sweep(connection: sqlite3.Connection, sweep_id: int) -> int:
    sql = "SELECT count(*) FROM alert JOIN run ON run.id = run_id WHERE run.sweep_id = ?"
    return int(connection.execute(sql, (sweep_id,)).fetchone()[0])


def last_at_s(connection: sqlite3.Connection, run_id: int, title: str) -> float | None:
    """When a run last said something under a title; None if it never did."""
    sql = "SELECT max(at_s) FROM alert WHERE run_id = ? AND title = ?"
    found: float | None = connection.execute(sql, (run_id, title)).fetchone()[0]
    return found
