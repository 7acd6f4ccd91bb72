"""Named reads that find runs by a text, and projects with what they hold."""

import sqlite3
from typing import NamedTuple

from server.store.list_queries import ESCAPED, containing
from server.store.queries import all_rows
from server.store.rows import Project, Run

NAMES = ("run.name", "run.display_name", "coalesce(run.notes, '')", "run.tags", "coalesce(run.group_name, '')")
# Names of settings are in the text too, but are no values.
IN_CONFIG = (
    f"(run.config LIKE :text {ESCAPED} AND json_valid(run.config) AND EXISTS (SELECT 1 FROM json_tree(run.config) "
    f"WHERE atom LIKE :text {ESCAPED} AND fullkey NOT LIKE '$._wandb%'))"
)
FOUND = f"({' OR '.join(f'{column} LIKE :text {ESCAPED}' for column in NAMES)} OR {IN_CONFIG})"


class Held(NamedTuple):
    """A project with how many sweeps and runs it has, how many go on, and when something last came."""

    project: Project
    sweeps: int
    runs: int
    live: int
    heard_at_s: float | None


def runs_found(connection: sqlite3.Connection, text: str, limit: int) -> list[Run]:
    """The newest runs with a text in their id, name, notes, tags, group, or a value of their config."""
    sql = f"SELECT run.id FROM run WHERE {FOUND} ORDER BY run.id DESC LIMIT :limit"
    ids = [id for (id,) in connection.execute(sql, {"text": containing(text), "limit": limit})]
    marks = ", ".join("?" * len(ids))
    return all_rows(connection, Run, f"WHERE id IN ({marks}) ORDER BY id DESC", *ids)


def projects_held(connection: sqlite3.Connection, entity: str | None, live: tuple[str, ...]) -> list[Held]:
    """All projects, or those of an entity; where something came last, first.

    Args:
        live: the states of runs that go on.
    """
    marks = ", ".join("?" * len(live))
    sql = (
        "SELECT project_id, count(*), total(state IN (" + marks + ")), max(heartbeat_at_s) FROM run GROUP BY project_id"
    )
    runs = {id: found for id, *found in connection.execute(sql, live)}
    sweeps = dict(connection.execute("SELECT project_id, count(*) FROM sweep GROUP BY project_id"))
    projects = all_rows(connection, Project, "WHERE entity = coalesce(?, entity)", entity)
    held = [Held(each, sweeps.get(each.id, 0), *_counts(runs.get(each.id))) for each in projects]
    return sorted(held, key=lambda each: -(each.heard_at_s or each.project.created_at_s))


def _counts(found: list[float] | None) -> tuple[int, int, float | None]:
    return (int(found[0]), int(found[1]), found[2]) if found else (0, 0, None)
