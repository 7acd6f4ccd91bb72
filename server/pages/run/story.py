"""Why a run ended, or what it does, in one or two sentences."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from charts import format
from charts.strip import strip
from server.pages.words.look import cause, state_of
from server.pages.words.sent import read_object, written
from server.pages.words.times import Now
from server.run_values import number
from server.store.rows import Run
from terms import states

RIVALS_SHOWN: Final = 30
DIGITS: Final = 5


@dataclass(frozen=True)
class Story:
    """How a run ended.

    Attributes:
        heading: as "Why it failed".
        evidence: in the run's own words, or the values that were compared; None if there is none.
        strip: the same values drawn, with the one that was needed.
    """

    heading: str
    sentence: str
    evidence: str | None = None
    strip: Markup | None = None


def story(run: Run, goal: str, rank: str, now: Now) -> Story:
    """Tells a run's end.

    Args:
        goal: of the sweep's metric, "maximize" or "minimize".
        rank: "rank 3 of 25", or "" without a value.
    """
    if run.state in states.LIVE:
        return Story("What it does now", _live(run, now))
    if run.state == states.PREEMPTED:
        return Story("Why it waits", "Its machine was taken away. It goes on under the same id with the next agent.")
    if state_of(run) == states.STOPPED_EARLY:
        return _stopped_early(read_object(run.early_stop or ""), goal)
    if run.state == states.KILLED:
        return Story("Why it was killed", _killed(run, now))
    if run.state in states.FAILURES:
        lost = run.state == states.CRASHED
        return Story("Why it was lost" if lost else "Why it failed", _failed(run), cause(run))
    return Story("How it ended", f"Finished, {rank}." if rank else "Finished.")


def _live(run: Run, now: Now) -> str:
    heard = f"Last heard of {now.moment(run.heartbeat_at_s).text}."
    if run.stop_requested_at_s is not None:
        return f"It was asked to stop {now.moment(run.stop_requested_at_s).text}. {heard}"
    if run.started_at_s is None:
        return f"Handed to an agent, its program is starting. {heard}"
    return f"Running for {format.duration(now.now_s - run.started_at_s)}. {heard}"


def _stopped_early(decision: dict[str, Any], goal: str) -> Story:
    """The decision and the values that it compared; a decision of an older server may lack any of them."""
    heading = "Why it was stopped early"
    sentence = f"Early termination ended it: {decision.get('reason', 'it was worse than the others')}."
    value, needed = number(decision.get("value")), number(decision.get("needed"))
    if value is not None and needed is not None:
        or_better = "or more" if goal == "maximize" else "or less"
        sentence += f" It had {written(value, DIGITS)}, and {written(needed, DIGITS)} {or_better} was needed."
    rivals = [rival for each in decision.get("rivals") or [] if (rival := number(each)) is not None]
    if not rivals:
        return Story(heading, sentence)
    drawn = "" if value is None else strip([*rivals, value], value, goal, "this run", needed)
    others = int(number(decision.get("others")) or len(rivals))
    return Story(heading, sentence, _compared(value, rivals, others), Markup(drawn) if drawn else None)


def _compared(value: float | None, rivals: Sequence[float], others: int) -> str:
    """The values in words; of many `others`, the rivals that were kept are some, from the best to the worst."""
    own = "" if value is None else f"its value there: {written(value, DIGITS)}\n"
    if len(rivals) < others:
        best, worst = written(rivals[0], DIGITS), written(rivals[-1], DIGITS)
        return f"{own}those of {format.count(others)} others: from {best} to {worst}"
    names = [written(rival, DIGITS) for rival in rivals[:RIVALS_SHOWN]]
    more = f" and {format.count(len(rivals) - RIVALS_SHOWN)} more" if len(rivals) > RIVALS_SHOWN else ""
    return f"{own}the others', best first: {', '.join(names)}{more}"


def _killed(run: Run, now: Now) -> str:
    if run.stop_requested_at_s is None:
        return "It was ended by hand."
    return f"It was asked to stop {now.moment(run.stop_requested_at_s).text}."


def _failed(run: Run) -> str:
    if run.state == states.CRASHED:
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
