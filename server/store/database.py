"""One SQLite file in WAL mode: one writer at a time, as many readers as there are requests."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.store.migrations import migrate


class Database:
    """Owns the file's connections.

    `write` gives the single writing connection inside `BEGIN IMMEDIATE` and commits at the end, rolls back on any
    exception. `read` gives a read-only connection inside one snapshot; connections are used again, not kept by
    threads, because the threads of an ASGI server come and go.
    `changes` counts the commits that changed something, so that who waits for one need not ask the file.
    Every commit is synced to disk (`synchronous=FULL`): what a client was told is stored survives a power cut.

    Args:
        busy_timeout_s: how long a statement waits for another process' lock (a backup, a person's sqlite3 shell).

    Raises:
        sqlite3.Error: the file cannot be opened or is not a database.
    """

    def __init__(self, path: Path, busy_timeout_s: float = 10.0) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._lock = threading.Lock()
        self.changes = 0
        self._idle_readers: list[sqlite3.Connection] = []
        self._writer = sqlite3.connect(
            path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        self._writer.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        migrate(self._writer)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            rows = self._writer.total_changes
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                # Nothing where SQLite has rolled back by itself, as on a failed write: the error to tell is its cause.
                self._writer.rollback()
                raise
            self.changes += self._writer.total_changes > rows

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        # Taking from and adding to a list is atomic: no lock, and no wait for the writer.
        connection = self._take_reader()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.rollback()
            self._idle_readers.append(connection)

    def close(self) -> None:
        """Closes every idle connection and the writer; the last one folds the WAL into the file."""
        with self._lock:
            while self._idle_readers:
                self._idle_readers.pop().close()
            self._writer.close()

    def _take_reader(self) -> sqlite3.Connection:
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._open_reader()

    def _open_reader(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )


@contextmanager
def apart(tx: sqlite3.Connection) -> Iterator[None]:
    """A part of a transaction: an exception undoes it alone, and whoever catches that can go on with the rest."""
    tx.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        # SQLite may have rolled the whole transaction back.
        if tx.in_transaction:
            tx.execute("ROLLBACK TO part")
            tx.execute("RELEASE part")
        raise
    tx.execute("RELEASE part")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """One snapshot of a database file that a server may be writing to; nothing is changed.

    Raises:
        sqlite3.Error: the file cannot be opened or is not a database.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()
