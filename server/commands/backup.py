"""Copies of a data directory, and its size."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from server import backup as copying
from server.data_directory import DataError, held, noted_settings, used
from server.settings import Settings
from server.store import copies

MIB: Final = 1024 * 1024

data_option = click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@data_option
def backup(folder: Path, data: Path) -> None:
    """Copy the database and all files, as they are at one moment, into DIR; a server may be at work."""
    with _told(data):
        made = copying.back_up(noted_settings(data), folder, time.time())
    how = "as hard links, on the disk of the data: copy the folder to another one" if made.linked else "copied"
    print(f"{folder}: the database and {made.files} files of {made.file_bytes / MIB:,.1f} MiB, {how}")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@data_option
@click.option("--database", "database_dir", type=click.Path(path_type=Path), help="A folder for the database alone.")
def restore(folder: Path, data: Path, database_dir: Path | None) -> None:
    """Put a backup into a data directory that is empty or not there yet."""
    settings = Settings(data=data, database_dir=database_dir.absolute() if database_dir else None)
    with _told(data), held(settings):
        put = copying.restore(folder, settings)
    made_at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(put.made_at_s))
    print(f"{data}: the database and {put.files} files as they were at {made_at}")


@click.command()
@data_option
def compact(data: Path) -> None:
    """Give the room of what was deleted from the database back to the disk; no server may be at work."""
    settings = noted_settings(data)
    if not settings.database.exists():
        raise click.ClickException(f"no server has run in {data}: there is nothing to compact")
    with _told(data), held(settings):
        before_bytes = settings.database.stat().st_size
        copies.compact(settings.database)
        after_bytes = settings.database.stat().st_size
    print(f"{settings.database}: {before_bytes / MIB:,.1f} MiB before, {after_bytes / MIB:,.1f} MiB now")


@contextmanager
def _told(data: Path) -> Iterator[None]:
    try:
        with used(data):
            yield
    except copying.BackupError as error:
        raise DataError(str(error)) from error
