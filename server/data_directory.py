"""A data directory as a program meets it: held by one server, noted where it is, told in a line where it is unfit."""

import fcntl
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from server.greeting import Place, export_lines
from server.keys import KeyFileError, keep_secret
from server.settings import Settings
from server.store import locks
from server.store.copies import keep_former
from server.store.database import Database

log = logging.getLogger(__name__)

ADDRESS_FILE = "server.json"
# To be read by a shell: `. FILE` from any folder makes its W&B programs use this server.
EXPORTS_FILE = "exports.sh"


class DataError(click.ClickException):
    """Why a data directory cannot be used, in one line; exit code 2, as for any wrong flag."""

    exit_code = 2


class InUseError(click.ClickException):
    """That another server has a data directory."""


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """Makes the directories and holds a lock: two servers on one database would both believe to be the only one."""
    data, database = settings.data, settings.database
    with used(data):
        for folder in (data, database.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        locks.ensure(database.parent)
        descriptor = os.open(database.with_name("lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = database.parent
            raise InUseError(f"another server is using {where}; stop it or give another --data") from None
        _ensure_not_elsewhere(data, database)
        yield


def _close_to_others(data: Path, database: Path) -> None:
    """Lets a directory's owner alone read what is in it; what earlier versions have made could be read by others."""
    if not database.exists():
        # SQLite gives what it writes beside a database the same mode.
        os.close(os.open(database, os.O_WRONLY | os.O_CREAT, 0o600))
    for path in (data, database, *database.parent.glob(f"{database.name}-*")):
        mode = path.stat().st_mode
        if mode & 0o077 and path.stat().st_uid == os.geteuid():
            path.chmod(mode & 0o700)


def _ensure_not_elsewhere(data: Path, database: Path) -> None:
    noted = noted_database(data)
    if noted and noted != database and noted.exists():
        raise DataError(f"the database of {data} is {noted}: give --database {noted.parent}, or move it to {database}")


def opened(settings: Settings) -> Database:
    """The database of a directory, brought up to date.

    Raises:
        sqlite3.Error: it cannot be used.
    """
    former = keep_former(settings.database)
    _close_to_others(settings.data, settings.database)
    database = Database(settings.database)
    if former:
        log.info("the database is of a newer form now; as it was, it is kept in %s", former)
    return database


def noted_database(data: Path) -> Path | None:
    """Where the last server of this data directory had its database; None if that was in it."""
    try:
        return Path(json.loads((data / ADDRESS_FILE).read_text())["database"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def noted_settings(data: Path) -> Settings:
    """A data directory with its database where its last server had it."""
    noted = noted_database(data)
    return Settings(data=data, database_dir=noted.parent if noted else None)


@contextmanager
def used(data: Path) -> Iterator[None]:
    """Says in one line why a data directory cannot be used."""
    try:
        yield
    except KeyFileError as error:
        raise DataError(str(error)) from error
    except locks.NoLocksError as error:
        advice = "give --database (DATABASE_DIR) a folder on a disk of this machine; the rest may stay"
        raise DataError(f"no database can be kept in {error}, whose disk has no locks that work: {advice}") from error
    except OSError as error:
        where = Path(os.fsdecode(error.filename)) if error.filename else data
        apart = "" if where.is_relative_to(data) else f" ({where})"
        raise DataError(f"cannot use {data} as data directory: {error.strerror or error}{apart}") from error
    except sqlite3.Error as error:
        path = noted_settings(data).database
        raise DataError(f"cannot use the database {path}: {error}; give another --data, or restore it") from error


def note_address(settings: Settings, place: Place, api_key: str) -> None:
    """Writes down where this server is, for the commands beside it, and what makes programs use it, for shells."""
    data = settings.data
    urls = {"url": place.url, "url_to_export": place.url_to_export}
    told = {**urls, "host": place.host, "pid": os.getpid(), "started_at_s": time.time()}
    if settings.database_dir:
        told["database"] = str(settings.database)
    temporary = data / f".{ADDRESS_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(told) + "\n")
    temporary.replace(data / ADDRESS_FILE)
    lines = export_lines(place.url_to_export, api_key)
    keep_secret(data / EXPORTS_FILE, "\n".join(lines))
