"""Sweeps whose suggestions a scheduler makes on the client's side (`wandb sweep-scheduler`): this server queues them.

A suggestion is no point yet: it becomes one when an agent takes it (`points`), and is forgotten if the sweep ends
before.
"""

import json
import sqlite3
from typing import Any, Final

from server.refusal import RefusalError
from server.store import queries, suggestion_queries, writes
from server.store.rows import Run, Suggestion, Sweep
from terms import states

MOST_QUEUED: Final = 10_000
_LOG: Final = "scheduler-"


def log_name(sweep: Sweep) -> str:
    """The run, of no sweep, into which the scheduler logs what it says."""
    return f"{_LOG}{sweep.name}"


def is_log(tx: sqlite3.Connection, run: Run) -> bool:
    """Tells whether a scheduler logs into this run. It never says that it ends."""
    sweep = queries.sweep(tx, run.name.removeprefix(_LOG)) if run.name.startswith(_LOG) else None
    return run.sweep_id is None and sweep is not None and sweep.engine is not None


def enqueue(tx: sqlite3.Connection, sweep: Sweep, run_name: str, config: dict[str, Any], now_s: float) -> None:
    """Queues a suggestion for the sweep's agents.

    Args:
        run_name: W&B's id of the run that it will be.
        config: the values to run with, each as {"value": ...}.

    Raises:
        RefusalError: the sweep has no scheduler, is over, or has too many waiting.
    """
    if sweep.engine is None:
        raise RefusalError(f"sweep {sweep.name} has no `scheduler` in its config: this server suggests its runs itself")
    if sweep.state in states.SWEEP_OVER:
        raise RefusalError(f"sweep {sweep.name} is {sweep.state}: no run can be queued")
    if suggestion_queries.count(tx, sweep.id) >= MOST_QUEUED:
        raise RefusalError(f"sweep {sweep.name} has {MOST_QUEUED} runs queued that no agent has taken: no more can be")
    owner = {"project_id": sweep.project_id, "sweep_id": sweep.id}
    writes.insert(tx, "suggestion", **owner, run_name=run_name, config=json.dumps(config), queued_at_s=now_s)


def take(tx: sqlite3.Connection, sweep: Sweep) -> Suggestion | None:
    """Takes the suggestion that has waited longest; None when there is none."""
    found = suggestion_queries.next_queued(tx, sweep.id)
    if found is not None:
        writes.delete(tx, "suggestion", found.id)
    return found


def forget(tx: sqlite3.Connection, number: int, run_name: str) -> bool:
    """Forgets one suggestion, whose number and id must fit; tells whether it waited."""
    return writes.drop_suggestion(tx, number, run_name)


def forget_all(tx: sqlite3.Connection, sweep: Sweep) -> None:
    """Forgets what waits for a sweep that is over."""
    writes.drop_suggestions(tx, sweep.id)
