"""Named reads of what pages showed when somebody gave it a name."""

import sqlite3

from server.store.queries import all_rows, one_row
from server.store.rows import SavedView


def saved_views(connection: sqlite3.Connection, project_id: int, sweep_id: int | None) -> list[SavedView]:
    """Of a sweep, or of a project's runs; by name."""
    where = "WHERE project_id = ? AND sweep_id IS ? ORDER BY name"
    return all_rows(connection, SavedView, where, project_id, sweep_id)


def saved_view(connection: sqlite3.Connection, project_id: int, sweep_id: int | None, name: str) -> SavedView | None:
    return one_row(
        connection, SavedView, "WHERE project_id = ? AND sweep_id IS ? AND name = ?", project_id, sweep_id, name
    )
