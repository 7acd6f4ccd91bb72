"""What a run has logged under a key of media: the values that a page shows, with their steps."""

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from server.pages.words.sent import read_object
from server.run_values import at_path
from server.store import media_queries
from server.store.rows import Run

# A row may only name a key, in a text or as a part of another key.
LOOKED_AT: Final = 4


@dataclass(frozen=True)
class Logged:
    """A value and its step; None for a row without one."""

    step: int | None
    value: dict[str, Any]


def spread(connection: sqlite3.Connection, run: Run, key: str, most: int) -> list[Logged]:
    """At most so many values, evenly from the first to the last."""
    return _values(media_queries.rows_naming(connection, run.id, key, most), key)


def last(connection: sqlite3.Connection, run: Run, key: str, step: int) -> Logged | None:
    """The last value up to a step."""
    found = _values(media_queries.last_naming(connection, run.id, key, step, LOOKED_AT), key)
    return found[0] if found else None


def _values(rows: list[str], key: str) -> list[Logged]:
    found = []
    for row in map(read_object, rows):
        value, step = at_path(row, key), row.get("_step")
        if isinstance(value, dict) and "_type" in value:
            found.append(Logged(step if isinstance(step, int) else None, value))
    return found
