"""Named reads of what is suggested: by schedulers, told as runs that wait; by this server, and what it learns from."""

import sqlite3
from dataclasses import fields
from typing import Any, Final, NamedTuple

from server.store.queries import LIVE, all_rows, listed, one_row
from server.store.rows import Run, Suggestion, Sweep
from terms import states

_NOTHING_YET: Final[dict[str, Any]] = {field.name: None for field in fields(Run)} | dict.fromkeys(
    (field.name for field in fields(Run) if field.type == "int"), 0
)


def queued(connection: sqlite3.Connection, project_id: int, sweep_id: int | None = None) -> list[Suggestion]:
    """What waits in a project, or for one sweep of it, the first first."""
    where = "WHERE project_id = ? AND sweep_id = coalesce(?, sweep_id) ORDER BY id"
    return all_rows(connection, Suggestion, where, project_id, sweep_id)


def next_queued(connection: sqlite3.Connection, sweep_id: int) -> Suggestion | None:
    return one_row(connection, Suggestion, "WHERE sweep_id = ? ORDER BY id LIMIT 1", sweep_id)


def count(connection: sqlite3.Connection, sweep_id: int) -> int:
    (found,) = connection.execute("SELECT count(*) FROM suggestion WHERE sweep_id = ?", (sweep_id,)).fetchone()
    return int(found)


def named(connection: sqlite3.Connection, project_id: int, run_name: str) -> Suggestion | None:
    return one_row(connection, Suggestion, "WHERE project_id = ? AND run_name = ?", project_id, run_name)


def as_run(suggestion: Suggestion) -> Run:
    """The run that a suggestion will be; its number is below 0, which no stored run's is."""
    at_s = suggestion.queued_at_s
    told = {
        "id": -suggestion.id,
        "project_id": suggestion.project_id,
        "sweep_id": suggestion.sweep_id,
        "name": suggestion.run_name,
        "display_name": suggestion.run_name,
        "state": states.PENDING,
        "config": suggestion.config,
        "summary": "{}",
        "tags": "[]",
        **dict.fromkeys(("created_at_s", "updated_at_s", "heartbeat_at_s"), at_s),
    }
    return Run(**{**_NOTHING_YET, **told})


class Seen(NamedTuple):
    """A run of a point as the search sees it; `params` is JSON, `metric` its last value."""

    id: int
    state: str
    metric: float | None
    params: str
    history_lines: int
    heartbeat_at_s: float


class Proposal(NamedTuple):
    """A suggestion that is ready: its number, its params as JSON, and of how many ended runs it has known."""

    number: int
    params: str
    results: int


class Want(NamedTuple):
    """How many suggestions a sweep wants ready, and how many ended runs it has."""

    sweep: Sweep
    proposals: int
    results: int


ENDED: Final = listed(states.ENDED)


def seen(connection: sqlite3.Connection, sweep_id: int) -> list[Seen]:
    """The runs of all points of a sweep, in the order in which they were made."""
    sql = (
        "SELECT run.id, run.state, run.metric, trial.params, run.history_lines, run.heartbeat_at_s FROM run "
        "JOIN trial ON trial.id = run.trial_id WHERE run.sweep_id = ? ORDER BY run.created_at_s, run.id"
    )
    return list(map(Seen._make, connection.execute(sql, (sweep_id,))))


def results(connection: sqlite3.Connection, sweep_id: int) -> int:
    """How many runs of a sweep have ended."""
    sql = f"SELECT count(*) FROM run WHERE sweep_id = ? AND state IN {ENDED}"
    return int(connection.execute(sql, (sweep_id,)).fetchone()[0])


def under_way(connection: sqlite3.Connection, sweep_id: int) -> int:
    """How many runs of a sweep are live."""
    sql = f"SELECT count(*) FROM run WHERE sweep_id = ? AND state IN {LIVE}"
    return int(connection.execute(sql, (sweep_id,)).fetchone()[0])


def proposal(connection: sqlite3.Connection, sweep_id: int) -> Proposal | None:
    """The first suggestion that is ready for a sweep."""
    sql = "SELECT suggestion, params, results FROM proposal WHERE sweep_id = ? ORDER BY suggestion LIMIT 1"
    row = connection.execute(sql, (sweep_id,)).fetchone()
    return None if row is None else Proposal._make(row)


def wants(connection: sqlite3.Connection, alive_since_s: float, most: int) -> list[Want]:
    """Running Bayesian sweeps with living agents that lack suggestions which know of all that has ended.

    One for each idle agent and one more are wanted, `most` at most.
    """
    where = f"WHERE state = '{states.SWEEP_RUNNING}' AND method = 'bayes' AND engine IS NULL ORDER BY id"
    found = []
    for sweep in all_rows(connection, Sweep, where):
        ended = results(connection, sweep.id)
        wanted = min(_wanted(connection, sweep, alive_since_s), most)
        sql = "SELECT count(*) FROM proposal WHERE sweep_id = ? AND results = ?"
        (ready,) = connection.execute(sql, (sweep.id, ended)).fetchone()
        if ready < wanted:
            found.append(Want(sweep, wanted, ended))
    return found


def _wanted(connection: sqlite3.Connection, sweep: Sweep, alive_since_s: float) -> int:
    idle = f"NOT EXISTS (SELECT 1 FROM run WHERE run.agent_id = agent.id AND run.state IN {LIVE})"
    sql = (
        f"SELECT count(*), count(*) FILTER (WHERE {idle}), (SELECT count(*) FROM trial WHERE trial.sweep_id = ?1) "
        "FROM agent WHERE sweep_id = ?1 AND left_at_s IS NULL AND heartbeat_at_s >= ?2"
    )
    alive, waiting, made = connection.execute(sql, (sweep.id, alive_since_s)).fetchone()
    wanted = waiting + 1 if alive else 0
    return wanted if sweep.expected is None else min(wanted, max(sweep.expected - made, 0))
