"""States of runs and sweeps. They are W&B's, as its client compares and shows them."""

from typing import Final

PENDING: Final = "pending"
RUNNING: Final = "running"
PREEMPTING: Final = "preempting"
PREEMPTED: Final = "preempted"
FINISHED: Final = "finished"
FAILED: Final = "failed"
CRASHED: Final = "crashed"
KILLED: Final = "killed"

# Somebody has the run, or is about to.
LIVE: Final = (PENDING, RUNNING, PREEMPTING)
# It went wrong, by itself or because its machine was lost.
FAILURES: Final = (FAILED, CRASHED)
# Its end settles its point at once.
RESULTS: Final = (FINISHED, KILLED)
# It is over, and its point with it or given to another run.
ENDED: Final = (*RESULTS, *FAILURES)
RUN_STATES: Final = (*LIVE, PREEMPTED, *ENDED)

# What people are told of a killed run that a rule has stopped; W&B has one word for it and for what a person stopped.
STOPPED_EARLY: Final = "stopped early"

SWEEP_PENDING: Final = "PENDING"
SWEEP_RUNNING: Final = "RUNNING"
SWEEP_PAUSED: Final = "PAUSED"
SWEEP_FINISHED: Final = "FINISHED"
SWEEP_CANCELED: Final = "CANCELED"

SWEEP_OVER: Final = (SWEEP_FINISHED, SWEEP_CANCELED)
SWEEP_STATES: Final = (SWEEP_PENDING, SWEEP_RUNNING, SWEEP_PAUSED, *SWEEP_OVER)
