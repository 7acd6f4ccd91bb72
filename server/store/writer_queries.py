"""Named reads of the programs that write one run together."""

import sqlite3

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


def places(connection: sqlite3.Connection, writer_id: int, stream: str, first: int, end: int) -> dict[int, int]:
    """Where in its run the lines of a writer stand whose numbers are `first <= number < end`, as far as it has them."""
    sql = "SELECT number, line FROM placed WHERE writer_id = ? AND stream = ? AND number >= ? AND number < ?"
    return dict(connection.execute(sql, (writer_id, stream, first, end)))
