"""What a sweep's state means for the reader: how long still, how long it took, what it waits for."""

from dataclasses import dataclass
from statistics import median
from typing import Final

from charts import format
from server.pages.words.look import stopped_itself
from server.pages.words.standing import Standing
from server.pages.words.times import Moment
from server.store import page_queries, queries
from terms import states

# Before so many settled points an estimate would mislead.
LEAST_SETTLED: Final = 5
LAST_RUNS: Final = 20


@dataclass(frozen=True)
class Outlook:
    """`main` as "7 m left", "" where there is nothing to say; `done` when it will be over, if that can be told."""

    main: str
    done: Moment | None = None


def outlook(standing: Standing) -> Outlook:
    """Says where a sweep stands."""
    sweep, running = standing.sweep, standing.progress.running
    if sweep.state == states.SWEEP_PENDING:
        return Outlook("no agent yet")
    if sweep.state == states.SWEEP_PAUSED:
        return Outlook(f"{running} still running" if running else "nothing under way")
    return _running(standing) if sweep.state == states.SWEEP_RUNNING else _ended(standing)


def seconds_left(durations_s: list[float], waiting: int, busy: int) -> float:
    """The median of the last durations, as often as points wait, shared by the agents at work."""
    return median(durations_s) * waiting / busy


def _running(standing: Standing) -> Outlook:
    sweep, progress = standing.sweep, standing.progress
    if not progress.running:
        return Outlook("no run under way" if standing.alive else "no agent alive")
    if progress.waiting is None or sweep.expected is None or sweep.expected <= LEAST_SETTLED:
        return Outlook("")
    durations_s = page_queries.recent_durations_s(standing.connection, sweep.id, LAST_RUNS)
    if progress.settled < LEAST_SETTLED or not durations_s:
        return Outlook(f"ETA after {LEAST_SETTLED} runs")
    left_s = seconds_left(durations_s, progress.waiting, progress.running)
    return Outlook(format.time_left(left_s), standing.now.moment(standing.now.now_s + left_s))


def _ended(standing: Standing) -> Outlook:
    sweep, started_at_s = standing.sweep, standing.first_start_s
    if standing.progress.running:
        return Outlook(f"{standing.progress.running} still running")
    if started_at_s is None or sweep.ended_at_s is None:
        runs = queries.run_count_of_sweep(standing.connection, sweep.id)
        return Outlook(f"none of {format.counted(runs, 'run')} began" if runs else "nothing was run")
    whole = sweep.state == states.SWEEP_FINISHED and not stopped_itself(sweep)
    word = "took" if whole else "after"
    return Outlook(f"{word} {format.duration(sweep.ended_at_s - started_at_s)}")
