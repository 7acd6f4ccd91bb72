"""How states look: an icon, a word, a colour's class. Colour never stands alone."""

from dataclasses import dataclass
from typing import Final

from server import causes
from server.store.rows import Run, Sweep
from terms import record, states
from terms.points import WAITING


@dataclass(frozen=True)
class Look:
    """`css` names the colour; `icon` is a drawing of `charts.icons`."""

    css: str
    icon: str
    word: str


RUN_LOOKS: Final = {
    states.PENDING: Look("run", "running", "Starting"),
    states.RUNNING: Look("run", "running", "Running"),
    states.PREEMPTING: Look("run", "running", "Preempting"),
    states.PREEMPTED: Look("waiting", "waiting", "Preempted"),
    states.FINISHED: Look("finished", "finished", "Finished"),
    states.FAILED: Look("bad", "failed", "Failed"),
    states.CRASHED: Look("bad", "failed", "Lost"),
    states.KILLED: Look("kill", "killed", "Killed"),
    states.STOPPED_EARLY: Look("stop", "stopped", "Stopped early"),
}

SWEEP_LOOKS: Final = {
    states.SWEEP_PENDING: Look("waiting", "waiting", "Waiting"),
    states.SWEEP_RUNNING: Look("run", "running", "Running"),
    states.SWEEP_PAUSED: Look("stop", "paused", "Paused"),
    states.SWEEP_FINISHED: Look("finished", "finished", "Finished"),
    states.SWEEP_CANCELED: Look("kill", "killed", "Cancelled"),
}

# W&B's word for it is that of a sweep that came to its end.
STOPPED_ITSELF: Final = Look("bad", "warning", "Stopped itself")

# Kinds of points, as the progress bar counts them.
KIND_LOOKS: Final = {
    states.FINISHED: Look("finished", "finished", "finished"),
    states.STOPPED_EARLY: Look("stop", "stopped", states.STOPPED_EARLY),
    states.FAILED: Look("bad", "failed", "failed"),
    states.KILLED: Look("kill", "killed", "killed"),
    states.RUNNING: Look("run", "running", "running"),
    WAITING: Look("waiting", "waiting", "waiting"),
}


def state_of(run: Run) -> str:
    """A run's state as people are told it."""
    early = run.state == states.KILLED and run.cause_kind == causes.STOPPED_BY_RULE
    return states.STOPPED_EARLY if early else run.state


def run_look(run: Run) -> Look:
    return RUN_LOOKS[state_of(run)]


def stopped_itself(sweep: Sweep) -> bool:
    """Whether it has ended itself and waits for somebody; resumed, it has not."""
    return sweep.state == states.SWEEP_FINISHED and bool(sweep.stop_reason)


def sweep_look(sweep: Sweep) -> Look:
    return STOPPED_ITSELF if stopped_itself(sweep) else SWEEP_LOOKS[sweep.state]


def cause(run: Run) -> str | None:
    """Why a run failed or was lost, in the words at hand; None for a run that did neither."""
    if run.state not in states.FAILURES:
        return None
    if run.cause:
        return run.cause
    if run.state == states.CRASHED:
        return f"{record.LOST}: nothing more was heard of it"
    return "failed" if run.exit_code is None else f"exit code {run.exit_code}"
