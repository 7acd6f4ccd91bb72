"""Bytes of which no row tells: left by a server that was killed between the two."""

import sqlite3
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from server.ledger import files as run_files
from server.settings import Settings
from server.store import artifact_queries, queries


def orphans(connection: sqlite3.Connection, settings: Settings) -> list[Path]:
    """Where they lie. What is being stored right now looks the same, but to a transaction that writes."""
    of_runs = (path for path in settings.files.glob("*/*") if path.parent != run_files.unfinished(settings.files))
    return _orphans_among(connection, settings, (*of_runs, *settings.artifacts.glob("*/*")))


def remove(tx: sqlite3.Connection, settings: Settings, paths: Iterable[Path]) -> list[Path]:
    """Removes those of these that are orphans still; which."""
    removed = _orphans_among(tx, settings, paths)
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def _orphans_among(connection: sqlite3.Connection, settings: Settings, paths: Iterable[Path]) -> list[Path]:
    @cache
    def kept(folder: Path) -> set[Path]:
        number = int(folder.name) if folder.name.isdecimal() else 0
        return {run_files.path_of(settings.files, number, name) for name in queries.stored_names(connection, number)}

    def is_orphan(path: Path) -> bool:
        if settings.artifacts in path.parents:
            return artifact_queries.content_size(connection, path.name) is None
        return path not in kept(path.parent)

    return [path for path in paths if is_orphan(path)]
