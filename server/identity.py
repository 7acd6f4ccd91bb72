"""Who asks: decided once, before any route sees the request, and with it what all of its reads and writes are kept to.

A key says it, or the cookie of a browser that signed in by one. An address that is signed says for whom it was made,
and opens as much as that one may still see. Whoever is not known asks as nobody, for whom the database is empty.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from server.keys import Keys, basic
from server.ledger import users
from server.refusal import RefusalError
from server.settings import Settings
from server.store import queries, scope, user_queries
from server.store.database import Database
from server.store.rows import Project, Sweep
from server.store.user_rows import User
from server.wrong_keys import WrongKeys

KEY: Final = "key"
SESSION: Final = "session"
NONE: Final = "none"
COOKIE: Final = "tf_sweeps"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# So much of a key's hash tells an address that was made for the key before it.
HASH_CHARACTERS: Final = 16


@dataclass(frozen=True)
class Asker:
    """Who asks.

    Attributes:
        way: how that is known.
        scope: what they may see and change.
        user: None for whoever has the server's own key, and for nobody.
        session: number of the browser's session.
    """

    way: Literal["key", "session", "none"]
    scope: scope.Scope
    user: User | None = None
    session: int | None = None

    @property
    def is_admin(self) -> bool:
        return self.scope.entities is None


STRANGER: Final = Asker(NONE, scope.NOBODY)


def asker_of(request: Request) -> Asker:
    asker: Asker = request.scope["asker"]
    return asker


@dataclass(frozen=True)
class Identity:
    """Knows people by what they send; `clock` gives UTC seconds."""

    database: Database
    settings: Settings
    keys: Keys
    clock: Callable[[], float]
    wrong_keys: WrongKeys = field(default_factory=WrongKeys)

    @property
    def owner(self) -> scope.Scope:
        """Of whoever has the server's own key: there is nothing that they cannot read in its folder."""
        return replace(scope.EVERYTHING, home=self.settings.entity)

    def by_key(self, key: str, way: Literal["key", "session"] = "key") -> Asker | None:
        """Who has a key; None for no one."""
        if self.keys.accepts(key):
            return Asker(way, self.owner)
        with scope.asked_by(scope.EVERYTHING), self.database.read() as connection:
            user = user_queries.user_of_key(connection, users.hashed(key))
            return self._asker(connection, user, way) if user else None

    def by_number(self, user_id: int | None) -> Asker | None:
        """A user; whoever has the server's own key for None."""
        if user_id is None:
            return Asker(SESSION, self.owner)
        with scope.asked_by(scope.EVERYTHING), self.database.read() as connection:
            user = user_queries.user_numbered(connection, user_id)
            return self._asker(connection, user, SESSION) if user else None

    def by_session(self, token: str) -> Asker | None:
        """Who has signed in with a browser."""
        with scope.asked_by(scope.EVERYTHING), self.database.read() as connection:
            found = user_queries.session_of(connection, self.hashed(token), self.clock())
            if found is None:
                return None
            user = None if found.user_id is None else user_queries.user_numbered(connection, found.user_id)
            asker = self._asker(connection, user, SESSION) if user else Asker(SESSION, self.owner)
            return replace(asker, session=found.id)

    def hashed(self, token: str) -> str:
        """What is kept of a session's cookie; another signing key ends all of them."""
        return self.keys.digest("session", token)

    def enter_by_address(self, request: Request, purpose: str, value: str) -> None:
        """Goes on as the one for whom a signed address was made.

        Raises:
            RefusalError: this server has not signed it, or it has expired.
        """
        grant, signature = (request.query_params.get(name, "") for name in ("by", "signature"))
        if not self.keys.verify(purpose, granted(value, grant), signature, self.clock()):
            raise RefusalError("this file address is not signed by this server or has expired", status=403)
        with scope.asked_by(scope.EVERYTHING), self.database.read() as connection:
            found = self._of_grant(connection, grant)
        scope.ask_as(found)

    def _of_grant(self, connection: sqlite3.Connection, grant: str) -> scope.Scope:
        if not grant:
            return self.owner
        kind, number, rest = grant.split("-")
        if kind == "share":
            return self.guest(connection, queries.sweep_of_share_numbered(connection, int(number)))
        user = user_queries.user_numbered(connection, int(number))
        if user is None or not user.key_hash.startswith(rest):
            return scope.NOBODY
        return self._asker(connection, user, KEY).scope

    def guest(self, connection: sqlite3.Connection, shared: Sweep | None) -> scope.Scope:
        """Of whoever has the link of a sweep: reads what its entity has, of which pages show the sweep's alone."""
        if shared is None:
            return scope.NOBODY
        owner, share = queries.by_id(connection, Project, shared.project_id), queries.share_of(connection, shared.id)
        return scope.Scope(entities=frozenset((owner.entity,)), grant=f"share-{share}-")

    def _asker(self, connection: sqlite3.Connection, user: User, way: Literal["key", "session"]) -> Asker:
        grant = f"user-{user.id}-{user.key_hash[:HASH_CHARACTERS]}"
        return Asker(way, replace(users.scope_of(connection, user), grant=grant), user)


class Identified:
    """ASGI: says of each request who asks, and slows down who guesses keys."""

    def __init__(self, app: ASGIApp, identity: Identity) -> None:
        self._app = app
        self._identity = identity

    async def __call__(self, scope_of_asgi: Scope, receive: Receive, send: Send) -> None:
        if scope_of_asgi["type"] == "http":
            asker = await self._asker(Request(scope_of_asgi))
            scope_of_asgi = {**scope_of_asgi, "asker": asker}
            scope.ask_as(asker.scope)
        await self._app(scope_of_asgi, receive, send)

    async def _asker(self, request: Request) -> Asker:
        key = basic(request.headers.get("Authorization", ""))[1]
        if key:
            found = self._identity.by_key(key)
            if found is None:
                await self._identity.wrong_keys.slow_down(request)
            return found or STRANGER
        token = request.cookies.get(cookie_name(request), "")
        return (self._identity.by_session(token) if token else None) or STRANGER


def cookie_name(request: Request, name: str = COOKIE) -> str:
    """A browser sends a host's cookies to all its ports, so that two servers on one machine need two names."""
    return f"{name}_{request.url.port or DEFAULT_PORTS.get(request.url.scheme, 0)}"


def granted(value: str, grant: str) -> str:
    """What the signature of an address is made of: what it opens, and for whom."""
    return f"{value}\n{grant}" if grant else value
