"""The server's log of what happens: one line an event, with its sweep and run, soon after it was committed.

It reads the ledger's record, so that it tells of nothing that was rolled back, and no request waits for it.
"""

import logging
import sqlite3
from dataclasses import dataclass, field

from server.store import journal_queries as queries

log = logging.getLogger(__name__)


@dataclass
class Journal:
    """Remembers how far it has told; a new one begins with what comes after it."""

    _changes: int = -1
    _last_entry: int | None = None
    _states: dict[str, str] = field(default_factory=dict)

    def tell(self, connection: sqlite3.Connection, changes: int) -> None:
        """Writes a line for each event since the last time.

        Args:
            changes: what the database has counted of them: where it is the same as before, nothing has happened.
        """
        if changes == self._changes:
            return
        self._changes = changes
        states = queries.sweep_states(connection)
        if self._last_entry is None:
            self._last_entry, self._states = queries.last_entry(connection), states
        for name, state in states.items():
            if self._states.get(name) != state:
                log.info("sweep %s: %s", name, state.lower())
        self._states = states
        for event in queries.events_after(connection, self._last_entry):
            log.info("sweep %s: run %s %s: %s", event.sweep, event.run_name, event.kind, event.detail)
            self._last_entry = event.id
