"""What the server does by itself every few seconds: gives up who is silent, deletes what has run out, and its bytes.

It looks first, and takes the lock for writing, for which every client waits, only where there is something to do.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from server.clock import Clock
from server.heartbeats import Heartbeats
from server.journal import Journal
from server.ledger import bin, files, late_verdicts, orphans, outlines, retention
from server.ledger.artifacts import content, deletion
from server.ledger.watch import give_up_silent, is_anyone_silent
from server.settings import Settings
from server.store import artifact_queries, queries
from server.store.database import Database

log = logging.getLogger(__name__)

# Histories are read again in a tenth of the time at most.
SETTLE_S: Final = 0.3
SETTLE_SHARE: Final = 10
# Who is silent waits for it.
EMPTY_S: Final = 0.5


@dataclass(frozen=True)
class Upkeep:
    """Looks after one database; remembers which runs it has told of that it cannot give up."""

    database: Database
    settings: Settings
    clock: Clock
    heartbeats: Heartbeats | None = None
    _told: set[str] = field(default_factory=set)
    _journal: Journal = field(default_factory=Journal)
    _rest_until_s: list[float] = field(default_factory=lambda: [0.0])

    def look(self) -> None:
        """Looks once."""
        if self.database.trouble:
            self.database.probe(fresh_s=0.0)  # where nobody writes, nothing else would tell that it has passed
        if self.heartbeats:
            self.heartbeats.write()
        changes = self.database.changes  # before the snapshot: what comes between is told the next time
        with self.database.read() as connection:
            moment = self.clock.moment()
            silent = is_anyone_silent(connection, self.settings, moment)
            due = deletion.is_anything_due(connection, moment.now_s)
            gone = bin.due(connection, moment.now_s)
            old = retention.due(connection, self.settings, moment.now_s)
            self._journal.tell(connection, changes)
        self._tell(self._give_up() if silent else {})
        if due:
            self._delete()
        if gone:
            self._empty()
        self._thin(old)
        with self.database.read() as connection:
            discarded = queries.discarded(connection) or artifact_queries.discarded_contents(connection)
        if discarded:
            self.remove_bytes()
        self._give_late_verdicts()
        self._settle_outlines()

    def clear_orphans(self) -> None:
        """Removes what lies there of which no row tells; once, beside the work, since it looks at each file."""
        with self.database.read() as connection:
            found = orphans.orphans(connection, self.settings)
        removed = 0
        for first in range(0, len(found), files.AT_ONCE):
            with self.database.write() as tx:
                removed += len(orphans.remove(tx, self.settings, found[first : first + files.AT_ONCE]))
        if found:
            log.info("removed %d files of which the database does not know", removed)

    def _settle_outlines(self) -> None:
        """Makes outlines of histories that are in doubt anew, and rests so that it takes a tenth of the time."""
        begin_s = time.monotonic()
        run_id: int | None = 0
        while run_id is not None and self._rest_until_s[0] <= begin_s and time.monotonic() - begin_s < SETTLE_S:
            run_id = outlines.settle(self.database, run_id)
        self._rest_until_s[0] = max(self._rest_until_s[0], begin_s + SETTLE_SHARE * (time.monotonic() - begin_s))

    def _give_late_verdicts(self) -> None:
        """Compares runs by early termination for which much has to be read."""
        run_id: int | None = 0
        while run_id is not None:
            run_id = late_verdicts.give_next(self.database, run_id, self.clock())

    def _give_up(self) -> dict[str, Exception]:
        with self.database.write() as tx:
            # The moment of the lock: while it was waited for, others may have been heard of.
            if self.heartbeats:
                self.heartbeats.write_into(tx)
            return give_up_silent(tx, self.settings, self.clock.moment())

    def _tell(self, failed: dict[str, Exception]) -> None:
        for name in failed.keys() - self._told:
            log.error("run %s is silent and cannot be given up", name, exc_info=failed[name])
        self._told.clear()
        self._told.update(failed)

    def _delete(self) -> None:
        end_s, more = time.monotonic() + EMPTY_S, True
        while more and time.monotonic() < end_s:
            with self.database.write() as tx:
                more = deletion.delete_abandoned(tx, self.clock())
        with self.database.write() as tx:
            expired = deletion.delete_expired(tx, self.clock())
        if expired:
            log.info("deleted artifacts whose time to live has passed: %s", ", ".join(expired))

    def _thin(self, old: Iterable[tuple[str, int]]) -> None:
        """Thins streams, as many as the time allows; the rest at the next looks."""
        end_s = time.monotonic() + EMPTY_S
        for stream, run_id in old:
            more = True
            while more and time.monotonic() < end_s:
                with self.database.write() as tx:
                    more = retention.thin(tx, stream, run_id)

    def _empty(self) -> None:
        """Deletes for good some of what is due, as much as the time allows; the rest at the next looks."""
        end_s = time.monotonic() + EMPTY_S
        while time.monotonic() < end_s:
            with self.database.write() as tx:
                line = bin.due(tx, self.clock())
                gone = bin.empty_some(tx, line, self.clock()) if line else None
            if line is None:
                return
            if gone:
                log.info("deleted for good: %s %s", line.kind, bin.place_of(line))

    def remove_bytes(self) -> None:
        """Removes what lies there of files and artifacts that were deleted."""
        # In transactions of their own: the bytes of what a lost one would bring back must be there.
        more = True
        while more:
            with self.database.write() as tx:
                of_runs = files.remove_discarded(tx, self.settings.files)
                more = content.remove_discarded(tx, self.settings.artifacts) or of_runs
