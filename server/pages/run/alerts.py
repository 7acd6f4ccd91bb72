"""What the run's program said by `run.alert`."""

import sqlite3
from typing import Final

from server.pages.words.alerts import Alerts, alert_shown, alerts_shown
from server.pages.words.times import Now
from server.store import alert_queries
from server.store.rows import Run

SHOWN: Final = 20
TEXT_CHARACTERS: Final = 2000


def run_alerts(connection: sqlite3.Connection, run: Run, now: Now) -> Alerts | None:
    """The run's last alerts; None for none."""
    last = alert_queries.of_run(connection, run.id, SHOWN)
    total = alert_queries.count_of_run(connection, run.id)
    return alerts_shown([alert_shown(alert, now, TEXT_CHARACTERS) for alert in last], total)
