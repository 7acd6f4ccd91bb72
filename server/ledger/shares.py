"""Links that show one sweep to whoever has them. A sweep has one at most; only its hash is kept."""

import hashlib
import sqlite3

from server.ledger import audit
from server.store import writes
from server.store.rows import Sweep


def hashed(token: str) -> str:
    """What is kept of a link; its token is too long to be guessed, so that no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def share(tx: sqlite3.Connection, sweep: Sweep, token: str, now_s: float) -> None:
    """Makes a link valid; the one before it is so no more."""
    writes.drop_share(tx, sweep.id)
    writes.insert(tx, "share", sweep_id=sweep.id, token_hash=hashed(token), created_at_s=now_s)
    audit.note_in_project(tx, "shared sweep", sweep.project_id, sweep.name, now_s)


def unshare(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> None:
    """Ends a sweep's link; one that has none is left as it is."""
    writes.drop_share(tx, sweep.id)
    audit.note_in_project(tx, "ended sharing of sweep", sweep.project_id, sweep.name, now_s)
