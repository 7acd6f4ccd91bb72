"""Who is gone: agents and runs that fell silent. W&B's clients say nothing when they die, so time has to tell."""

import sqlite3

from server.clock import Moment
from server.ledger import points, queue, runs
from server.settings import Settings
from server.store import queries, writes
from server.store.database import apart
from server.store.rows import Agent, Run
from terms import states


def give_up_silent(tx: sqlite3.Connection, settings: Settings, moment: Moment) -> dict[str, Exception]:
    """Closes the runs and notes the agents that have been silent for too long while this server was awake.

    Returns:
        The runs that could not be closed and why; they do not keep the others from it.
    """
    failed: dict[str, Exception] = {}
    for run in queries.live_runs(tx):
        silent_s = moment.waited_s(run.heartbeat_at_s)
        limit_s = _limit_s(tx, run, settings, moment)
        if limit_s is not None and silent_s >= limit_s:
            try:
                with apart(tx):
                    _give_up(tx, run, silent_s, moment.now_s)
            except Exception as error:
                if not tx.in_transaction:
                    raise
                failed[run.name] = error
    for agent in queries.agents_not_left(tx):
        if moment.waited_s(agent.heartbeat_at_s) > settings.agent_silent_s:
            writes.update(tx, "agent", agent.id, left_at_s=moment.now_s)
    return failed


def _limit_s(tx: sqlite3.Connection, run: Run, settings: Settings, moment: Moment) -> float | None:
    """After how long a silence this run is given up; None while its agent lives and answers for it."""
    if run.agent_id is None:
        return settings.run_orphan_s
    agent = queries.by_id(tx, Agent, run.agent_id)
    gone = agent.left_at_s is not None or moment.waited_s(agent.heartbeat_at_s) >= settings.agent_silent_s
    return settings.agent_silent_s if gone else None


def _give_up(tx: sqlite3.Connection, run: Run, silent_s: float, now_s: float) -> None:
    if run.stop_requested_at_s is not None:
        points.run_ended(tx, run, states.KILLED, None, now_s)
    elif queue.is_log(tx, run):
        points.run_ended(tx, run, states.FINISHED, None, now_s)
    else:
        runs.give_up(tx, run, f"nothing heard of it or its agent for {silent_s:.0f} s", now_s)
