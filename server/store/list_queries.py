"""Named reads of the list of sweeps."""

import json
import sqlite3
from collections.abc import Iterable

from server.store.kept_answers import kept
from server.store.page_queries import number
from server.store.queries import HAS_RESULT, all_rows
from server.store.rows import Project, Run, Sweep
from terms.states import SWEEP_FINISHED


def sweeps_in(
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
    return number(connection, sql, project_id)


@kept
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


def stored_bytes(connection: sqlite3.Connection) -> int:
    """Size of the database, of all files of runs and of what artifacts hold."""
    pages = number(connection, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    files, contents = (f"SELECT coalesce(sum(size_bytes), 0) FROM {table}" for table in ("file", "content"))
    return pages + number(connection, files) + number(connection, contents)
