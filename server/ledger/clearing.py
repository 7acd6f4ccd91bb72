"""What goes for good, a slice at a time: whoever stores something waits for one slice, not for a million rows."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from server.ledger.artifacts import deletion as artifacts
from server.store import artifact_queries, bin_queries, bin_writes, writes
from server.store.rows import Deleted, Run

# Some 30 ms.
SLICE: Final = 5_000
RUNS: Final = 100


def clear_some(tx: sqlite3.Connection, line: Deleted) -> bool:
    """Deletes a slice of what a line of the bin hides, which is never brought back; whether there was any.

    A run itself goes last; of a sweep or project all but it.
    """
    runs = bin_queries.some_runs(tx, line, RUNS)
    for run_id, has_rows in runs:
        if has_rows:
            _clear_rows(tx, run_id)
            return True
    return line.kind != "run" and (_forget(tx, runs) or _clear_artifact(tx, line) or _clear_record(tx, line))


def _clear_rows(tx: sqlite3.Connection, run_id: int) -> None:
    if not writes.drop_some_lines(tx, run_id, SLICE):
        writes.drop_lines(tx, run_id)


def _forget(tx: sqlite3.Connection, runs: Sequence[tuple[int, bool]]) -> bool:
    bin_writes.forget_runs(tx, [run_id for run_id, _ in runs])
    return bool(runs)


def _clear_artifact(tx: sqlite3.Connection, line: Deleted) -> bool:
    number = artifact_queries.any_of_project(tx, line.number) if line.kind == "project" else None
    if number is not None:
        artifacts.forget_some(tx, number)
    return number is not None


def _clear_record(tx: sqlite3.Connection, line: Deleted) -> bool:
    return any(bin_writes.drop_some(tx, table, line, SLICE) for table in ("entry", "trial"))


def makes_way(tx: sqlite3.Connection, run: Run) -> bool:
    """Deletes a slice of a long run that a new start overwrites; whether there may be more.

    What came first stays to the end, since it tells whose the new start's lines are.
    """
    if run.history_lines + run.event_lines + run.log_lines <= SLICE:
        return False
    writes.doubt_outline(tx, run.id)
    return writes.drop_some_lines(tx, run.id, SLICE, first=1)
