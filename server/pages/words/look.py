"""How states look: an icon, a word, a colour's class. Colour never stands alone."""

from dataclasses import dataclass
from typing import Final

from server import causes, lifecycle
from server.store.queries import STOPPED_EARLY
from server.store.rows import Run, Sweep


@dataclass(frozen=True)
class Look:
    """`css` names the colour; `icon` is a drawing of `charts.icons`."""

    css: str
    icon: str
    word: str


RUN_LOOKS: Final = {
    lifecycle.PENDING: Look("run", "running", "Starting"),
    lifecycle.RUNNING: Look("run", "running", "Running"),
    lifecycle.PREEMPTING: Look("run", "running", "Preempting"),
    lifecycle.PREEMPTED: Look("waiting", "waiting", "Preempted"),
    lifecycle.FINISHED: Look("finished", "finished", "Finished"),
    lifecycle.FAILED: Look("bad", "failed", "Failed"),
    lifecycle.CRASHED: Look("bad", "failed", "Lost"),
    lifecycle.KILLED: Look("kill", "killed", "Killed"),
    STOPPED_EARLY: Look("stop", "stopped", "Stopped early"),
}

SWEEP_LOOKS: Final = {
    lifecycle.SWEEP_PENDING: Look("waiting", "waiting", "Waiting"),
    lifecycle.SWEEP_RUNNING: Look("run", "running", "Running"),
    lifecycle.SWEEP_PAUSED: Look("stop", "paused", "Paused"),
    lifecycle.SWEEP_FINISHED: Look("finished", "finished", "Finished"),
    lifecycle.SWEEP_CANCELED: Look("kill", "killed", "Cancelled"),
}

# Kinds of points, as the progress bar counts them.
KIND_LOOKS: Final = {
    "finished": Look("finished", "finished", "finished"),
    STOPPED_EARLY: Look("stop", "stopped", STOPPED_EARLY),
    "failed": Look("bad", "failed", "failed"),
    "killed": Look("kill", "killed", "killed"),
    "running": Look("run", "running", "running"),
    "waiting": Look("waiting", "waiting", "waiting"),
}

FAILURES: Final = (lifecycle.FAILED, lifecycle.CRASHED)


def state_of(run: Run) -> str:
    """A run's state as people are told it."""
    early = run.state == lifecycle.KILLED and run.cause_kind == causes.STOPPED_EARLY
    return STOPPED_EARLY if early else run.state


def run_look(run: Run) -> Look:
    return RUN_LOOKS[state_of(run)]


def sweep_look(sweep: Sweep) -> Look:
    return SWEEP_LOOKS[sweep.state]


def cause(run: Run) -> str | None:
    """Why a run failed or was lost, in the words at hand; None for a run that did neither."""
    if run.state not in FAILURES:
        return None
    if run.cause:
        return run.cause
    if run.state == lifecycle.CRASHED:
        return "lost: nothing more was heard of it"
    return "failed" if run.exit_code is None else f"exit code {run.exit_code}"
