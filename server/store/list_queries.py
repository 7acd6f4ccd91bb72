"""Named reads of the list of sweeps."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from server.store.kept_answers import kept
from server.store.page_queries import number
from server.store.queries import HAS_RESULT, all_rows
from server.store.rows import Project, Run, Sweep
from terms.states import SWEEP_FINISHED

ESCAPED: Final = "ESCAPE '\\'"


ORDERS: Final = {
    "name": "lower(coalesce(nullif(sweep.display_name, ''), sweep.name))",
    "state": "sweep.state",
    "project": "lower(project.entity || '/' || project.name)",
    "user": "lower(sweep.user_name)",
    "settled": "(SELECT count(*) FROM trial WHERE trial.sweep_id = sweep.id AND trial.outcome IS NOT NULL)",
    "created": "sweep.created_at_s",
}


@dataclass(frozen=True)
class Wanted:
    """Which sweeps; None asks for nothing, and nothing for all.

    Attributes:
        project_id: of one project.
        entity, project, user: names.
        text: part of a name, an id, a description or a file.
    """

    project_id: int | None = None
    entity: str | None = None
    project: str | None = None
    user: str | None = None
    text: str | None = None

    @property
    def where(self) -> str:
        texts = ("sweep.name", "coalesce(sweep.display_name, '')", "coalesce(sweep.description, '')", "sweep.config")
        parts = [
            "sweep.project_id = :project_id" if self.project_id is not None else "",
            "project.entity = :entity" if self.entity else "",
            "project.name = :project" if self.project else "",
            "sweep.user_name = :user" if self.user else "",
            f"({' OR '.join(f'{text} LIKE :text {ESCAPED}' for text in texts)})" if self.text else "",
        ]
        return " AND ".join(filter(None, parts)) or "TRUE"

    @property
    def values(self) -> dict[str, object]:
        return {**vars(self), "text": containing(self.text or "")}


def sweeps_in(
    connection: sqlite3.Connection,
    wanted: Wanted,
    states: Iterable[str],
    limit: int,
    offset: int = 0,
    order: str = "created",
    descending: bool = True,
) -> list[Sweep]:
    """Sweeps in one of the states; those that lack what they are sorted by come last.

    Args:
        order: a key of `ORDERS`.
    """
    by = f"{ORDERS[order]} {'DESC' if descending else 'ASC'} NULLS LAST, sweep.created_at_s DESC, sweep.id DESC"
    sql = (
        "SELECT sweep.id FROM sweep JOIN project ON project.id = sweep.project_id WHERE sweep.state IN "
        f"(SELECT value FROM json_each(:states)) AND {wanted.where} ORDER BY {by} LIMIT :limit OFFSET :offset"
    )
    values = {**wanted.values, "states": json.dumps(list(states)), "limit": limit, "offset": offset}
    ids = [id for (id,) in connection.execute(sql, values)]
    found = all_rows(connection, Sweep, "WHERE id IN (SELECT value FROM json_each(?))", json.dumps(ids))
    return sorted(found, key=lambda sweep: ids.index(sweep.id))


def states_of(connection: sqlite3.Connection, wanted: Wanted) -> dict[str, int]:
    """How many of these sweeps are in each state."""
    sql = (
        "SELECT sweep.state, count(*) FROM sweep JOIN project ON project.id = sweep.project_id "
        f"WHERE {wanted.where} GROUP BY sweep.state"
    )
    return dict(connection.execute(sql, wanted.values))


def choices(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The entities, projects and users that there are sweeps of, by name."""
    asked = {"entity": "project.entity", "project": "project.name", "user": "sweep.user_name"}
    sql = (
        "SELECT DISTINCT {0} FROM sweep JOIN project ON project.id = sweep.project_id WHERE {0} IS NOT NULL ORDER BY 1"
    )
    return {name: [found for (found,) in connection.execute(sql.format(column))] for name, column in asked.items()}


def names_of_several(connection: sqlite3.Connection, names: Iterable[str]) -> frozenset[str]:
    """Those of these names that more than one sweep has."""
    sql = (
        "SELECT display_name FROM sweep WHERE display_name IN (SELECT value FROM json_each(?)) "
        "GROUP BY display_name HAVING count(*) > 1"
    )
    return frozenset(name for (name,) in connection.execute(sql, (json.dumps(list(names)),)))


def containing(text: str) -> str:
    """A pattern of what has a text in it, for `LIKE` with `ESCAPED`."""
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


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
