"""What NOTIFY_URL has been told, and how often it was tried in vain."""

import sqlite3
from typing import Final

from server.store import writes
from server.store.notices import any_waits
from server.store.rows import Notice

# Between two tries: five of them in 13 minutes.
WAITS_S: Final = (5.0, 30.0, 120.0, 600.0)


def forget(tx: sqlite3.Connection, notice: Notice) -> None:
    """It was told, or tells of what is deleted."""
    writes.delete(tx, "notice", notice.id)


def put_off(tx: sqlite3.Connection, notice: Notice, now_s: float) -> bool:
    """It could not be told; whether it may be tried again."""
    if notice.tries == len(WAITS_S):
        return False
    writes.update(tx, "notice", notice.id, tries=notice.tries + 1, due_at_s=now_s + WAITS_S[notice.tries])
    return True


def forget_all(tx: sqlite3.Connection) -> None:
    """Nobody is to be told any more: what is told after a long time is no news."""
    if any_waits(tx):
        writes.drop_notices(tx)
