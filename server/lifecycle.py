"""The moves of sweeps and runs between their states, and what their ends mean. Pure: no clock, no storage."""

from collections.abc import Sequence
from typing import Final

from server import causes
from terms import record, states
from terms.record import INTERRUPTED_EXIT_CODES, WRONG_USAGE_EXIT_CODE

# A point whose attempts are lost or interrupted again and again is settled as failed in the end.
MAX_ATTEMPTS: Final = 20
# A run that is preempted so often gets nowhere: its point is given to a new one.
MAX_HAND_OUTS: Final = 50

# It is not live any more.
ENDS: Final = (states.PREEMPTED, *states.ENDED)

# The end of a run that has a point is final, unless it was lost or preempted: its point counts on it.
RUN_MOVES: Final[dict[str, tuple[str, ...]]] = {
    states.PENDING: (states.RUNNING, *ENDS),
    states.RUNNING: (states.PREEMPTING, *ENDS),
    states.PREEMPTING: ENDS,
    states.PREEMPTED: (states.PENDING, states.RUNNING),
    states.CRASHED: (states.RUNNING,),
    states.FINISHED: (),
    states.FAILED: (),
    states.KILLED: (),
}
# A run without a point may start again whatever its end was, and be put back by hand.
MORE_MOVES_WITHOUT_POINT: Final[dict[str, tuple[str, ...]]] = {
    states.RUNNING: (states.PENDING,),
    states.CRASHED: (states.PENDING,),
    states.FAILED: (states.PENDING, states.RUNNING),
    states.FINISHED: (states.RUNNING,),
    states.KILLED: (states.RUNNING,),
}
# What `wandb.Api` offers to do by hand, from which states. Source: `Run.update_state` of wandb 0.31.0.
MOVES_BY_HAND: Final[dict[str, tuple[str, ...]]] = {
    states.PENDING: (states.RUNNING, states.FAILED, states.CRASHED, states.PREEMPTED),
    states.FAILED: (states.PENDING, states.RUNNING),
}

SWEEP_MOVES: Final[dict[str, tuple[str, ...]]] = {
    states.SWEEP_PENDING: (states.SWEEP_RUNNING, states.SWEEP_PAUSED, states.SWEEP_FINISHED, states.SWEEP_CANCELED),
    states.SWEEP_RUNNING: (states.SWEEP_PAUSED, states.SWEEP_FINISHED, states.SWEEP_CANCELED),
    states.SWEEP_PAUSED: (states.SWEEP_RUNNING, states.SWEEP_FINISHED, states.SWEEP_CANCELED),
    states.SWEEP_FINISHED: (states.SWEEP_RUNNING, states.SWEEP_CANCELED),
    states.SWEEP_CANCELED: (states.SWEEP_RUNNING, states.SWEEP_FINISHED),
}


def run_may_move(state: str, to: str, *, of_point: bool) -> bool:
    """Tells whether a run may go from `state` to `to`.

    Args:
        of_point: it is an attempt at a point of a search.
    """
    more = () if of_point else MORE_MOVES_WITHOUT_POINT.get(state, ())
    return to in RUN_MOVES[state] or to in more


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
        return states.FINISHED
    if stop_requested:
        return states.KILLED
    return states.PREEMPTED if preempting else states.FAILED


def failed_itself(state: str, exit_code: int | None) -> bool:
    """Tells whether a run failed for a reason of its own, rather than being lost or interrupted from outside."""
    return state == states.FAILED and exit_code not in INTERRUPTED_EXIT_CODES


def outcome(attempts: Sequence[tuple[str, int | None]], retries: int) -> str | None:
    """Says how a point is settled by its attempts so far, or None if it is to be handed out again.

    Args:
        attempts: (state, exit code) of each of its runs, the one that has just ended last.
        retries: how many failures of its own are made good by another attempt.
    """
    state, exit_code = attempts[-1]
    if state in states.RESULTS:
        return state
    own = sum(failed_itself(*attempt) for attempt in attempts)
    # The same wrong values would be refused again.
    hopeless = failed_itself(state, exit_code) and exit_code == WRONG_USAGE_EXIT_CODE
    if hopeless or own > retries or len(attempts) >= MAX_ATTEMPTS:
        return states.FAILED
    return None


def kind_at_end(state: str, cause: str | None, exit_code: int | None) -> str | None:
    """Classifies the end of a run, as one of `causes.KINDS`; None where nothing went wrong."""
    if state == states.KILLED:
        return causes.STOPPED_BY_RULE if (cause or "").startswith(states.STOPPED_EARLY) else causes.STOPPED_BY_PERSON
    if state in states.FAILURES:
        return causes.kind_of(cause, exit_code)
    return causes.NAN_METRIC if cause and cause.startswith(record.NAN_METRIC) else None
