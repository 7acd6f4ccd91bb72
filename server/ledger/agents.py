"""Agents: how they join, and what they are told in a heartbeat.

W&B's agents execute at most what one heartbeat answers, poll every 5 s, and say nothing when they leave.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from server.clock import Moment
from server.ledger import points, runs
from server.ledger.moves import move_sweep
from server.ledger.names import require_texts
from server.ledger.points import NewId
from server.settings import Settings
from server.store import queries, writes
from server.store.rows import Agent, Run, Sweep
from terms import states

Mark = tuple[str, int]
"""What an answer may hang on: an `agent`, `run`, `trial` or `sweep`, and its number."""

# A run that was handed out and neither started nor is reported is delivered once more: the reply may have been lost.
MAX_DELIVERIES = 2


@dataclass(frozen=True)
class Command:
    """One thing an agent is told: `run`, `resume` or `stop` a run, or `exit`.

    Attributes:
        run_id: W&B's id of the run; None for `exit`.
        config: JSON of the values to run with, each as {"value": ...}; for `run` and `resume`.
    """

    type: str
    run_id: str | None = None
    config: str = "{}"


def create_agent(tx: sqlite3.Connection, sweep: Sweep, host: str, now_s: float, new_id: NewId) -> Agent:
    """Adds an agent; the first one sets a pending sweep going.

    Raises:
        RefusalError: the host's name is too long.
    """
    require_texts({"host": host})
    id = writes.insert(
        tx, "agent", sweep_id=sweep.id, name=new_id(), host=host, created_at_s=now_s, heartbeat_at_s=now_s
    )
    if sweep.state == states.SWEEP_PENDING:
        move_sweep(tx, sweep, states.SWEEP_RUNNING, now_s)
    return queries.by_id(tx, Agent, id)


def heartbeat(
    tx: sqlite3.Connection, agent: Agent, reported: frozenset[str], settings: Settings, moment: Moment, new_id: NewId
) -> Command | None:
    """Takes an agent's sign of life and gives the one command it gets.

    Args:
        reported: ids of the runs whose processes the agent has.

    Returns:
        None for "go on". Two commands at once would start two runs in parallel or lose one, so there is never more.
    """
    now_s = moment.now_s
    writes.update(tx, "agent", agent.id, heartbeat_at_s=now_s, left_at_s=None)
    _look_for_missing_runs(tx, agent, reported, settings, moment)
    if reported:
        return _stop_of_one(tx, agent, reported, settings, moment)
    sweep = queries.by_id(tx, Sweep, agent.sweep_id)
    if sweep.state in states.SWEEP_OVER:
        return _exit(tx, agent, now_s)
    if sweep.state == states.SWEEP_PAUSED:
        return None
    return _run_again(tx, agent, now_s) or _next_run(tx, sweep, agent, now_s, new_id)


def hangs_on(tx: sqlite3.Connection, agent: Agent, reported: frozenset[str]) -> tuple[Mark, ...] | None:
    """What the word "go on" to a heartbeat hangs on, right after it; None where time alone may change it."""
    runs = [queries.run_of_sweep(tx, agent.sweep_id, name) for name in reported]
    if any(run.name not in reported for run in queries.live_runs_of_agent(tx, agent.id)):
        return None
    marks: list[Mark] = [("agent", agent.id), ("sweep", agent.sweep_id)]
    for run in runs:
        if run is None or run.stop_requested_at_s is not None:
            return None
        marks += [("run", run.id), ("trial", run.trial_id or 0)]
    return tuple(marks) if runs else None


def heard(tx: sqlite3.Connection, at_s: Mapping[int, float]) -> None:
    """Notes when agents, by their numbers, were heard of since it was written last."""
    writes.put_heard(tx, at_s)


def _look_for_missing_runs(
    tx: sqlite3.Connection, agent: Agent, reported: frozenset[str], settings: Settings, moment: Moment
) -> None:
    now_s = moment.now_s
    for run in queries.live_runs_of_agent(tx, agent.id):
        if run.name in reported:
            continue
        missing_s = moment.waited_s(run.missing_since_s or now_s)
        if run.stop_requested_at_s is not None:
            points.run_ended(tx, run, states.KILLED, run.exit_code, now_s)
        elif run.state == states.PENDING:
            continue  # it is given once more
        elif missing_s >= settings.run_missing_s:
            runs.give_up(tx, run, "its process is gone and sent no end", now_s)
        elif run.missing_since_s is None:
            writes.update(tx, "run", run.id, missing_since_s=now_s)


def _stop_of_one(
    tx: sqlite3.Connection, agent: Agent, reported: frozenset[str], settings: Settings, moment: Moment
) -> Command | None:
    for name in sorted(reported):
        run = queries.run_of_sweep(tx, agent.sweep_id, name)
        if run is not None and run.missing_since_s is not None:
            writes.update(tx, "run", run.id, missing_since_s=None)
        if run is None or _must_end_now(tx, run, settings, moment):
            return Command("stop", name)
    return None


def _must_end_now(tx: sqlite3.Connection, run: Run, settings: Settings, moment: Moment) -> bool:
    if points.is_fenced(tx, run):
        return True
    if run.stop_requested_at_s is None:
        return False
    # `stopped` in the file stream's reply ends a script without loss; the agent's SIGTERM may lose 15 s of rows.
    canceled = queries.by_id(tx, Sweep, run.sweep_id).state == states.SWEEP_CANCELED if run.sweep_id else False
    return canceled or moment.waited_s(run.stop_requested_at_s) >= settings.stop_grace_s


def _run_again(tx: sqlite3.Connection, agent: Agent, now_s: float) -> Command | None:
    for run in queries.live_runs_of_agent(tx, agent.id):
        if run.state != states.PENDING:
            continue
        if run.deliveries < MAX_DELIVERIES:
            writes.update(tx, "run", run.id, deliveries=run.deliveries + 1, heartbeat_at_s=now_s)
            return Command("run", run.name, points.given(tx, run))
        runs.note_cause(tx, run, f"ended {run.deliveries} times before it called wandb.init")
        runs.end(tx, run, states.FAILED, None, now_s)
    return None


def _next_run(tx: sqlite3.Connection, sweep: Sweep, agent: Agent, now_s: float, new_id: NewId) -> Command | None:
    if points.finish_at_target(tx, sweep, now_s):
        return _exit(tx, agent, now_s)
    handed = points.hand_out(tx, sweep, agent, now_s, new_id)
    if handed is not None:
        if handed.resume:
            runs.forget_cause(tx, handed.run)
        return Command("resume" if handed.resume else "run", handed.run.name, points.given(tx, handed.run))
    # Others may still lose a point, and somebody must be there to take it: idle agents stay until all is settled.
    settled = points.finish_if_settled(tx, queries.by_id(tx, Sweep, sweep.id), now_s)
    return _exit(tx, agent, now_s) if settled else None


def _exit(tx: sqlite3.Connection, agent: Agent, now_s: float) -> Command:
    writes.update(tx, "agent", agent.id, left_at_s=now_s)
    return Command("exit")
