"""Named reads of a sweep's page: its runs as plots draw them; its agents."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from server.store.kept_answers import kept
from server.store.kept_rows import rows_kept
from server.store.page_queries import columns, number
from server.store.queries import HAS_RESULT, IN_DOUBT, LIVE, SELECTS, all_rows, shown
from server.store.rows import Agent, Run
from terms import states

# Of a sweep (the first value) and a bracket (the second).
PRIOR_IN_DOUBT: Final = (
    "JOIN prior_run ON prior_run.run_id = run.id AND prior_run.sweep_id = ?1 WHERE NOT EXISTS (SELECT 1 FROM "
    "prior_passed AS kept WHERE kept.sweep_id = prior_run.sweep_id AND kept.bracket = ?2 AND kept.run_id = run.id "
    "AND kept.heard_at_s = run.heartbeat_at_s)"
)


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent, how many runs it was given, and the live one it has."""

    agent: Agent
    runs: int
    run_name: str | None
    run_display_name: str | None


class Point(NamedTuple):
    """A settled point: W&B's id, name, state as people are told it and metric of the run that counts, and its values.

    `params` is JSON. A tuple of texts and numbers: thousands are read at once, and drawings are kept by them.
    """

    run: str
    name: str
    state: str
    metric: float | None
    params: str


class Summary(NamedTuple):
    """What the run that counts for a point has sent as its summary, a JSON object, under the run's id and name."""

    run: str
    name: str
    state: str
    summary: str


class Placed(NamedTuple):
    """A result: W&B's id of the run, its name, the number of its point from 1, its metric, and when it was reached."""

    run: str
    name: str
    number: int
    metric: float | None
    reached_at_s: float


class Shift(NamedTuple):
    """A run as part of an agent's time; `attempt` counts from 0 at its point."""

    agent_id: int
    run: str
    name: str
    state: str
    metric: float | None
    cause: str | None
    started_at_s: float
    ended_at_s: float | None
    attempt: int


def prior_runs(connection: sqlite3.Connection, sweep_id: int) -> list[Run]:
    """The runs of before that a sweep began with."""
    where = "JOIN prior_run ON prior_run.run_id = run.id WHERE prior_run.sweep_id = ? ORDER BY run.created_at_s, run.id"
    return all_rows(connection, Run, where, sweep_id)


def rows_in_doubt(connection: sqlite3.Connection, sweep_id: int, bracket: int, *, but: int) -> int:
    """How many rows of history are read at most before runs are compared at a bracket, beside those of one of them."""
    sql = (
        f"SELECT (SELECT total(history_lines) FROM run {IN_DOUBT} AND run.id != ?3) "
        f"+ (SELECT total(history_lines) FROM run {PRIOR_IN_DOUBT})"
    )
    return int(connection.execute(sql, (sweep_id, bracket, but)).fetchone()[0])


def runs_past(connection: sqlite3.Connection, after_run_id: int) -> Iterator[Run]:
    """Running runs that may have logged more values of the metric than at their last comparison, by their numbers."""
    where = f"state = '{states.RUNNING}' AND stop_requested_at_s IS NULL AND curve_length > bracket AND id > ?"
    rows = connection.execute(f"{SELECTS[Run]} WHERE {where} AND sweep_id IS NOT NULL ORDER BY id", (after_run_id,))
    return (Run(*columns) for columns in rows)


def prior_runs_in_doubt(connection: sqlite3.Connection, sweep_id: int, bracket: int) -> list[Run]:
    """Those of which is not kept what their metric was at a bracket, or from which something has come since."""
    return all_rows(connection, Run, PRIOR_IN_DOUBT, sweep_id, bracket)


def prior_values_at(connection: sqlite3.Connection, sweep_id: int, bracket: int) -> list[float]:
    """What is kept at a bracket of the runs that a sweep began with."""
    sql = "SELECT value FROM prior_passed WHERE sweep_id = ? AND bracket = ? AND value IS NOT NULL"
    return [value for (value,) in connection.execute(sql, (sweep_id, bracket))]


def sweeps_by_prior_run(connection: sqlite3.Connection, project_id: int) -> dict[int, list[str]]:
    """The names of the sweeps that began with a run, for each such run of a project."""
    sql = (
        "SELECT prior_run.run_id, sweep.name FROM prior_run JOIN sweep ON sweep.id = prior_run.sweep_id "
        "WHERE sweep.project_id = ?"
    )
    found: dict[int, list[str]] = {}
    for run_id, name in connection.execute(sql, (project_id,)):
        found.setdefault(run_id, []).append(name)
    return found


def last_summaries(connection: sqlite3.Connection, sweep_id: int, limit: int) -> list[str]:
    """What the latest runs of a sweep have sent as their summaries, as JSON objects."""
    sql = "SELECT summary FROM run WHERE sweep_id = ? ORDER BY id DESC LIMIT ?"
    return [summary for (summary,) in connection.execute(sql, (sweep_id, limit))]


def named_results(connection: sqlite3.Connection, sweep_id: int) -> list[tuple[str, float | None]]:
    """W&B's id and metric of each run that has logged rows."""
    sql = "SELECT name, metric FROM run WHERE sweep_id = ? AND history_lines > 0 ORDER BY id"
    return list(connection.execute(sql, (sweep_id,)))


