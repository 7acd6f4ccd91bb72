"""Named reads for the pages: lists by the page, and counts that SQL makes without fetching rows."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

from server.sampling import evenly
from server.store.queries import HAS_RESULT, LIVE, all_rows, shown
from server.store.rows import Agent, Project, Run, Sweep
from terms.states import SWEEP_FINISHED

# A longer row holds no numbers to draw, and hundreds of them would fill the memory.
MAX_ROW_CHARACTERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run with its point: `number` from 0 in the sweep, `params` as JSON; None and "{}" for a run without a point."""

    run: Run
    number: int | None
    params: str


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


class Line(NamedTuple):
    """A run as filters see it: W&B's id, state as people are told it, metric, and its point's values as JSON."""

    run: str
    state: str
    metric: float | None
    params: str


class Placed(NamedTuple):
    """A result: W&B's id of the run, the number of its point from 1, its metric, and when it was reached."""

    run: str
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


@dataclass(frozen=True, slots=True)
class Order:
    """How runs are sorted; runs that lack the value come last either way.

    Attributes:
        column: a key of `COLUMNS`, or a path of names into the point's parameters.
    """

    column: str | tuple[str, ...]
    descending: bool


COLUMNS: Final = {
    "run": "run.id",
    "metric": "run.metric",
    "state": "run.state",
    "rows": "run.history_lines",
    "time": "run.ended_at_s - run.started_at_s",
}


def sortable(path: tuple[str, ...]) -> bool:
    """Tells whether SQLite can address a parameter; its JSON paths have no escape for a quotation mark."""
    return not any('"' in name for name in path)


def sweeps(
    connection: sqlite3.Connection, states: Iterable[str], project_id: int | None, limit: int, offset: int
) -> list[Sweep]:
    """Sweeps in one of the states, newest first; of one project or of all."""
    where = (
        "WHERE state IN (SELECT value FROM json_each(?)) AND project_id = coalesce(?, project_id) "
        "ORDER BY created_at_s DESC, id DESC LIMIT ? OFFSET ?"
    )
    return all_rows(connection, Sweep, where, json.dumps(list(states)), project_id, limit, offset)


def stopped_themselves(connection: sqlite3.Connection, project_id: int | None, since_s: float) -> list[Sweep]:
    """Sweeps that have ended themselves since then and were not resumed, the last one first."""
    where = (
        f"WHERE state = '{SWEEP_FINISHED}' AND stop_reason <> '' AND ended_at_s >= ? "
        "AND project_id = coalesce(?, project_id) ORDER BY ended_at_s DESC, id DESC"
    )
    return all_rows(connection, Sweep, where, since_s, project_id)


def sweep_states(connection: sqlite3.Connection, project_id: int | None) -> dict[str, int]:
    sql = "SELECT state, count(*) FROM sweep WHERE project_id = coalesce(?, project_id) GROUP BY state"
    return dict(connection.execute(sql, (project_id,)))


def loose_runs(connection: sqlite3.Connection, project_id: int | None, limit: int) -> list[tuple[Run, Project]]:
    """Runs that belong to no sweep, newest first."""
    where = (
        "WHERE sweep_id IS NULL AND project_id = coalesce(?, project_id) ORDER BY created_at_s DESC, id DESC LIMIT ?"
    )
    runs = all_rows(connection, Run, where, project_id, limit)
    projects = {project.id: project for project in all_rows(connection, Project, "")}
    return [(run, projects[run.project_id]) for run in runs]


def loose_run_count(connection: sqlite3.Connection, project_id: int | None) -> int:
    sql = "SELECT count(*) FROM run WHERE sweep_id IS NULL AND project_id = coalesce(?, project_id)"
    return _number(connection, sql, project_id)


def alive_agents(connection: sqlite3.Connection, heard_since_s: float, sweep_id: int | None = None) -> int:
    """Agents that did not leave and were heard of since; of one sweep or of all."""
    sql = (
        "SELECT count(*) FROM agent WHERE left_at_s IS NULL AND heartbeat_at_s >= ? "
        "AND sweep_id = coalesce(?, sweep_id)"
    )
    return _number(connection, sql, heard_since_s, sweep_id)


