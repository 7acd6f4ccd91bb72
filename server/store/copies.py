"""Whole copies of a database file, also of one that a server is writing to.

Source: https://www.sqlite.org/backup.html; a backup reads the snapshot that its source connection is in.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# Others are waited for, and hold a lock for writing a moment only.
WAIT_S = 30.0


@contextmanager
def as_of(database: Path, meanwhile: Callable[[], object]) -> Iterator[sqlite3.Connection]:
    """The database as it is in a moment in which nobody can write; `meanwhile` runs in that moment.

    Raises:
        sqlite3.Error: it is no database, or somebody writes to it for longer than `WAIT_S`.
    """
    with closing(_connect(database)) as lock, closing(_connect(database)) as reader:
        lock.execute("BEGIN IMMEDIATE")
        reader.execute("BEGIN")
        schema(reader)  # a snapshot begins with the first read
        meanwhile()
        lock.rollback()
        yield reader


def copy(source: sqlite3.Connection, target: Path) -> None:
    """Writes what a connection sees into a new file, which survives a power cut."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    with closing(_connect(target)) as connection:
        source.backup(connection)
    with open(target, "rb") as file:
        os.fsync(file.fileno())


def schema(connection: sqlite3.Connection) -> int:
    """How many steps of the schema a database has had."""
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    return int(done)


def damage(database: Path) -> str | None:
    """What SQLite finds wrong with a file that no server uses, in its words; None for nothing."""
    with closing(_connect(database)) as connection:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return None if found == "ok" else str(found)


def compact(database: Path) -> None:
    """Gives the room of what was deleted back to the disk; needs as much again while it works."""
    with closing(_connect(database)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
