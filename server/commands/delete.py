"""Projects, sweeps and runs that are not wanted any more."""

import shlex
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import click

from search.wording import nearest
from server.clock import Clock
from server.data_directory import DataError, noted_settings, opened, used
from server.ledger import bin
from server.refusal import NotFoundError, RefusalError
from server.store import queries
from server.store.database import Database
from server.store.rows import Deleted, Project, Sweep
from server.upkeep import Upkeep
from terms import typed

# SQLite lets a server that waits look again ten times a second.
REST_S: Final = 0.2


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
                line = _condemned(tx, path, artifacts)
        except RefusalError as error:
            raise DataError(error.message) from None
        held = _emptied(database, line)
        Upkeep(database, settings, Clock()).remove_bytes()
    compact = f"{typed.python(sys.executable, Path.cwd())} -m server compact --data {shlex.quote(str(data))}"
    print(f"{path} is gone, with {held}; `{compact}` gives its room in the database back, while no server is at work")


@click.command()
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
def empty(data: Path) -> None:
    """Delete for good, now, what people have deleted and could bring back. A server may be at work."""
    settings = noted_settings(data)
    if not settings.database.exists():
        raise click.ClickException(f"no server has run in {data}: there is nothing to delete")
    with used(data), closing(opened(settings)) as database:
        while line := _first(database):
            _emptied(database, line)
            print(f"{line.kind} {bin.place_of(line)} is gone")
        Upkeep(database, settings, Clock()).remove_bytes()


def _first(database: Database) -> Deleted | None:
    with database.write() as tx:
        line = bin.first(tx)
        if line is not None:
            bin.condemn(tx, line)
        return line


def _emptied(database: Database, line: Deleted) -> str:
    """Deletes it for good, with a rest between slices, in which a server stores what waits; what went, in words."""
    while True:
        with database.write() as tx:
            held = bin.empty_some(tx, line, time.time())
        if held is not None:
            return held
        time.sleep(REST_S)


def _condemned(tx: sqlite3.Connection, path: str, artifacts: bool) -> Deleted:
    match path.split("/"):
        case [entity, name]:
            line = bin.delete_project(tx, _project(tx, entity, name), time.time())
        case [entity, name, sweep]:
            found = _sweep(tx, _project(tx, entity, name), sweep)
            line = bin.delete_sweep(tx, found, time.time(), with_artifacts=artifacts)
        case _:
            raise RefusalError(f"{path!r} names nothing; allowed: ENTITY/PROJECT, or ENTITY/PROJECT/SWEEP")
    bin.condemn(tx, line)
    return line


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