def agents(connection: sqlite3.Connection, sweep_id: int, heard_since_s: float, limit: int) -> list[AgentLine]:
    """A sweep's agents, those alive first, then those heard of last."""
    live = f"FROM run WHERE run.agent_id = agent.id AND run.state IN {LIVE} ORDER BY run.id DESC LIMIT 1"
    sql = (
        f"SELECT {_columns(Agent, 'agent')}, (SELECT count(*) FROM run WHERE run.agent_id = agent.id), "
        f"(SELECT run.name {live}), (SELECT run.display_name {live}) FROM agent WHERE sweep_id = ? "
        "ORDER BY left_at_s IS NULL AND heartbeat_at_s >= ? DESC, heartbeat_at_s DESC, id LIMIT ?"
    )
    rows = connection.execute(sql, (sweep_id, heard_since_s, limit))
    return [AgentLine(Agent(*row[:-3]), *row[-3:]) for row in rows]


def agent_count(connection: sqlite3.Connection, sweep_id: int) -> int:
    return _number(connection, "SELECT count(*) FROM agent WHERE sweep_id = ?", sweep_id)


def best_values(connection: sqlite3.Connection, sweep: Sweep, limit: int = 2) -> list[float]:
    """The best different values of the sweep's metric, best first."""
    sql = (
        f"SELECT DISTINCT metric FROM run WHERE sweep_id = ? AND {HAS_RESULT} ORDER BY metric {_better(sweep)} LIMIT ?"
    )
    return [value for (value,) in connection.execute(sql, (sweep.id, limit))]


def improvements(connection: sqlite3.Connection, sweep: Sweep) -> list[tuple[int, float]]:
    """(number from 1 in the order of starts, metric) of each run that was better than all runs before it."""
    extreme, better = ("max", ">") if sweep.goal == "maximize" else ("min", "<")
    sql = (
        f"SELECT number, metric FROM (SELECT number, metric, {extreme}(metric) OVER (ORDER BY number ROWS BETWEEN "
        "UNBOUNDED PRECEDING AND 1 PRECEDING) AS best_before FROM (SELECT row_number() OVER (ORDER BY id) AS number, "
        f"CASE WHEN {HAS_RESULT} THEN metric END AS metric FROM run WHERE sweep_id = ?)) "
        f"WHERE metric IS NOT NULL AND (best_before IS NULL OR metric {better} best_before) ORDER BY number"
    )
    return list(connection.execute(sql, (sweep.id,)))


def lines(connection: sqlite3.Connection, sweep_id: int) -> list[Line]:
    """All runs of a sweep, in the order in which they were made."""
    sql = (
        f"SELECT run.name, {shown('run.state')}, run.metric, coalesce(trial.params, '{{}}') FROM run "
        "LEFT JOIN trial ON trial.id = run.trial_id WHERE run.sweep_id = ? ORDER BY run.id"
    )
    return list(map(Line._make, connection.execute(sql, (sweep_id,))))


def results(connection: sqlite3.Connection, sweep_id: int) -> list[Placed]:
    """Each run with a result, and of each point settled without one the run that counts, in the order of the points."""
    sql = (
        f"SELECT run.name, trial.number + 1, CASE WHEN {HAS_RESULT} THEN metric END AS result, "
        "coalesce(run.ended_at_s, run.heartbeat_at_s) FROM run JOIN trial ON trial.id = run.trial_id "
        "WHERE run.sweep_id = ? AND (result IS NOT NULL OR trial.counted_run_id = run.id) "
        "ORDER BY trial.number, run.id"
    )
    return list(map(Placed._make, connection.execute(sql, (sweep_id,))))


def points(connection: sqlite3.Connection, sweep_id: int) -> tuple[Point, ...]:
    """All settled points of a sweep, in the order handed out."""
    sql = (
        f"SELECT run.name, coalesce(nullif(run.display_name, ''), run.name), {shown('run.state')}, run.metric, "
        "trial.params FROM trial JOIN run ON run.id = trial.counted_run_id WHERE trial.sweep_id = ? "
        "ORDER BY trial.number"
    )
    return tuple(map(Point._make, connection.execute(sql, (sweep_id,))))


