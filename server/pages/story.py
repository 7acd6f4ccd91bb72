"""Why a run ended, or what it does, in one or two sentences."""

import signal
from dataclasses import dataclass
from typing import Final

from charts import format
from server import lifecycle
from server.pages.look import cause, state_of
from server.pages.times import Now
from server.pages.values import read_object, written
from server.store.queries import STOPPED_EARLY
from server.store.rows import Run

RIVALS_SHOWN: Final = 30
DIGITS: Final = 5


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
    if state_of(run) == STOPPED_EARLY:
        return Story("Why it was stopped early", *_stopped_early(run))
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


def _stopped_early(run: Run) -> tuple[str, str | None]:
    """The decision and the values that it compared."""
    decision = read_object(run.early_stop or "")
    sentence = f"Early termination ended it: {decision.get('reason', 'it was worse than the others')}."
    rivals = decision.get("rivals") or []
    if not rivals:
        return sentence, None
    names = [written(value, DIGITS) for value in rivals[:RIVALS_SHOWN]]
    more = f" and {format.count(len(rivals) - RIVALS_SHOWN)} more" if len(rivals) > RIVALS_SHOWN else ""
    own = f"its value there: {written(decision['value'], DIGITS)}\n" if "value" in decision else ""
    return sentence, f"{own}the others', best first: {', '.join(names)}{more}"


def _killed(run: Run, now: Now) -> str:
    if run.stop_requested_at_s is None:
        return "It was ended by hand."
    return f"It was asked to stop {now.moment(run.stop_requested_at_s).text}."


def _failed(run: Run) -> str:
    if run.state == lifecycle.CRASHED:
        return "It was lost: no end of it was ever heard of."
    kind = f"{run.cause_kind[0].upper()}{run.cause_kind[1:]}. " if run.cause_kind else ""
    if run.exit_code is None:
        return f"{kind}It failed without an exit code."
    return f"{kind}Its program ended with exit code {run.exit_code}{_of_signal(run.exit_code)}."


def _of_signal(exit_code: int) -> str:
    """A shell's code for a death by signal, in words."""
    try:
        return f", which is signal {signal.Signals(exit_code - 128).name}"
    except ValueError:
        return ""
