"""Who is signed in, and by which browsers; for whoever sees everything, all users and the audit log."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.identity import Asker
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import SIGN_OUT, session_url
from server.pages.words.times import Moment, Now
from server.store import user_queries

ACTS_SHOWN: Final = 200
MAY: Final = {
    "read": "sees what is theirs and changes nothing",
    "run": "sees and changes what is theirs",
    "admin": "sees and changes everything",
}


@dataclass(frozen=True)
class SessionRow:
    """A browser that is signed in; `here` is the one that asks."""

    number: int
    browser: str
    started: Moment
    here: bool


@dataclass(frozen=True)
class UserRow:
    """A user; `may` says in words what the role lets them do."""

    name: str
    role: str
    may: str
    teams: list[str]


@dataclass(frozen=True)
class ActRow:
    """A line of the audit log."""

    at: Moment
    who: str
    act: str
    subject: str


def account(connection: sqlite3.Connection, asker: Asker, now: Now, sealed: Callable[[str], str]) -> Page:
    """The page at `/settings`.

    Args:
        sealed: gives the address that a button at a path posts to; these change nothing of anybody's, so that a key
            that only reads has them too.
    """
    user, sessions = asker.user, _sessions(connection, asker, now)
    values = {
        "own": _row(connection, user.name, user.role, user.id) if user else None,
        "sessions": sessions,
        "ends": {each.number: sealed(session_url(each.number)) for each in sessions},
        "sign_out": sealed(SIGN_OUT) if asker.session else None,
        "users": _users(connection) if asker.is_admin else None,
        "acts": _acts(connection, now) if asker.is_admin else [],
    }
    return Page("account.html", "Settings", values, (Crumb("Sweeps", "/"), Crumb("Settings")))


def _sessions(connection: sqlite3.Connection, asker: Asker, now: Now) -> list[SessionRow]:
    found = user_queries.sessions_of(connection, asker.user.id if asker.user else None, now.now_s)
    return [
        SessionRow(each.id, each.browser or "a program", now.moment(each.started_at_s), each.id == asker.session)
        for each in found
    ]


def _users(connection: sqlite3.Connection) -> list[UserRow]:
    return [_row(connection, each.name, each.role, each.id) for each in user_queries.users(connection)]


def _row(connection: sqlite3.Connection, name: str, role: str, id: int) -> UserRow:
    return UserRow(name, role, MAY[role], user_queries.teams_of(connection, id))


def _acts(connection: sqlite3.Connection, now: Now) -> list[ActRow]:
    found = user_queries.last_acts(connection, ACTS_SHOWN)
    return [ActRow(now.moment(each.at_s), each.who, each.act, each.subject) for each in found]
