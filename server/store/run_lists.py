"""Named reads of a project's runs by what is asked of their columns: whole pages, in order, and how many there are."""

import json
import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from server.store.queries import SELECTS, all_rows
from server.store.rows import Run

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "is", "is not", "in", "not in"]
TEXTS: Final = ("name", "display_name", "state", "group_name", "job_type", "host", "cause", "cause_kind")
DATES: Final = ("created_at_s", "heartbeat_at_s", "updated_at_s")
USUAL: Final = ("created_at_s", False)


@dataclass(frozen=True)
class Test:
    """What is asked of one column.

    Attributes:
        column: one of `TEXTS` or `DATES`; names come from code.
        operand: None for `is` and `is not`, a list for `in` and `not in`, which a missing value is not.
    """

    column: str
    operator: Operator
    operand: str | float | list[str] | None


@dataclass(frozen=True)
class Runs:
    """Which runs of a project, and in which order.

    Attributes:
        sweep_id: of one sweep; None for all.
        tests: all of them hold.
        order: columns, each with whether it descends; runs that lack the value come last either way. What is left is
            in the order of its creation.
    """

    project_id: int
    sweep_id: int | None = None
    tests: tuple[Test, ...] = ()
    order: tuple[tuple[str, bool], ...] = (USUAL,)


def count(connection: sqlite3.Connection, runs: Runs) -> int:
    """How many there are."""
    where, values = _where(runs)
    (found,) = connection.execute(f"SELECT count(*) FROM run WHERE {where}", values).fetchone()
    return int(found)


def page(connection: sqlite3.Connection, runs: Runs, limit: int, offset: int) -> list[Run]:
    """Some of them; all from the offset on for a limit of -1."""
    where, values = _where(runs)
    # Only numbers are sorted and passed over: rows hold whole configs.
    numbers = f"SELECT id FROM run WHERE {where} ORDER BY {_by(runs)} LIMIT ? OFFSET ?"
    ids = [id for (id,) in connection.execute(numbers, [*values, limit, offset])]
    return by_ids(connection, ids)


def by_ids(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Run]:
    """The runs of these numbers, in this order; those that are gone are left out."""
    found = all_rows(connection, Run, "WHERE id IN (SELECT value FROM json_each(?))", json.dumps(list(ids)))
    rows = {run.id: run for run in found}
    return [rows[id] for id in ids if id in rows]


def last_change(connection: sqlite3.Connection) -> int:
    """The number of the last change of any run; 0 before the first."""
    (found,) = connection.execute("SELECT max(number) FROM run_change").fetchone()
    return int(found or 0)


def changed(connection: sqlite3.Connection, since: int) -> list[int]:
    """Numbers of the runs that have changed after a change, or are gone."""
    return [id for (id,) in connection.execute("SELECT run_id FROM run_change WHERE number > ?", (since,))]


def changed_runs(
    connection: sqlite3.Connection, project_id: int, sweep_id: int | None, since: int
) -> Generator[Run, None, None]:
    """Runs of a project that have changed after a change, all of them for one below 0; read as they are taken.

    Args:
        sweep_id: of one sweep alone, and those that it began with.
    """
    where, values = "run.project_id = :project", {"project": project_id, "sweep": sweep_id, "since": since}
    if sweep_id is not None:
        prior = "SELECT run_id FROM prior_run WHERE sweep_id = :sweep"
        where += f" AND run.id IN (SELECT id FROM run WHERE sweep_id = :sweep UNION {prior})"
    # The few that have changed come first, whatever SQLite thinks of them.
    those = SELECTS[Run].replace("FROM run ", "FROM run_change CROSS JOIN run ON run.id = run_change.run_id ")
    sql = f"{SELECTS[Run]} WHERE {where}" if since < 0 else f"{those} WHERE run_change.number > :since AND {where}"
    return (Run(*row) for row in connection.execute(sql, values))


def _where(runs: Runs) -> tuple[str, list[object]]:
    tests = ["project_id = ?"]
    values: list[object] = [runs.project_id]
    if runs.sweep_id is not None:
        tests.append("sweep_id = ?")
        values.append(runs.sweep_id)
    for test in runs.tests:
        sql, operand = _test(test)
        tests.append(sql)
        values += operand
    return " AND ".join(tests), values


def _test(test: Test) -> tuple[str, list[object]]:
    column = test.column
    match test.operator:
        case "is" | "is not":
            return f"{column} {test.operator} NULL", []
        case "in":
            return f"{column} IN (SELECT value FROM json_each(?))", [json.dumps(test.operand)]
        case "not in":
            return f"({column} IS NULL OR {column} NOT IN (SELECT value FROM json_each(?)))", [json.dumps(test.operand)]
        case "!=":
            return f"{column} IS NOT ?", [test.operand]
        case operator:
            return f"{column} {operator} ?", [test.operand]


def _by(runs: Runs) -> str:
    if [column for column, _ in runs.order] == ["created_at_s"]:
        # In these words an index gives the order, without a sort but of what is of one moment, the latest first.
        return f"created_at_s {'DESC' if runs.order[0][1] else 'ASC'}, id"
    keys = [f"{column} {'DESC' if descending else 'ASC'} NULLS LAST" for column, descending in runs.order]
    return ", ".join([*keys, "created_at_s", "id"])
