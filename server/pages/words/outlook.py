"""What a sweep's state means for the reader: how long still, how long it took, what it waits for."""

import sqlite3
from dataclasses import dataclass
from statistics import median
from typing import Final

from charts import format
from server.pages.words.times import Moment, Now
from server.store import page_queries
from server.store.queries import Progress
from server.store.rows import Sweep
from terms import states

# Before so many settled points an estimate would mislead.
LEAST_SETTLED: Final = 5
LAST_RUNS: Final = 20


@dataclass(frozen=True)
class Outlook:
    """`main` as "7 m left", "" where there is nothing to say; `done` when it will be over, if that can be told."""

    main: str
    done: Moment | None = None


def outlook(connection: sqlite3.Connection, sweep: Sweep, progress: Progress, alive: int, now: Now) -> Outlook:
    """Says where a sweep stands.

    Args:
        alive: agents of the sweep that are there.
    """
    if sweep.state == states.SWEEP_PENDING:
        return Outlook("no agent yet")
    if sweep.state == states.SWEEP_PAUSED:
        return Outlook(f"{progress.running} still running" if progress.running else "nothing under way")
    if sweep.state == states.SWEEP_RUNNING:
        return _running(connection, sweep, progress, alive, now)
    return _ended(connection, sweep, progress)


def seconds_left(durations_s: list[float], waiting: int, busy: int) -> float:
    """The median of the last durations, as often as points wait, shared by the agents at work."""
    return median(durations_s) * waiting / busy


def _running(connection: sqlite3.Connection, sweep: Sweep, progress: Progress, alive: int, now: Now) -> Outlook:
    if not progress.running:
        return Outlook("no run under way" if alive else "no agent alive")
    if progress.waiting is None or sweep.expected is None or sweep.expected <= LEAST_SETTLED:
        return Outlook("")
    durations_s = page_queries.recent_durations_s(connection, sweep.id, LAST_RUNS)
    if progress.settled < LEAST_SETTLED or not durations_s:
        return Outlook(f"ETA after {LEAST_SETTLED} runs")
    left_s = seconds_left(durations_s, progress.waiting, progress.running)
    return Outlook(format.time_left(left_s), now.moment(now.now_s + left_s))


def _ended(connection: sqlite3.Connection, sweep: Sweep, progress: Progress) -> Outlook:
    started_at_s = page_queries.first_start_s(connection, sweep.id)
    if progress.running:
        return Outlook(f"{progress.running} still running")
    if started_at_s is None or sweep.ended_at_s is None:
        return Outlook("nothing was run")
    word = "took" if sweep.state == states.SWEEP_FINISHED else "after"
    return Outlook(f"{word} {format.duration(sweep.ended_at_s - started_at_s)}")
