"""Whole copies of a database file, also of one that a server is writing to.

Source: https://www.sqlite.org/backup.html; a backup reads the snapshot that its source connection is in.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.store import migrations

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
        migrations.steps_done(reader)  # a snapshot begins with the first read
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


def keep_former(database: Path) -> Path | None:
    """Copies a database that a newer version of this program is about to change, in place of an older such copy.

    Returns:
        The copy; None where nothing is to be changed.

    Raises:
        sqlite3.Error: it cannot be changed, or there is no room for a copy.
    """
    if not database.exists():
        return None
    with closing(_connect(database)) as connection:
        done = migrations.steps_done(connection)
        if done in (0, len(migrations.STEPS)):
            return None
        arriving = database.with_name(f".{database.name}.former")
        arriving.unlink(missing_ok=True)
        copy(connection, arriving)
    for older in database.parent.glob(f"{database.name}.schema-*"):
        older.unlink()
    return arriving.replace(database.with_name(f"{database.name}.schema-{done}"))


def compact(database: Path) -> None:
    """Gives the room of what was deleted back to the disk; needs as much again while it works."""
    with closing(_connect(database)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
