"""People and their keys, the teams they are in, and what each may see and change. Of a key its hash alone is kept."""

import difflib
import hashlib
import re
import secrets
import sqlite3
from collections.abc import Iterable
from typing import Final

from server.ledger import audit
from server.ledger.names import OWN_ADDRESSES
from server.refusal import RefusalError
from server.store import user_queries, user_writes
from server.store.scope import Scope
from server.store.user_rows import User

READ, RUN, ADMIN = "read", "run", "admin"
ROLES: Final = (READ, RUN, ADMIN)
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")


def hashed(key: str) -> str:
    """What is kept of a key: it has 160 random bits, so that neither salt nor a slow hash is needed."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def add(tx: sqlite3.Connection, name: str, role: str, now_s: float) -> str:
    """Adds a user and gives the key, which nothing tells again.

    Raises:
        RefusalError: the name is taken or none that can be had.
    """
    _require_free(tx, name)
    key = _new_key()
    user_writes.add_user(tx, name, role, hashed(key), now_s)
    audit.note(tx, "added user", f"{name} ({role})", now_s)
    return key


def remove(tx: sqlite3.Connection, name: str, now_s: float) -> None:
    """Removes a user, whose key, sessions and file addresses end; runs stay.

    Raises:
        RefusalError: there is no such user.
    """
    user_writes.remove_user(tx, named(tx, name).id)
    audit.note(tx, "removed user", name, now_s)


def new_key(tx: sqlite3.Connection, name: str, now_s: float) -> str:
    """Gives a user another key; the old one ends, with all sessions and file addresses.

    Raises:
        RefusalError: there is no such user.
    """
    key = _new_key()
    user_writes.set_key(tx, named(tx, name).id, hashed(key))
    audit.note(tx, "gave a new key to", name, now_s)
    return key


def set_role(tx: sqlite3.Connection, name: str, role: str, now_s: float) -> None:
    """Changes what a user may do.

    Raises:
        RefusalError: there is no such user.
    """
    user_writes.set_role(tx, named(tx, name).id, role)
    audit.note(tx, "changed a role", f"{name} ({role})", now_s)


def add_to_team(tx: sqlite3.Connection, team: str, names: Iterable[str], now_s: float) -> None:
    """Lets users see and change what is an entity's; the first ones make it a team.

    Raises:
        RefusalError: it is a user's name or none that can be had, or there is no such user.
    """
    _require_name(team)
    if user_queries.user(tx, team):
        raise RefusalError(f"{team!r} is a user: a team needs a name of its own")
    members = [named(tx, name) for name in names]
    for member in members:
        user_writes.add_member(tx, team, member.id)
    audit.note(tx, "added to team", f"{team}: {', '.join(member.name for member in members)}", now_s)


def remove_from_team(tx: sqlite3.Connection, team: str, names: Iterable[str], now_s: float) -> None:
    """Ends that; a team without users is none.

    Raises:
        RefusalError: there is no such team or user in it.
    """
    teams = user_queries.teams(tx)
    if team not in teams:
        raise RefusalError(_unknown("team", team, teams))
    for name in names:
        if name not in teams[team]:
            raise RefusalError(_unknown(f"user in {team}", name, teams[team]))
        user_writes.remove_member(tx, team, named(tx, name).id)
    audit.note(tx, "removed from team", f"{team}: {', '.join(names)}", now_s)


def named(tx: sqlite3.Connection, name: str) -> User:
    """The user of a name.

    Raises:
        RefusalError: there is none; with the nearest name.
    """
    found = user_queries.user(tx, name)
    if found is None:
        raise RefusalError(_unknown("user", name, [user.name for user in user_queries.users(tx)]))
    return found


def scope_of(connection: sqlite3.Connection, user: User) -> Scope:
    """What a user may see and change."""
    own = frozenset((user.name, *user_queries.teams_of(connection, user.id)))
    entities = None if user.role == ADMIN else own
    return Scope(who=user.name, entities=entities, home=user.name, may_write=user.role != READ)


def _require_free(tx: sqlite3.Connection, name: str) -> None:
    _require_name(name)
    if user_queries.user(tx, name):
        raise RefusalError(f"there is a user {name!r} already: `user key {name}` gives another key")
    if name in user_queries.teams(tx):
        raise RefusalError(f"{name!r} is a team: a user needs a name of its own")


def _require_name(name: str) -> None:
    if not NAME.fullmatch(name):
        allowed = "up to 64 small letters, digits, - and _, first and last no sign"
        raise RefusalError(f"{name[:80]!r} cannot be a name; allowed: {allowed}")
    if name in OWN_ADDRESSES:
        raise RefusalError(f"{name!r} cannot be a name: the server has pages of its own there")


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    told = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(names) or 'none'}"
    return f"there is no {what} {name!r}; {told}"


def _new_key() -> str:
    return secrets.token_hex(20)
