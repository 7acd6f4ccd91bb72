"""People, their keys and their teams; a server at work knows of each change at its next request."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from server.data_directory import DataError, noted_settings, opened, used
from server.ledger import users as ledger
from server.refusal import RefusalError
from server.store import user_queries

data_option = click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
role_option = click.option(
    "--role", default=ledger.RUN, show_default=True, type=click.Choice(ledger.ROLES), help="What the key may do."
)


@click.group()
def user() -> None:
    """Add, list and remove users, each with a key of their own and an entity of the same name."""


@user.command()
@click.argument("name")
@role_option
@data_option
def add(name: str, role: str, data: Path) -> None:
    """Add a user and print the key, which nothing tells again: the last line is the key alone.

    `read` sees what is its own and its teams', `run` changes it too, `admin` sees and changes what is anybody's.
    """
    with _changing(data) as tx:
        key = ledger.add(tx, name, role, time.time())
    print(f"{name} may {role}; the key of {name}, kept nowhere:\n{key}")


@user.command("list")
@data_option
def listed(data: Path) -> None:
    """List users: name, role, teams."""
    with _changing(data) as tx:
        rows = [(each.name, each.role, user_queries.teams_of(tx, each.id)) for each in user_queries.users(tx)]
    for name, role, teams in rows:
        print(f"{name}  {role}  {', '.join(teams) or '-'}")
    if not rows:
        print("no users: whoever has the server's own key may do everything")


@user.command()
@click.argument("name")
@data_option
def remove(name: str, data: Path) -> None:
    """Remove a user; the key, sessions and file addresses end at once, runs stay."""
    with _changing(data) as tx:
        ledger.remove(tx, name, time.time())
    print(f"{name} is removed; what is in the entity {name} stays")


@user.command()
@click.argument("name")
@data_option
def key(name: str, data: Path) -> None:
    """Give a user a new key and print it: the last line is the key alone. The old one ends at once."""
    with _changing(data) as tx:
        new = ledger.new_key(tx, name, time.time())
    print(f"the new key of {name}, kept nowhere; the old one has ended:\n{new}")


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ledger.ROLES))
@data_option
def set_role(name: str, role: str, data: Path) -> None:
    """Change what a user's key may do."""
    with _changing(data) as tx:
        ledger.set_role(tx, name, role, time.time())
    print(f"{name} may {role}")


@click.group()
def team() -> None:
    """Add, list and remove members of teams: entities whose runs several users see and change."""


@team.command("add")
@click.argument("name")
@click.argument("users", nargs=-1, required=True)
@data_option
def add_members(name: str, users: tuple[str, ...], data: Path) -> None:
    """Add users to a team; the first ones make it."""
    with _changing(data) as tx:
        ledger.add_to_team(tx, name, users, time.time())
    print(f"{name}: {', '.join(users)} added")


@team.command("remove")
@click.argument("name")
@click.argument("users", nargs=-1, required=True)
@data_option
def remove_members(name: str, users: tuple[str, ...], data: Path) -> None:
    """Remove users from a team; one without users is none, and its runs stay."""
    with _changing(data) as tx:
        ledger.remove_from_team(tx, name, users, time.time())
    print(f"{name}: {', '.join(users)} removed")


@team.command("list")
@data_option
def listed_teams(data: Path) -> None:
    """List teams and their members."""
    with _changing(data) as tx:
        teams = user_queries.teams(tx)
    for name, members in teams.items():
        print(f"{name}  {', '.join(members)}")
    if not teams:
        print("no teams")


@click.command()
@click.option("--last", default=100, show_default=True, type=click.IntRange(min=1), help="How many lines.")
@data_option
def audit(last: int, data: Path) -> None:
    """Print who cancelled, deleted, shared, signed in: time in UTC, who, what."""
    with _changing(data) as tx:
        acts = user_queries.last_acts(tx, last)
    for act in reversed(acts):
        print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(act.at_s))}  {act.who}  {act.act}  {act.subject}")


@contextmanager
def _changing(data: Path) -> Iterator[sqlite3.Connection]:
    """The database, also of a server at work."""
    settings = noted_settings(data)
    with used(data):
        for folder in (data, settings.database.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = opened(settings)
        try:
            with database.write() as tx:
                yield tx
        except RefusalError as error:
            raise DataError(error.message) from error
        finally:
            database.close()
