"""A run's summary as programs read it: what the client sent, and the kind of the cause that the server found."""

import json
from typing import Any

from server.ledger.runs import CAUSE_KIND
from server.store.rows import Run


def summary_of(run: Run) -> dict[str, Any]:
    """Its values, NaN and Infinity among them; `cause_kind`, one of `server.causes.KINDS`, where there is one."""
    summary: dict[str, Any] = json.loads(run.summary)
    return summary if run.cause_kind is None else {**summary, CAUSE_KIND: run.cause_kind}


def summary_text(run: Run) -> str:
    """The same as the client's JSON."""
    return run.summary if run.cause_kind is None else json.dumps(summary_of(run))
