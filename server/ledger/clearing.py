"""Rows that go for good, a slice at a time: whoever stores something waits for one slice, not for a million rows."""

import sqlite3
from typing import Final

from server.store import bin_queries, writes
from server.store.rows import Deleted, Run

# Some 30 ms.
SLICE: Final = 5_000


def clear_some(tx: sqlite3.Connection, line: Deleted) -> bool:
    """Deletes a slice of what the runs have logged that a line of the bin hides; whether there was any."""
    run_id = bin_queries.run_with_rows(tx, line)
    if run_id is None:
        return False
    if not writes.drop_some_lines(tx, run_id, SLICE):
        writes.drop_lines(tx, run_id)
    return True


def makes_way(tx: sqlite3.Connection, run: Run) -> bool:
    """Deletes a slice of a long run that a new start overwrites; whether there may be more.

    What came first stays to the end, since it tells whose the new start's lines are.
    """
    if run.history_lines + run.event_lines + run.log_lines <= SLICE:
        return False
    writes.doubt_outline(tx, run.id)
    return writes.drop_some_lines(tx, run.id, SLICE, first=1)