def runs_named(connection: sqlite3.Connection, sweep_id: int, names: Iterable[str]) -> list[Run]:
    """Those of a sweep's runs that have one of these names of W&B's, in the order in which they were made."""
    where = "WHERE sweep_id = ? AND name IN (SELECT value FROM json_each(?)) ORDER BY id"
    return all_rows(connection, Run, where, sweep_id, json.dumps(list(names)))


@rows_kept
def results(connection: sqlite3.Connection, sweep_id: int) -> tuple[Placed, ...]:
    """Each run with a result, and of each point settled without one the run that counts, in the order of the points."""
    sql = (
        f"SELECT run.name, coalesce(nullif(run.display_name, ''), run.name), trial.number + 1, "
        f"CASE WHEN {HAS_RESULT} THEN metric END AS result, "
        "coalesce(run.ended_at_s, run.heartbeat_at_s) FROM run JOIN trial ON trial.id = run.trial_id "
        "WHERE run.sweep_id = ? AND (result IS NOT NULL OR trial.counted_run_id = run.id) "
        "ORDER BY trial.number, run.id"
    )
    return tuple(map(Placed._make, connection.execute(sql, (sweep_id,))))


@rows_kept
def points(connection: sqlite3.Connection, sweep_id: int) -> tuple[Point, ...]:
    """All settled points of a sweep, in the order handed out."""
    sql = (
        f"SELECT run.name, coalesce(nullif(run.display_name, ''), run.name), {shown('run.state')}, run.metric, "
        "trial.params FROM trial JOIN run ON run.id = trial.counted_run_id WHERE trial.sweep_id = ? "
        "ORDER BY trial.number"
    )
    return tuple(map(Point._make, connection.execute(sql, (sweep_id,))))


def params(connection: sqlite3.Connection, sweep_id: int) -> list[str]:
    """The values of all points, as JSON, in the order handed out."""
    sql = "SELECT params FROM trial WHERE sweep_id = ? ORDER BY number"
    return [text for (text,) in connection.execute(sql, (sweep_id,))]


def summaries_of_points(connection: sqlite3.Connection, sweep_id: int) -> list[Summary]:
    """The summaries of all settled points, in the order handed out."""
    sql = (
        f"SELECT run.name, coalesce(nullif(run.display_name, ''), run.name), {shown('run.state')}, run.summary "
        "FROM trial JOIN run ON run.id = trial.counted_run_id WHERE trial.sweep_id = ? ORDER BY trial.number"
    )
    return list(map(Summary._make, connection.execute(sql, (sweep_id,))))


@kept
def retries(connection: sqlite3.Connection, sweep_id: int) -> int:
    """Runs beyond the first of each point."""
    return number(connection, "SELECT count(trial_id) - count(DISTINCT trial_id) FROM run WHERE sweep_id = ?", sweep_id)


def early_stops(connection: sqlite3.Connection, sweep_id: int) -> list[str]:
    """The last decision of early termination at each bracket, as JSON."""
    # Each names all rivals: thousands of decisions are megabytes of JSON.
    sql = "SELECT early_stop, max(id) FROM run WHERE sweep_id = ? AND early_stop IS NOT NULL GROUP BY bracket"
    return [row for row, _ in connection.execute(sql, (sweep_id,))]


def agent_lines(connection: sqlite3.Connection, sweep_id: int, heard_since_s: float, limit: int) -> list[AgentLine]:
    """A sweep's agents, those alive first, then those heard of last."""
    live = f"FROM run WHERE run.agent_id = agent.id AND run.state IN {LIVE} ORDER BY run.id DESC LIMIT 1"
    sql = (
        f"SELECT {columns(Agent, 'agent')}, (SELECT count(*) FROM run WHERE run.agent_id = agent.id), "
        f"(SELECT run.name {live}), (SELECT run.display_name {live}) FROM agent WHERE sweep_id = ? "
        "ORDER BY left_at_s IS NULL AND heartbeat_at_s >= ? DESC, heartbeat_at_s DESC, id LIMIT ?"
    )
    rows = connection.execute(sql, (sweep_id, heard_since_s, limit))
    return [AgentLine(Agent(*row[:-3]), *row[-3:]) for row in rows]


def agent_count(connection: sqlite3.Connection, sweep_id: int) -> int:
    return number(connection, "SELECT count(*) FROM agent WHERE sweep_id = ?", sweep_id)


@rows_kept
def shifts(connection: sqlite3.Connection, sweep_id: int, agent_ids: tuple[int, ...]) -> tuple[Shift, ...]:
    """All runs of some agents of a sweep that have started, the first started first."""
    earlier = "SELECT count(*) FROM run AS earlier WHERE earlier.trial_id = run.trial_id AND earlier.id < run.id"
    sql = (
        f"SELECT run.agent_id, run.name, coalesce(nullif(run.display_name, ''), run.name), {shown('run.state')}, "
        f"run.metric, run.cause, run.started_at_s, run.ended_at_s, ({earlier}) FROM run WHERE run.agent_id IN "
        "(SELECT value FROM json_each(?)) AND run.started_at_s IS NOT NULL ORDER BY run.started_at_s, run.id"
    )
    return tuple(map(Shift._make, connection.execute(sql, (json.dumps(agent_ids),))))


def pauses(connection: sqlite3.Connection, sweep_id: int) -> list[tuple[float, float | None]]:
    """When a sweep was paused, as (from, until); the last one may last."""
    sql = "SELECT from_s, until_s FROM pause WHERE sweep_id = ? ORDER BY id"
    return list(connection.execute(sql, (sweep_id,)))
