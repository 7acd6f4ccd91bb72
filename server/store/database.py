"""One SQLite file in WAL mode: one writer at a time, as many readers as there are requests."""

import math
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.store import notices, touches
from server.store.migrations import STEPS, migrate, steps_done
from server.store.scope import EVERYTHING, Connection, Scope, asked_by, asking

# Of the writing connection: SQLite's own two megabytes hold less than the runs and indexes of one large sweep.
CACHE_KIB = 16_384
# A second of a core or so; in a larger file, damage is found where it is met, and by `python -m server verify`.
MOST_CHECKED_BYTES = 128 * 1024 * 1024
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """Owns the file's connections.

    `write` gives the single writing connection inside `BEGIN IMMEDIATE` and commits at the end, rolls back on any
    exception; `together` makes one transaction of several. `read` gives a read-only connection inside one snapshot;
    connections are used again, not kept by threads, because the threads of an ASGI server come and go.
    Both serve whoever asks (`scope.asking`), and no more than is theirs.
    `changes` counts the commits that changed something, so that who waits for one need not ask the file.
    Every commit is synced to disk (`synchronous=FULL`): what a client was told is stored survives a power cut.
    `trouble` is why nothing can be stored now, in SQLite's words, or None; damage that was met lasts until the file is
    opened anew.

    Args:
        busy_timeout_s: how long a statement waits for another process' lock (a backup, a person's sqlite3 shell).

    Raises:
        sqlite3.Error: the file cannot be opened or is not a database.
    """

    def __init__(self, path: Path, busy_timeout_s: float = 10.0) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._gatherer: int | None = None
        self._lost: sqlite3.Error | None = None
        self._changed: list[Scope] = []
        self.changes = 0
        self._committed_s = -math.inf
        self._failure: str | None = None
        self._damage: str | None = None
        self._checking: sqlite3.Connection | None = None
        self._changes_of: Counter[str | None] = Counter()
        self._idle_readers: list[Connection] = []
        self._writer = sqlite3.connect(
            path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False, factory=Connection
        )
        steps_done(self._writer)  # refuses what is not ours before anything of it is changed
        self._writer.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-{CACHE_KIB};")
        migrate(self._writer)

    def tell_touches(self, touched: touches.Touched) -> None:
        """Tells of what heartbeats hang on, while it is written; once for a database."""
        with self._lock:
            touches.tell(self._writer, touched)

    def keep_notices(self) -> None:
        """Notes what somebody outside is to be told of, as it is written; once for a database."""
        with self._lock:
            notices.keep(self._writer)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        scope = asking()
        scope.require_writing()
        if self._gatherer == threading.get_ident():
            with self._part(scope) as tx:
                yield tx
        else:
            with self.together(), self._part(scope) as tx:
                yield tx

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction, synced once, for all that this thread writes until its end.

        Each `write` in it is a part, which is undone alone if it fails; none is stored before the end.

        Raises:
            sqlite3.Error: nothing of it is stored.
        """
        with self._turn:  # else who gathers again and again would always be there before who wants it once
            self._lock.acquire()
        try:
            self._gatherer, self._lost = threading.get_ident(), None
            yield
            self._commit()
        except BaseException as error:
            # Nothing where SQLite has rolled back by itself, as on a failed write: the error to tell is its cause.
            self._writer.rollback()
            self._changed.clear()
            self._note(error)
            raise
        finally:
            self._gatherer = None
            self._lock.release()

    @contextmanager
    def _part(self, scope: Scope) -> Iterator[Connection]:
        if self._lost:
            raise self._lost
        try:
            self._begin(scope)
            rows = self._writer.total_changes
            with apart(self._writer):
                yield self._writer
        except sqlite3.Error as error:
            # All parts are lost with a transaction that could not begin, or that SQLite has rolled back.
            self._lost = None if self._writer.in_transaction else error
            raise
        if self._writer.total_changes > rows:
            self._changed.append(scope)

    def _begin(self, scope: Scope) -> None:
        if self._writer.in_transaction and self._writer.is_new_to(scope):
            self._commit()  # what keeps others' rows from somebody must not go with a transaction that is rolled back
        self._writer.serve(scope)
        if not self._writer.in_transaction:
            self._writer.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        if self._lost:
            raise self._lost
        if self._writer.in_transaction:
            self._writer.execute("COMMIT")
            self._committed_s, self._failure = time.monotonic(), None
        self.changes += len(self._changed)
        for scope in self._changed:
            self._changes_of.update([None] if scope.entities is None else scope.entities)
        self._changed.clear()

    def changes_seen_by(self, scope: Scope) -> int:
        """Counts the commits that may have changed what somebody sees."""
        if scope.entities is None:
            return self.changes
        return sum(self._changes_of[entity] for entity in (None, *scope.entities))

    @contextmanager
    def read(self, limit_s: float = math.inf) -> Iterator[Connection]:
        """Gives a snapshot.

        Args:
            limit_s: what takes longer is broken off; a single statement of a few rows is not.

        Raises:
            RefusalError: it was.
        """
        # Taking from and adding to a list is atomic: no lock, and no wait for the writer.
        connection = self._take_reader()
        connection.serve(asking())
        connection.execute("BEGIN")
        connection.end_after(limit_s)
        try:
            yield connection
        except sqlite3.Error as error:
            connection.refuse_late()
            self._note(error)
            raise
        finally:
            connection.end_after(math.inf)
            connection.rollback()
            self._idle_readers.append(connection)

    @property
    def trouble(self) -> str | None:
        return self._damage or self._failure

    def probe(self, fresh_s: float) -> None:
        """Writes something that changes nothing, unless something was written in the last so many seconds."""
        if time.monotonic() - self._committed_s > fresh_s:
            with suppress(sqlite3.Error), asked_by(EVERYTHING), self.write() as tx:  # what fails is noted
                tx.execute(f"PRAGMA user_version={len(STEPS)}")

    def check(self) -> None:
        """Looks for damage in the whole file, unless that would take long; `close` breaks it off.

        The quick look of some releases of SQLite (3.40.1 is one) sees a NULL wherever a key of a table without row
        numbers has its columns in another order than the table: what it finds is believed if the whole look finds it.
        """
        if self._path.stat().st_size > MOST_CHECKED_BYTES:
            return
        with suppress(sqlite3.OperationalError), self.read() as connection:
            self._checking = connection
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                self._damage = f"database disk image is malformed: {found}"
        self._checking = None

    def close(self) -> None:
        """Closes every idle connection and the writer; the last one folds the WAL into the file."""
        if self._checking:
            self._checking.interrupt()
        with self._lock:
            while self._idle_readers:
                self._idle_readers.pop().close()
            self._writer.close()

    def _note(self, error: BaseException) -> None:
        code = getattr(error, "sqlite_errorcode", None)
        if code in DAMAGED:
            self._damage = str(error)
        elif isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_INTERRUPT:
            self._failure = str(error)

    def _take_reader(self) -> Connection:
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._open_reader()

    def _open_reader(self) -> Connection:
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
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
    name = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(name, uri=True, isolation_level=None, factory=Connection)
    try:
        connection.serve(EVERYTHING)
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()
