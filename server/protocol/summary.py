"""A run's summary as programs read it: what the client sent, and what the server knows besides."""

import json
import sqlite3
from typing import Any

from server.store import queries
from server.store.rows import Run, Trial
from terms.summary import CAUSE_KIND, POINT


def summary_of(run: Run) -> dict[str, Any]:
    """Its values, NaN and Infinity among them; `cause_kind`, one of `server.causes.KINDS`, where there is one."""
    summary: dict[str, Any] = json.loads(run.summary)
    return summary if run.cause_kind is None else {**summary, CAUSE_KIND: run.cause_kind}


def summary_text(tx: sqlite3.Connection, run: Run) -> str:
    """The same as the client's JSON, with the number of the run's point, which its values alone do not tell."""
    if run.trial_id is None:
        return run.summary if run.cause_kind is None else json.dumps(summary_of(run))
    return json.dumps({**summary_of(run), POINT: queries.by_id(tx, Trial, run.trial_id).number + 1})
