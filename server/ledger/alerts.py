"""What programs say by `run.alert`, kept with their run."""

import sqlite3
from typing import Final

from server.refusal import RefusalError
from server.store import alert_queries, writes
from server.store.rows import Run

MOST_OF_A_TITLE: Final = 1_000
MOST_OF_A_TEXT: Final = 20_000


def note(tx: sqlite3.Connection, run: Run, title: str, text: str, level: str, wait_s: float, now_s: float) -> None:
    """Keeps an alert, unless the run has said something under the same title in the last `wait_s` seconds.

    Raises:
        RefusalError: it is longer than a page can show.
    """
    if len(title) > MOST_OF_A_TITLE or len(text) > MOST_OF_A_TEXT:
        raise RefusalError(
            f"an alert has a title of {MOST_OF_A_TITLE:,} characters and {MOST_OF_A_TEXT:,} of text at most"
        )
    said_at_s = alert_queries.last_at_s(tx, run.id, title)
    if said_at_s is None or not 0 <= now_s - said_at_s < wait_s:
        writes.insert(tx, "alert", run_id=run.id, at_s=now_s, level=level, title=title, text=text)
