"""Projects, sweeps and runs that are not wanted any more."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import click

from search.wording import nearest
from server.clock import Clock
from server.data_directory import DataError, noted_settings, opened, used
from server.ledger import audit, bin, deletion
from server.refusal import NotFoundError, RefusalError
from server.store import queries
from server.store.database import Database
from server.store.rows import Project, Sweep
from server.upkeep import Upkeep


@click.command()
@click.argument("path", metavar="ENTITY/PROJECT[/SWEEP]")
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
@click.option("--artifacts", is_flag=True, help="With a sweep: the artifacts that its runs made, too.")
def delete(path: str, data: Path, artifacts: bool) -> None:
    """Delete a project, or one sweep, with its runs and files; for good. A server may be at work."""
    settings = noted_settings(data)
    if not settings.database.exists():
        raise click.ClickException(f"no server has run in {data}: there is nothing to delete")
    with used(data), closing(opened(settings)) as database:
        try:
            with database.write() as tx:
                held = _deleted(tx, path, artifacts)
                audit.note(tx, "deleted", path, time.time())
        except RefusalError as error:
            raise DataError(error.message) from None
        Upkeep(database, settings, Clock()).remove_bytes()
    print(f"{path} is gone, with {held}; `python -m server compact` gives its room in the database back")


@click.command()
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
def empty(data: Path) -> None:
    """Delete for good, now, what people have deleted and could bring back. A server may be at work."""
    settings = noted_settings(data)
    if not settings.database.exists():
        raise click.ClickException(f"no server has run in {data}: there is nothing to delete")
    with used(data), closing(opened(settings)) as database:
        while gone := _emptied(database):
            print(f"{gone} is gone")
        Upkeep(database, settings, Clock()).remove_bytes()


def _emptied(database: Database) -> str | None:
    """Deletes the first of it; what that was."""
    with database.write() as tx:
        line = bin.first(tx)
        if line is None:
            return None
        bin.empty(tx, line, time.time())
    return f"{line.kind} {bin.place_of(line)}"


def _deleted(tx: sqlite3.Connection, path: str, artifacts: bool) -> str:
    match path.split("/"):
        case [entity, name]:
            return deletion.delete_project(tx, _project(tx, entity, name), time.time())
        case [entity, name, sweep]:
            return deletion.delete_sweep(tx, _sweep(tx, _project(tx, entity, name), sweep), time.time(), artifacts)
    raise RefusalError(f"{path!r} names nothing; allowed: ENTITY/PROJECT, or ENTITY/PROJECT/SWEEP")


def _project(tx: sqlite3.Connection, entity: str, name: str) -> Project:
    found = queries.project(tx, entity, name)
    if found is None:
        there = [f"{each.entity}/{each.name}" for each in queries.projects(tx)]
        raise NotFoundError(f"there is no project {entity}/{name}{_nearest(f'{entity}/{name}', there)}")
    return found


def _sweep(tx: sqlite3.Connection, project: Project, name: str) -> Sweep:
    there = {each.name: each for each in queries.sweeps(tx, project.id)}
    if name not in there:
        raise NotFoundError(f"{project.entity}/{project.name} has no sweep {name}{_nearest(name, list(there))}")
    return there[name]


def _nearest(name: str, there: list[str]) -> str:
    match = nearest(name, there)
    return f"; the nearest is {match}" if match else ""
