"""What NOTIFY_URL is to be told of: noted by triggers of the writing connection, so that no write can forget it.

A notice is stored with what it tells of, in one transaction: it is there after a crash if that is, and else is not.
"""

import sqlite3
from typing import Final

from server.store.queries import LIVE, all_rows
from server.store.rows import Notice

ENDED: Final = "old.ended_at_s IS NULL AND new.ended_at_s IS NOT NULL"
GOES_ON: Final = "old.ended_at_s IS NOT NULL AND new.ended_at_s IS NULL"
TRIGGERS: Final = (
    f"sweep_ended AFTER UPDATE OF ended_at_s ON main.sweep WHEN {ENDED} "
    "BEGIN INSERT INTO notice (sweep_id, due_at_s) VALUES (new.id, new.ended_at_s); END",
    f"sweep_goes_on AFTER UPDATE OF ended_at_s ON main.sweep WHEN {GOES_ON} "
    "BEGIN DELETE FROM notice WHERE sweep_id = new.id; END",
    "alert_said AFTER INSERT ON main.alert "
    "BEGIN INSERT INTO notice (alert_id, due_at_s) VALUES (new.id, new.at_s); END",
)


def keep(connection: sqlite3.Connection) -> None:
    """Notes what this connection writes from now on."""
    for trigger in TRIGGERS:
        connection.execute(f"CREATE TEMP TRIGGER {trigger}")


def due(connection: sqlite3.Connection, now_s: float) -> list[Notice]:
    """What is to be told now, in order; the end of a sweep when none of its runs is under way any more."""
    under_way = f"EXISTS (SELECT 1 FROM run WHERE run.sweep_id = notice.sweep_id AND run.state IN {LIVE})"
    return all_rows(connection, Notice, f"WHERE due_at_s <= ? AND NOT {under_way} ORDER BY id", now_s)


def any_waits(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM notice LIMIT 1").fetchone() is not None