def shifts(connection: sqlite3.Connection, agent_ids: Iterable[int]) -> list[Shift]:
    """All runs of some agents that have started, the first started first."""
    earlier = "SELECT count(*) FROM run AS earlier WHERE earlier.trial_id = run.trial_id AND earlier.id < run.id"
    sql = (
        f"SELECT run.agent_id, run.name, coalesce(nullif(run.display_name, ''), run.name), {shown('run.state')}, "
        f"run.metric, run.cause, run.started_at_s, run.ended_at_s, ({earlier}) FROM run WHERE run.agent_id IN "
        "(SELECT value FROM json_each(?)) AND run.started_at_s IS NOT NULL ORDER BY run.started_at_s, run.id"
    )
    return list(map(Shift._make, connection.execute(sql, (json.dumps(list(agent_ids)),))))


def pauses(connection: sqlite3.Connection, sweep_id: int) -> list[tuple[float, float | None]]:
    """When a sweep was paused, as (from, until); the last one may last."""
    sql = "SELECT from_s, until_s FROM pause WHERE sweep_id = ? ORDER BY id"
    return list(connection.execute(sql, (sweep_id,)))


def early_stops(connection: sqlite3.Connection, sweep_id: int) -> list[str]:
    """The last decision of early termination at each bracket, as JSON."""
    # Each names all rivals: thousands of decisions are megabytes of JSON.
    sql = "SELECT early_stop, max(id) FROM run WHERE sweep_id = ? AND early_stop IS NOT NULL GROUP BY bracket"
    return [row for row, _ in connection.execute(sql, (sweep_id,))]


def metrics(connection: sqlite3.Connection, sweep_id: int) -> list[float]:
    """The metric of each run that has one."""
    sql = "SELECT metric FROM run WHERE sweep_id = ? AND metric IS NOT NULL"
    return [value for (value,) in connection.execute(sql, (sweep_id,))]


def recent_durations_s(connection: sqlite3.Connection, sweep_id: int, limit: int) -> list[float]:
    """How long the runs took that settled the last points."""
    sql = (
        "SELECT run.ended_at_s - run.started_at_s FROM trial JOIN run ON run.id = trial.counted_run_id "
        "WHERE trial.sweep_id = ? AND run.ended_at_s IS NOT NULL AND run.started_at_s IS NOT NULL "
        "ORDER BY run.ended_at_s DESC LIMIT ?"
    )
    return [duration for (duration,) in connection.execute(sql, (sweep_id, limit))]


def first_start_s(connection: sqlite3.Connection, sweep_id: int) -> float | None:
    """When the sweep's first run started."""
    sql = "SELECT min(started_at_s) FROM run WHERE sweep_id = ?"
    started_at_s: float | None = connection.execute(sql, (sweep_id,)).fetchone()[0]
    return started_at_s


def retries(connection: sqlite3.Connection, sweep_id: int) -> int:
    """Runs beyond the first of each point."""
    return _number(
        connection, "SELECT count(trial_id) - count(DISTINCT trial_id) FROM run WHERE sweep_id = ?", sweep_id
    )


def attempts(
    connection: sqlite3.Connection,
    sweep_id: int,
    order: Order,
    states: Iterable[str],
    limit: int,
    offset: int,
    without_run_id: int | None = None,
    names: Iterable[str] | None = None,
) -> list[Attempt]:
    """One page of a sweep's runs.

    Args:
        states: as people are told them; runs in others are left out.
        without_run_id: one more to leave out.
        names: W&B's ids; others are left out, unless it is None.
    """
    expression, path = _expression(order)
    # In these words an index of the metric gives the order.
    by = f"{expression} {'DESC' if order.descending else 'ASC'} NULLS LAST, run.id"
    # Only ids are sorted: a run's config and summary would make a sort of thousands slow.
    sql = (
        f"SELECT {_columns(Run, 'run')}, trial.number, coalesce(trial.params, '{{}}') FROM ("
        "SELECT run.id AS id FROM run LEFT JOIN trial ON trial.id = run.trial_id WHERE run.sweep_id = :sweep "
        f"AND {shown('run.state')} IN (SELECT value FROM json_each(:states)) AND run.id IS NOT :without "
        "AND (:names IS NULL OR run.name IN (SELECT value FROM json_each(:names))) "
        f"ORDER BY {by} LIMIT :limit OFFSET :offset) AS page "
        f"JOIN run ON run.id = page.id LEFT JOIN trial ON trial.id = run.trial_id ORDER BY {by}"
    )
    values = {
        "sweep": sweep_id,
        "states": json.dumps(list(states)),
        "without": without_run_id,
        "names": None if names is None else json.dumps(list(names)),
        "limit": limit,
        "offset": offset,
        "path": path,
    }
    return [Attempt(Run(*row[:-2]), *row[-2:]) for row in connection.execute(sql, values)]


