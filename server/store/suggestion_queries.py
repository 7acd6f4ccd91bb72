"""Named reads of what schedulers have queued, and how it is told: as runs that wait."""

import sqlite3
from dataclasses import fields
from typing import Any, Final

from server.store.queries import all_rows, one_row
from server.store.rows import Run, Suggestion
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
