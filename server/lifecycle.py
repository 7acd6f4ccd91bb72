"""States of sweeps and runs and the moves between them. Pure: no clock, no storage.

Sources: the states are W&B's, as its client compares and shows them.
"""

from collections.abc import Sequence
from typing import Final

from server.causes import INTERRUPTED_EXIT_CODES, WRONG_USAGE_EXIT_CODE

PENDING: Final = "pending"
RUNNING: Final = "running"
PREEMPTING: Final = "preempting"
PREEMPTED: Final = "preempted"
FINISHED: Final = "finished"
FAILED: Final = "failed"
CRASHED: Final = "crashed"
KILLED: Final = "killed"

LIVE: Final = (PENDING, RUNNING, PREEMPTING)
RUN_STATES: Final = (*LIVE, PREEMPTED, FINISHED, FAILED, CRASHED, KILLED)

# A point whose attempts are lost or interrupted again and again is settled as failed in the end.
MAX_ATTEMPTS: Final = 20
# A run that is preempted so often gets nowhere: its point is given to a new one.
MAX_HAND_OUTS: Final = 50

SWEEP_PENDING: Final = "PENDING"
SWEEP_RUNNING: Final = "RUNNING"
SWEEP_PAUSED: Final = "PAUSED"
SWEEP_FINISHED: Final = "FINISHED"
SWEEP_CANCELED: Final = "CANCELED"

SWEEP_MOVES: Final[dict[str, tuple[str, ...]]] = {
    SWEEP_PENDING: (SWEEP_RUNNING, SWEEP_PAUSED, SWEEP_FINISHED, SWEEP_CANCELED),
    SWEEP_RUNNING: (SWEEP_PAUSED, SWEEP_FINISHED, SWEEP_CANCELED),
    SWEEP_PAUSED: (SWEEP_RUNNING, SWEEP_FINISHED, SWEEP_CANCELED),
    SWEEP_FINISHED: (SWEEP_RUNNING, SWEEP_CANCELED),
    SWEEP_CANCELED: (SWEEP_RUNNING, SWEEP_FINISHED),
}


def sweep_may_move(state: str, to: str) -> bool:
    """Tells whether a sweep may go from `state` to `to`; staying is always allowed."""
    return state == to or to in SWEEP_MOVES[state]


def state_at_end(exit_code: int, stop_requested: bool, preempting: bool) -> str:
    """Gives the state of a run that has sent its end.

    Args:
        exit_code: of the run's script, 0 to 255.
        stop_requested: somebody asked the run to stop before it ended.
        preempting: the run announced that its machine is being taken away (`wandb.mark_preempting`).
    """
    if exit_code == 0:
        return FINISHED
    if stop_requested:
        return KILLED
    return PREEMPTED if preempting else FAILED


def failed_itself(state: str, exit_code: int | None) -> bool:
    """Tells whether a run failed for a reason of its own, rather than being lost or interrupted from outside."""
    return state == FAILED and exit_code not in INTERRUPTED_EXIT_CODES


def outcome(attempts: Sequence[tuple[str, int | None]], retries: int) -> str | None:
    """Says how a point is settled by its attempts so far, or None if it is to be handed out again.

    Args:
        attempts: (state, exit code) of each of its runs, the one that has just ended last.
        retries: how many failures of its own are made good by another attempt.
    """
    state, exit_code = attempts[-1]
    if state in (FINISHED, KILLED):
        return state
    own = sum(failed_itself(*attempt) for attempt in attempts)
    # The same wrong values would be refused again.
    hopeless = failed_itself(state, exit_code) and exit_code == WRONG_USAGE_EXIT_CODE
    if hopeless or own > retries or len(attempts) >= MAX_ATTEMPTS:
        return FAILED
    return None