def attempt(connection: sqlite3.Connection, run: Run) -> Attempt:
    """A run with its point."""
    sql = "SELECT number, params FROM trial WHERE id = ?"
    number, params = connection.execute(sql, (run.trial_id,)).fetchone() or (None, "{}")
    return Attempt(run, number, params)


def rank(connection: sqlite3.Connection, sweep: Sweep, value: float) -> tuple[int, int]:
    """The place of a value among the sweep's runs, from 1, and how many have a value."""
    better = ">" if sweep.goal == "maximize" else "<"
    sql = f"SELECT count(*) FILTER (WHERE metric {better} ?) + 1, count(metric) FROM run WHERE sweep_id = ?"
    place, of = connection.execute(sql, (value, sweep.id)).fetchone()
    return int(place), int(of)


def run_of_point(connection: sqlite3.Connection, sweep_id: int, number: int) -> str | None:
    """W&B's id of the run that counts for a point, or of its last one."""
    sql = (
        "SELECT run.name FROM trial JOIN run ON run.id = coalesce(trial.counted_run_id, "
        "(SELECT max(id) FROM run WHERE trial_id = trial.id)) WHERE trial.sweep_id = ? AND trial.number = ?"
    )
    row = connection.execute(sql, (sweep_id, number)).fetchone()
    return None if row is None else str(row[0])


def history_sample(connection: sqlite3.Connection, run_id: int, limit: int) -> list[str]:
    """At most `limit` history rows, spread evenly from the first to the last."""
    return _sample(connection, "history", run_id, limit)


def event_sample(connection: sqlite3.Connection, run_id: int, limit: int) -> list[str]:
    """The same of a run's system metrics."""
    return _sample(connection, "event", run_id, limit)


def stored_bytes(connection: sqlite3.Connection) -> int:
    """Size of the database and of all files of runs."""
    pages = _number(connection, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    return pages + _number(connection, "SELECT coalesce(sum(size_bytes), 0) FROM file")


def _sample(connection: sqlite3.Connection, stream: str, run_id: int, limit: int) -> list[str]:
    lines = _number(connection, f"SELECT coalesce(max(line) + 1, 0) FROM {stream} WHERE run_id = ?", run_id)
    sql = (
        f"SELECT row FROM {stream} WHERE run_id = ? AND line IN (SELECT value FROM json_each(?)) "
        "AND length(row) <= ? ORDER BY line"
    )
    return [row for (row,) in connection.execute(sql, (run_id, json.dumps(evenly(lines, limit)), MAX_ROW_CHARACTERS))]


def _columns(row: type[Any], table: str) -> str:
    return ", ".join(f"{table}.{field.name}" for field in fields(row))


def _better(sweep: Sweep) -> str:
    return "DESC" if sweep.goal == "maximize" else "ASC"


def _expression(order: Order) -> tuple[str, str | None]:
    """The SQL to sort by and, for a parameter, its JSON path."""
    if isinstance(order.column, str):
        return COLUMNS[order.column], None
    path = "$" + "".join(f'."{name}"' for name in order.column)
    return "CASE WHEN json_valid(trial.params) THEN json_extract(trial.params, :path) END", path


def _number(connection: sqlite3.Connection, sql: str, *values: object) -> int:
    (number,) = connection.execute(sql, values).fetchone()
    return int(number)
