"""What becomes less with time, where the settings say so: system metrics and consoles of runs that ended long ago.

What is left is numbered anew, so that a run which begins again goes on behind it.
"""

import sqlite3
from typing import Final

from server.ledger.clearing import SLICE
from server.sampling import evenly
from server.settings import Settings
from server.store import queries, retention_queries, writes

DAY_S: Final = 24 * 3600.0
FIRST_KEPT, LAST_KEPT = 100, 400
KEPT: Final = {"event": 200, "log": FIRST_KEPT + 1 + LAST_KEPT}
# Others wait while a few runs are thinned.
AT_ONCE: Final = 20


def due(connection: sqlite3.Connection, settings: Settings, now_s: float) -> list[tuple[str, int]]:
    """Streams that have become too old to be kept whole, by their name and the run's number; a few of them."""
    found: list[tuple[str, int]] = []
    for stream, days in (("event", settings.keep_system_metrics_days), ("log", settings.keep_console_days)):
        if days:
            ended_before_s = now_s - days * DAY_S
            long = retention_queries.long_streams(connection, stream, ended_before_s, KEPT[stream], AT_ONCE)
            found += [(stream, run_id) for run_id in long]
    return found


def thin(tx: sqlite3.Connection, stream: str, run_id: int) -> bool:
    """Leaves some of a long stream: of system metrics each so-many-th row, of a console its beginning and its end.

    Returns:
        Whether there is more to do: lines go in slices.
    """
    length = retention_queries.length(tx, stream, run_id)
    dropped = length - KEPT[stream]
    if dropped <= 0:
        return False
    if writes.drop_some_but(tx, stream, run_id, _kept(stream, length), SLICE):
        return True
    if writes.drop_some_places(tx, stream, run_id, SLICE):
        return True
    left = [row for _, row in queries.lines(tx, stream, run_id)]
    if stream == "log":
        left.insert(FIRST_KEPT, f"... {dropped + 1:,} lines of this console are not kept any more ...")
    writes.replace_lines(tx, stream, run_id, left)
    return False


def _kept(stream: str, length: int) -> list[int]:
    if stream == "event":
        return list(evenly(length, KEPT[stream]))
    return [*range(FIRST_KEPT), *range(length - LAST_KEPT, length)]
