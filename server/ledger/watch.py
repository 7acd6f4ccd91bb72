"""Who is gone: agents and runs that fell silent. W&B's clients say nothing when they die, so time has to tell."""

import sqlite3
from collections.abc import Iterator
from itertools import chain

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
    for run, silent_s in _silent_runs(tx, settings, moment):
        try:
            with apart(tx):
                _give_up(tx, run, silent_s, moment.now_s)
        except Exception as error:
            if not tx.in_transaction:
                raise
            failed[run.name] = error
    for agent in _silent_agents(tx, settings, moment):
        writes.update(tx, "agent", agent.id, left_at_s=moment.now_s)
    return failed


def is_anyone_silent(connection: sqlite3.Connection, settings: Settings, moment: Moment) -> bool:
    """Whether `give_up_silent` would find anyone."""
    found = chain(_silent_runs(connection, settings, moment), _silent_agents(connection, settings, moment))
    return next(found, None) is not None


def _silent_runs(connection: sqlite3.Connection, settings: Settings, moment: Moment) -> Iterator[tuple[Run, float]]:
    """Runs that are to be given up, and for how long each has been silent."""
    shortest_s = min(settings.agent_silent_s, settings.run_orphan_s)
    for run in queries.live_runs(connection):
        silent_s = moment.waited_s(run.heartbeat_at_s)
        if silent_s < shortest_s:
            continue
        limit_s = _limit_s(connection, run, settings, moment)
        if limit_s is not None and silent_s >= limit_s:
            yield run, silent_s


def _silent_agents(connection: sqlite3.Connection, settings: Settings, moment: Moment) -> Iterator[Agent]:
    for agent in queries.agents_not_left(connection):
        if moment.waited_s(agent.heartbeat_at_s) > settings.agent_silent_s:
            yield agent


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
