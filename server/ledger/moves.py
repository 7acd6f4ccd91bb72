"""The one door into the state of a run or a sweep: what `lifecycle` does not allow does not happen."""

import sqlite3

from server import lifecycle
from server.refusal import RefusalError
from server.store import queries, writes
from server.store.rows import Run, Sweep


def move_run(tx: sqlite3.Connection, run: Run, state: str, now_s: float, **columns: object) -> Run:
    """Gives a run its next state, and what changes with it.

    Raises:
        RefusalError: no way there from the present state; nothing is changed.
    """
    if not lifecycle.run_may_move(run.state, state, of_point=run.trial_id is not None):
        raise RefusalError(f"run {run.name} is {run.state} and cannot become {state}", status=409)
    writes.move(tx, "run", run.id, state, updated_at_s=now_s, **columns)
    return queries.by_id(tx, Run, run.id)


def move_sweep(tx: sqlite3.Connection, sweep: Sweep, state: str, now_s: float, **columns: object) -> Sweep:
    """The same for a sweep, which may also stay as it is.

    Raises:
        RefusalError: no way there from the present state; nothing is changed.
    """
    if not lifecycle.sweep_may_move(sweep.state, state):
        raise RefusalError(f"sweep {sweep.name} is {sweep.state} and cannot become {state}")
    writes.move(tx, "sweep", sweep.id, state, updated_at_s=now_s, **columns)
    return queries.by_id(tx, Sweep, sweep.id)
