"""Named reads of the programs that write one run together."""

import json
import sqlite3

from server.sampling import evenly
from server.store.queries import one_row
from server.store.rows import Writer


def writer(connection: sqlite3.Connection, run_id: int, name: str) -> Writer | None:
    return one_row(connection, Writer, "WHERE run_id = ? AND name = ?", run_id, name)


def last_events(connection: sqlite3.Connection, run_id: int) -> list[str]:
    """The last system metrics of each writer of a run, the last of all at the end."""
    sql = (
        "SELECT row FROM event WHERE run_id = ?1 AND line IN (SELECT max(placed.line) FROM writer JOIN placed "
        "ON writer_id = writer.id AND stream = 'event' WHERE writer.run_id = ?1 GROUP BY writer.id) ORDER BY line"
    )
    return [row for (row,) in connection.execute(sql, (run_id,))]


def sampled_places(connection: sqlite3.Connection, run_id: int, stream: str, limit: int) -> list[int]:
    """Where lines of one of a run's streams stand: of each writer some, evenly from its first to its last.

    Args:
        limit: about how many in all; two of each writer at least.
    """
    sql = (
        "SELECT id, (SELECT min(number) FROM placed WHERE writer_id = writer.id AND stream = ?1), "
        "(SELECT max(number) FROM placed WHERE writer_id = writer.id AND stream = ?1) FROM writer WHERE run_id = ?2"
    )
    spans = [span for span in connection.execute(sql, (stream, run_id)) if span[1] is not None]
    some = "SELECT line FROM placed WHERE writer_id = ? AND stream = ? AND number IN (SELECT value FROM json_each(?))"
    found: list[int] = []
    for writer_id, first, last in spans:
        numbers = [first + count for count in evenly(last - first + 1, max(limit // len(spans), 2))]
        found += [line for (line,) in connection.execute(some, (writer_id, stream, json.dumps(numbers)))]
    return found


def places(connection: sqlite3.Connection, writer_id: int, stream: str, first: int, end: int) -> dict[int, int]:
    """Where in its run the lines of a writer stand whose numbers are `first <= number < end`, as far as it has them."""
    sql = "SELECT number, line FROM placed WHERE writer_id = ? AND stream = ? AND number >= ? AND number < ?"
    return dict(connection.execute(sql, (writer_id, stream, first, end)))
