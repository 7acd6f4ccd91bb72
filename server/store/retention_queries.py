"""What is old, and long."""

import sqlite3
from typing import Final

COUNTS: Final = {"event": "event_lines", "log": "log_lines"}


def length(connection: sqlite3.Connection, stream: str, run_id: int) -> int:
    """How many lines a stream of a run has had; 0 where there is no such run any more."""
    found = connection.execute(f"SELECT {COUNTS[stream]} FROM run WHERE id = ?", (run_id,)).fetchone()
    return int(found[0]) if found else 0


def long_streams(
    connection: sqlite3.Connection, stream: str, ended_before_s: float, lines: int, limit: int
) -> list[int]:
    """Numbers of runs that ended before then and of which a stream has more lines, at most so many."""
    sql = f"SELECT id FROM run WHERE ended_at_s < ? AND {COUNTS[stream]} > ? ORDER BY id LIMIT ?"
    return [number for (number,) in connection.execute(sql, (ended_before_s, lines, limit))]
