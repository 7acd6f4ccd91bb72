"""Counts for who watches a server."""

import sqlite3

from server.store.queries import LIVE


def runs_by_state(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT state, count(*) FROM run GROUP BY state"))


def sweeps_by_state(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT lower(state), count(*) FROM sweep GROUP BY state"))


def points_by_outcome(connection: sqlite3.Connection) -> dict[str, int]:
    """Settled points."""
    sql = "SELECT outcome, count(*) FROM trial WHERE outcome IS NOT NULL GROUP BY outcome"
    return dict(connection.execute(sql))


def agents_since(connection: sqlite3.Connection, heard_since_s: float) -> int:
    """How many agents were heard of since then and have not left."""
    sql = "SELECT count(*) FROM agent WHERE left_at_s IS NULL AND heartbeat_at_s >= ?"
    return int(connection.execute(sql, (heard_since_s,)).fetchone()[0])


def longest_silent_since_s(connection: sqlite3.Connection) -> float | None:
    """When the run under way that has said nothing for longest was heard of."""
    (heard_s,) = connection.execute(f"SELECT min(heartbeat_at_s) FROM run WHERE state IN {LIVE}").fetchone()
    return None if heard_s is None else float(heard_s)


def file_bytes(connection: sqlite3.Connection) -> int:
    """Of all files of runs and artifacts, as they are stored."""
    sql = "SELECT (SELECT total(size_bytes) FROM file) + (SELECT total(size_bytes) FROM content)"
    return int(connection.execute(sql).fetchone()[0])
