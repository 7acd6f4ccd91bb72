"""A run's summary as programs read it: what the client sent, and among W&B's accounts what the server knows besides."""

import json
import sqlite3
from typing import Any

from server.store import queries
from server.store.rows import Run, Trial
from terms.told import CAUSE_KIND, EARLY_STOP, POINT, WHY, with_told

DECISION = ("bracket", "rank", "value", "rivals")


def summary_text(tx: sqlite3.Connection, run: Run) -> str:
    """The client's JSON with what is told of the run, see `terms.told`."""
    known = _known(tx, run)
    return json.dumps(with_told(json.loads(run.summary), known)) if known else run.summary


def _known(tx: sqlite3.Connection, run: Run) -> dict[str, Any]:
    decision = json.loads(run.early_stop) if run.early_stop else None
    known = {
        WHY: run.cause,
        CAUSE_KIND: run.cause_kind,
        EARLY_STOP: decision and {name: decision.get(name) for name in DECISION},
        POINT: queries.by_id(tx, Trial, run.trial_id).number + 1 if run.trial_id else None,
    }
    return {name: value for name, value in known.items() if value is not None}
