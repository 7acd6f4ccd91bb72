"""Whether a folder's disk has what SQLite's WAL mode lives by: locks that keep others out, and memory that they share.

Disks of clusters may lack either, and say so late or never: SQLite waits ten seconds for a lock that cannot be had, and
where locking only seems to work, two writers damage the file.
"""

import errno
import fcntl
import os
import sqlite3
import struct
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import IO, Final

# A process is let past its own locks of the usual kind; those of Linux that belong to a handle keep it out, too.
PER_HANDLE: Final = [getattr(fcntl, name) for name in ("F_OFD_SETLK",) if hasattr(fcntl, name)]
WHOLE_FILE: Final = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class NoLocksError(Exception):
    """A database is not safe in a folder; the message names it and what does not work."""


def ensure(folder: Path) -> None:
    """Tries them, each with two handles; nothing is left behind.

    Raises:
        NoLocksError: if one does not work.
        OSError: if the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".locks-", ignore_cleanup_errors=True) as scratch:
        for name, attempt in (("flock", _flock), ("fcntl", _fcntl), ("SQLite's WAL", _wal)):
            try:
                attempt(Path(scratch, name))
            except (OSError, sqlite3.Error) as error:
                if not _is_full(error):
                    raise NoLocksError(f"{folder} ({name}: {getattr(error, 'strerror', None) or error})") from error


def _flock(path: Path) -> None:
    def lock(handle: IO[bytes]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with path.open("wb") as one, path.open("wb") as other:
        lock(one)
        _refused(lambda: lock(other), BlockingIOError)


def _fcntl(path: Path) -> None:
    with path.open("wb") as one, path.open("wb") as other:
        fcntl.lockf(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for kind in PER_HANDLE:
            _refused(lambda: fcntl.fcntl(other, kind, WHOLE_FILE), BlockingIOError)  # noqa: B023 - called at once


def _wal(path: Path) -> None:
    with closing(_connect(path)) as one, closing(_connect(path)) as other:
        one.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE tried (number)")
        one.execute("BEGIN IMMEDIATE")
        one.execute("INSERT INTO tried VALUES (1)")
        _refused(lambda: other.execute("BEGIN IMMEDIATE"), sqlite3.OperationalError)
        one.execute("COMMIT")
        other.execute("SELECT number FROM tried").fetchall()


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None)


def _refused(second: Callable[[], object], how: type[Exception]) -> None:
    """Sees to it that the second handle is kept out."""
    try:
        second()
    except how:
        return
    raise OSError("a lock keeps nobody out")


def _is_full(error: Exception) -> bool:
    """Whether the disk only has no room for the attempt, which tells nothing of its locks."""
    no_room = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in no_room or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
