"""Browsers that are signed in: of a cookie its hash alone is kept."""

import secrets
import sqlite3
from typing import Final

from server.ledger import audit
from server.store import user_writes, writes

MAX_BROWSER: Final = 200


def start(
    tx: sqlite3.Connection, user_id: int | None, token_hash: str, browser: str, now_s: float, lifetime_s: float
) -> None:
    """Signs a browser in.

    Args:
        user_id: None for whoever has the server's own key.
        browser: what it says that it is.
    """
    user_writes.drop_expired_sessions(tx, now_s)
    writes.insert(
        tx,
        "session",
        user_id=user_id,
        token_hash=token_hash,
        browser=browser[:MAX_BROWSER],
        started_at_s=now_s,
        expires_at_s=now_s + lifetime_s,
    )
    audit.note(tx, "signed in", browser[:MAX_BROWSER], now_s)


def end(tx: sqlite3.Connection, id: int, user_id: int | None, now_s: float) -> None:
    """Signs one of somebody's browsers out; one that is out already stays so."""
    if user_writes.end_session(tx, id, user_id):
        audit.note(tx, "signed out", f"session {id}", now_s)


def new_token() -> str:
    return secrets.token_urlsafe(32)
