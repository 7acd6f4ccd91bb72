"""What a pressed button does: one transaction each, through the functions of the ledger that the protocol uses."""

import sqlite3
from typing import Final

from server.ledger import points, runs, shares, sweeps
from server.pages.door.buttons import CANCEL, PAUSE, RESUME, RETRY, STOP, UNSHARE
from server.refusal import NotFoundError
from server.store.rows import Run, Sweep
from terms import states

SWEEP_STATES: Final = {
    PAUSE: states.SWEEP_PAUSED,
    RESUME: states.SWEEP_RUNNING,
    STOP: states.SWEEP_FINISHED,
    CANCEL: states.SWEEP_CANCELED,
}
RUN_ACTIONS: Final = {STOP: runs.stop, RETRY: points.try_again}


def press_of_sweep(tx: sqlite3.Connection, sweep: Sweep, action: str, now_s: float) -> None:
    """Pauses, resumes, stops or cancels a sweep, tries what failed again, or ends its link for others.

    Raises:
        NotFoundError: no such button.
        RefusalError: the sweep is in no state for it.
    """
    if action == UNSHARE:
        shares.unshare(tx, sweep, now_s)
        return
    if action == RETRY:
        sweeps.try_again(tx, sweep, now_s)
        return
    if action not in SWEEP_STATES:
        raise NotFoundError(f"A sweep has no button {action!r}; it has {', '.join((*SWEEP_STATES, RETRY))}.")
    sweeps.set_state(tx, sweep, SWEEP_STATES[action], now_s)


def press_of_run(tx: sqlite3.Connection, run: Run, action: str, now_s: float) -> None:
    """Stops a run, or gives the point that it lost another try.

    Raises:
        NotFoundError: no such button.
        RefusalError: the run cannot be tried again.
    """
    if action not in RUN_ACTIONS:
        raise NotFoundError(f"A run has no button {action!r}; it has {', '.join(RUN_ACTIONS)}.")
    RUN_ACTIONS[action](tx, run, now_s)
