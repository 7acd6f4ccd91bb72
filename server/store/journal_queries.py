"""What the log tells of."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """An entry of the record, with its sweep as entity/project/name."""

    id: int
    sweep: str
    run_name: str
    kind: str
    detail: str


def last_entry(connection: sqlite3.Connection) -> int:
    """The number of the newest entry; 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()[0])


def events_after(connection: sqlite3.Connection, entry_id: int) -> list[Event]:
    """The next events, in order."""
    sql = (
        "SELECT entry.id, entity || '/' || project.name || '/' || sweep.name, run_name, kind, detail FROM entry "
        "JOIN sweep ON sweep.id = sweep_id JOIN project ON project.id = project_id WHERE entry.id > ? "
        "ORDER BY entry.id"
    )
    return [Event(*row) for row in connection.execute(sql, (entry_id,))]


def sweep_states(connection: sqlite3.Connection) -> dict[str, str]:
    """The state of each sweep by its entity/project/name."""
    sql = (
        "SELECT entity || '/' || project.name || '/' || sweep.name, state FROM sweep "
        "JOIN project ON project.id = project_id"
    )
    return dict(connection.execute(sql))
