"""Named reads that several pages share. As all of them: SQL in, typed rows out, inside a transaction."""

import json
import sqlite3
from dataclasses import dataclass, fields
from typing import Any, Final

from server.sampling import evenly
from server.store import writer_queries
from server.store.kept_answers import kept
from server.store.queries import HAS_RESULT, LIVE, all_rows
from server.store.rows import Run, Sweep

# A longer row holds no numbers to draw, and hundreds of them would fill the memory.
MAX_ROW_CHARACTERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run with its point: `number` from 0 in the sweep, `params` as JSON; None and "{}" for a run without a point."""

    run: Run
    number: int | None
    params: str


def attempt(connection: sqlite3.Connection, run: Run) -> Attempt:
    """A run with its point."""
    sql = "SELECT number, params FROM trial WHERE id = ?"
    number, params = connection.execute(sql, (run.trial_id,)).fetchone() or (None, "{}")
    return Attempt(run, number, params)


def alive_agents(connection: sqlite3.Connection, heard_since_s: float, sweep_id: int | None = None) -> int:
    """Agents that did not leave and were heard of since; of one sweep or of all."""
    sql = (
        "SELECT count(*) FROM agent WHERE left_at_s IS NULL AND heartbeat_at_s >= ? "
        "AND sweep_id = coalesce(?, sweep_id)"
    )
    return number(connection, sql, heard_since_s, sweep_id)


@kept
def best_values(connection: sqlite3.Connection, sweep: Sweep, limit: int = 2) -> list[float]:
    """The best different values of the sweep's metric, best first."""
    sql = f"SELECT DISTINCT metric FROM run WHERE sweep_id = ? AND {HAS_RESULT} ORDER BY metric {better(sweep)} LIMIT ?"
    return [value for (value,) in connection.execute(sql, (sweep.id, limit))]


@kept
def first_start_s(connection: sqlite3.Connection, sweep_id: int) -> float | None:
    """When the sweep's first run started."""
    sql = "SELECT min(started_at_s) FROM run WHERE sweep_id = ?"
    started_at_s: float | None = connection.execute(sql, (sweep_id,)).fetchone()[0]
    return started_at_s


def last_begun(connection: sqlite3.Connection, sweep_id: int, limit: int) -> list[Run]:
    """Of the runs that settled a point and of those under way, the ones that were handed out last, newest first."""
    where = (
        "JOIN trial ON trial.id = run.trial_id WHERE run.sweep_id = ? AND (run.id = trial.counted_run_id "
        f"OR trial.outcome IS NULL AND run.state IN {LIVE}) ORDER BY run.id DESC LIMIT ?"
    )
    return all_rows(connection, Run, where, sweep_id, limit)


def history_sample(connection: sqlite3.Connection, run_id: int, limit: int) -> list[str]:
    """About `limit` history rows, spread evenly from the first to the last; of each program, where several write."""
    return _sample(connection, "history", run_id, limit)


def event_sample(connection: sqlite3.Connection, run_id: int, limit: int) -> list[str]:
    """The same of a run's system metrics."""
    return _sample(connection, "event", run_id, limit)


def history_sample_naming(connection: sqlite3.Connection, run_id: int, name: str, limit: int) -> list[str]:
    """At most `limit` history rows that may hold a name or what is nested under its first part, spread evenly."""
    # In a row without a backslash every name stands as it is.
    sql = "SELECT line FROM history WHERE run_id = ? AND (instr(row, ?) OR instr(row, '\\')) ORDER BY line"
    found = [line for (line,) in connection.execute(sql, (run_id, f'"{name.split(".")[0]}'))]
    return _rows_at(connection, "history", run_id, [found[place] for place in evenly(len(found), limit)])


def _sample(connection: sqlite3.Connection, stream: str, run_id: int, limit: int) -> list[str]:
    lines = number(connection, f"SELECT coalesce(max(line) + 1, 0) FROM {stream} WHERE run_id = ?", run_id)
    # Programs take turns: every second line of all may be one program's alone.
    of_each = writer_queries.sampled_places(connection, run_id, stream, limit)
    behind = max(of_each, default=-1) + 1
    return _rows_at(
        connection, stream, run_id, [*of_each, *(behind + place for place in evenly(lines - behind, limit))]
    )


def _rows_at(connection: sqlite3.Connection, stream: str, run_id: int, places: list[int]) -> list[str]:
    sql = (
        f"SELECT row FROM {stream} WHERE run_id = ? AND line IN (SELECT value FROM json_each(?)) "
        "AND length(row) <= ? ORDER BY line"
    )
    return [row for (row,) in connection.execute(sql, (run_id, json.dumps(places), MAX_ROW_CHARACTERS))]


def columns(row: type[Any], table: str) -> str:
    return ", ".join(f"{table}.{field.name}" for field in fields(row))


def better(sweep: Sweep) -> str:
    return "DESC" if sweep.goal == "maximize" else "ASC"


def number(connection: sqlite3.Connection, sql: str, *values: object) -> int:
    (number,) = connection.execute(sql, values).fetchone()
    return int(number)
