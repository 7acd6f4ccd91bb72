"""Why a run ended, or what it does, in one or two sentences."""

import signal
from dataclasses import dataclass

from charts import format
from server import lifecycle
from server.pages.look import cause
from server.pages.times import Now
from server.store.rows import Run


@dataclass(frozen=True)
class Story:
    """`heading` as "Why it failed", a sentence, and the evidence in the run's own words, None if there is none."""

    heading: str
    sentence: str
    evidence: str | None = None


def story(run: Run, rank: str, now: Now) -> Story:
    """Tells a run's end.

    Args:
        rank: "rank 3 of 25", or "" without a value.
    """
    if run.state in lifecycle.LIVE:
        return Story("What it does now", _live(run, now))
    if run.state == lifecycle.PREEMPTED:
        return Story("Why it waits", "Its machine was taken away. It goes on under the same id with the next agent.")
    if run.state == lifecycle.KILLED:
        return Story("Why it was killed", _killed(run, now))
    if run.state in (lifecycle.FAILED, lifecycle.CRASHED):
        lost = run.state == lifecycle.CRASHED
        return Story("Why it was lost" if lost else "Why it failed", _failed(run), cause(run))
    return Story("How it ended", f"Finished, {rank}." if rank else "Finished.")


def _live(run: Run, now: Now) -> str:
    heard = f"Last heard of {now.moment(run.heartbeat_at_s).text}."
    if run.stop_requested_at_s is not None:
        return f"It was asked to stop {now.moment(run.stop_requested_at_s).text}. {heard}"
    if run.started_at_s is None:
        return f"Handed to an agent, its program is starting. {heard}"
    return f"Running for {format.duration(now.now_s - run.started_at_s)}. {heard}"


def _killed(run: Run, now: Now) -> str:
    if run.stop_requested_at_s is None:
        return "It was ended by hand."
    return f"It was asked to stop {now.moment(run.stop_requested_at_s).text}."


def _failed(run: Run) -> str:
    if run.state == lifecycle.CRASHED:
        return "It was lost: no end of it was ever heard of."
    if run.exit_code is None:
        return "It failed without an exit code."
    return f"Its program ended with exit code {run.exit_code}{_of_signal(run.exit_code)}."


def _of_signal(exit_code: int) -> str:
    """A shell's code for a death by signal, in words."""
    try:
        return f", which is signal {signal.Signals(exit_code - 128).name}"
    except ValueError:
        return ""
