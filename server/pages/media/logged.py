"""What a run has logged under a key of media: the values that a page shows, with their steps."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from server.pages.words.sent import read_object
from server.run_values import at_path
from server.sampling import evenly
from server.store import media_queries
from server.store.rows import Run

# A row may only name a key, in a text or as a part of another key.
LOOKED_AT: Final = 4


@dataclass(frozen=True)
class Logged:
    """A value and its step; None for a row without one."""

    step: int | None
    value: dict[str, Any]


@dataclass(frozen=True, eq=False)
class History:
    """A run's history as a page reads it: no row twice, since what is logged together stands in the same rows."""

    connection: sqlite3.Connection
    run: Run
    _rows: dict[int, dict[str, Any]] = field(default_factory=dict)

    def spread(self, key: str, most: int) -> list[Logged]:
        """At most so many values, evenly from the first to the last."""
        found = media_queries.lines_naming(self.connection, self.run.id, key)
        lines = [found[place] for place in evenly(len(found), most)]
        unread = [line for line in lines if line not in self._rows]
        for line, row in media_queries.rows_at(self.connection, self.run.id, unread).items():
            self._rows[line] = read_object(row)
        return _values((self._rows.get(line, {}) for line in lines), key)

    def last(self, key: str, step: int) -> Logged | None:
        """The last value up to a step."""
        rows = media_queries.last_naming(self.connection, self.run.id, key, step, LOOKED_AT)
        return next(iter(_values(map(read_object, rows), key)), None)


def _values(rows: Iterable[dict[str, Any]], key: str) -> list[Logged]:
    found = []
    for row in rows:
        value, step = at_path(row, key), row.get("_step")
        if isinstance(value, dict) and "_type" in value:
            found.append(Logged(step if isinstance(step, int) else None, value))
    return found
