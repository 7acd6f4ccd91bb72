"""Who is gone: agents and runs that fell silent. W&B's clients say nothing when they die, so time has to tell."""

import sqlite3

from server.ledger import points, runs
from server.settings import Settings
from server.store import queries, writes
from server.store.rows import Agent, Run
from terms import states


def give_up_silent(tx: sqlite3.Connection, settings: Settings, listening_since_s: float, now_s: float) -> None:
    """Closes the runs and notes the agents that have been silent for too long.

    Args:
        listening_since_s: when this server began to listen; silence before that says nothing about the others.
    """
    for run in queries.live_runs(tx):
        silent_s = now_s - max(run.heartbeat_at_s, listening_since_s)
        limit_s = _limit_s(tx, run, settings, listening_since_s, now_s)
        if limit_s is not None and silent_s >= limit_s:
            _give_up(tx, run, silent_s, now_s)
    silent_since_s = now_s - settings.agent_silent_s
    if listening_since_s < silent_since_s:
        writes.mark_agents_gone(tx, silent_since_s, now_s)


def _limit_s(
    tx: sqlite3.Connection, run: Run, settings: Settings, listening_since_s: float, now_s: float
) -> float | None:
    """After how long a silence this run is given up; None while its agent lives and answers for it."""
    if run.agent_id is None:
        return settings.run_orphan_s
    agent = queries.by_id(tx, Agent, run.agent_id)
    agent_silent_s = now_s - max(agent.heartbeat_at_s, listening_since_s)
    gone = agent.left_at_s is not None or agent_silent_s >= settings.agent_silent_s
    return settings.agent_silent_s if gone else None


def _give_up(tx: sqlite3.Connection, run: Run, silent_s: float, now_s: float) -> None:
    if run.stop_requested_at_s is not None:
        points.run_ended(tx, run, states.KILLED, None, now_s)
    else:
        runs.give_up(tx, run, f"nothing heard of it or its agent for {silent_s:.0f} s", now_s)
