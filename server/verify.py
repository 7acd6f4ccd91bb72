"""Recomputes every point of every sweep from the ledger's own record and compares it with what is stored.

The record (`entry`) is written in the same transaction as the change it tells of, and never changed.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from server.store import queries
from server.store.rows import Entry, Run, Sweep, Trial
from terms import states

# How points are told, in this order.
OUTCOMES = (states.FINISHED, states.FAILED, states.KILLED, "open")


@dataclass
class Account:
    """One point, as its entries tell it.

    Attributes:
        live: ids of the runs that have it.
        ends: the state in which each of its runs ended last.
        due: the run that ended with a result that has not settled the point.
        outcome, counted: how it is settled and by which run; None while it is not.
        problems: what should never be.
    """

    live: set[str] = field(default_factory=set)
    ends: dict[str, str] = field(default_factory=dict)
    due: str | None = None
    outcome: str | None = None
    counted: str | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        points: by outcome; "open" are those handed out and not settled.
        attempts: runs handed out, resumed ones counted again.
        problems: a line each; none means that the ledger holds.
    """

    sweeps: int
    points: dict[str, int]
    attempts: int
    problems: tuple[str, ...]


def verify(connection: sqlite3.Connection) -> Verdict:
    """Checks a whole database, inside one read transaction."""
    problems = [f"PRAGMA integrity_check: {line}" for (line,) in connection.execute("PRAGMA integrity_check")]
    problems = [] if problems == ["PRAGMA integrity_check: ok"] else problems
    points: Counter[str] = Counter()
    attempts = 0
    sweeps = queries.sweeps(connection)
    for sweep in sweeps:
        entries: dict[int, list[Entry]] = {}
        for entry in queries.entries(connection, sweep.id):
            entries.setdefault(entry.trial_id, []).append(entry)
            attempts += entry.kind == "handed"
        runs: dict[int | None, list[Run]] = {}
        for run in queries.runs_of_sweep(connection, sweep.id):
            runs.setdefault(run.trial_id, []).append(run)
        for trial in queries.trials(connection, sweep.id):
            points[trial.outcome or OUTCOMES[-1]] += 1
            found = _problems(trial, runs.get(trial.id, []), entries.get(trial.id, []))
            problems += [f"sweep {sweep.name}, point {trial.number}: {problem}" for problem in found]
        problems += _problems_of_sweep(connection, sweep)
    for kind in ("project", "sweep"):
        missing = queries.missing(connection, kind)
        problems += [f"{kind} number {number} is gone, and no deletion of it is recorded" for number in missing]
    return Verdict(len(sweeps), dict(points), attempts, tuple(problems))


def account(entries: Sequence[Entry]) -> Account:
    """Reads the entries of one point, in order."""
    told = Account()
    for entry in entries:
        match entry.kind:
            case "handed" | "revived":
                if told.live - {entry.run_name}:
                    told.problems.append(f"run {entry.run_name} got it while {', '.join(sorted(told.live))} had it")
                told.live.add(entry.run_name)
            case "ended" | "restored":
                _end(told, entry)
            case "settled":
                if told.outcome is not None:
                    told.problems.append(f"settled twice, by {told.counted} and {entry.run_name}")
                _settle(told, entry)
            case "released":
                told.outcome, told.counted = None, None
            case "deleted":
                _forget(told, entry.run_name)
    if told.due is not None:
        told.problems.append(f"run {told.due} ended {told.ends[told.due]} and settled nothing")
    return told


def _forget(told: Account, run_name: str) -> None:
    told.live.discard(run_name)
    told.ends.pop(run_name, None)
    if told.due == run_name:
        told.due = None


def _end(told: Account, entry: Entry) -> None:
    state = entry.detail.partition(" ")[0]
    told.live.discard(entry.run_name)
    told.ends[entry.run_name] = state
    if told.outcome is None and state in states.RESULTS:
        told.due = entry.run_name


def _settle(told: Account, entry: Entry) -> None:
    end = told.ends.get(entry.run_name)
    if end is None or not _fits(entry.detail, end):
        told.problems.append(f"settled as {entry.detail} by run {entry.run_name}, which ended {end}")
    told.outcome, told.counted, told.due = entry.detail, entry.run_name, None


def _fits(outcome: str, end: str) -> bool:
    """Tells whether a point may be settled so by a run that ended in this state."""
    return end == outcome if outcome in states.RESULTS else end not in (*states.RESULTS, *states.LIVE)


def _problems(trial: Trial, runs: Sequence[Run], entries: Sequence[Entry]) -> list[str]:
    told = account(entries)
    counted = next((run for run in runs if run.id == trial.counted_run_id), None)
    stored = counted.name if counted else trial.counted_run_id
    if (told.outcome, told.counted) != (trial.outcome, stored):
        told.problems.append(
            f"stored as {trial.outcome} by run {stored}, recorded as {told.outcome} by run {told.counted}"
        )
    if counted and trial.outcome and not _fits(trial.outcome, counted.state):
        told.problems.append(f"settled as {trial.outcome} by run {counted.name}, which is stored as {counted.state}")
    if not entries:
        told.problems.append("there is no record of it")
    return told.problems + _problems_of_runs(told, runs)


def _problems_of_runs(told: Account, runs: Sequence[Run]) -> list[str]:
    """What the stored runs of a point say that its entries do not."""
    live = {run.name for run in runs if run.state in states.LIVE}
    ended = {run.name: run.state for run in runs if run.name not in live}
    problems = [] if len(live) <= 1 else [f"runs {', '.join(sorted(live))} have it at the same time"]
    if live != told.live:
        problems.append(f"stored as in the hands of {_names(live)}, recorded as in those of {_names(told.live)}")
    return problems + [
        f"run {name} is stored as {state}, recorded as {told.ends.get(name)}"
        for name, state in sorted(ended.items())
        if name not in told.live and told.ends.get(name) != state
    ]


def _names(runs: set[str]) -> str:
    return f"run {', '.join(sorted(runs))}" if runs else "no run"


def _problems_of_sweep(connection: sqlite3.Connection, sweep: Sweep) -> list[str]:
    numbers = [trial.number for trial in queries.trials(connection, sweep.id)]
    problems = []
    if numbers != list(range(len(numbers))):
        problems.append(f"sweep {sweep.name}: its points are not numbered from 0 without a gap")
    if sweep.expected is not None and len(numbers) > sweep.expected:
        problems.append(f"sweep {sweep.name}: {len(numbers)} points of {sweep.expected} were handed out")
    return problems
