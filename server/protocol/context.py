"""What a resolver may use: one transaction, the request's own facts, the server's settings."""

import base64
import binascii
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from graphql import GraphQLResolveInfo

from server.keys import Keys
from server.refusal import NotFoundError, RefusalError
from server.settings import Settings

FILE_PURPOSES = {"GET": "get-file", "PUT": "put-file"}


@dataclass(frozen=True)
class Context:
    """One GraphQL request.

    Attributes:
        tx: the transaction that the whole document runs in; read-only for queries.
        base_url: how this client reaches the server, without a slash at the end.
        now_s: UTC seconds.
        new_id: makes the 8-character ids of runs, sweeps and agents.
    """

    tx: sqlite3.Connection
    settings: Settings
    keys: Keys
    base_url: str
    now_s: float
    new_id: Callable[[], str]

    def file_url(self, method: str, run_id: int, name: str) -> str:
        """A signed address at which one file of one run can be read (GET) or written (PUT) without a key."""
        return signed_file_url(self.settings, self.keys, self.base_url, method, run_id, name, self.now_s)


Info = GraphQLResolveInfo[Context]


def signed_file_url(
    settings: Settings, keys: Keys, base_url: str, method: str, run_id: int, name: str, now_s: float
) -> str:
    """An address that holds its own permission: W&B's client sends no key with uploads."""
    path = f"{run_id}/{name}"
    signature = keys.sign(FILE_PURPOSES[method], path, now_s + settings.file_url_lifetime_s)
    return f"{base_url}/storage/{run_id}/{quote(name, safe='')}?signature={signature}"


def node_id(type: str, *parts: object) -> str:
    """W&B's node ids: base64 of `Type:v1:part:part`; opaque to the client."""
    return base64.b64encode(":".join((type, "v1", *map(str, parts))).encode()).decode()


def parts_of(type: str, id: str) -> list[str]:
    """The parts of a node id.

    Raises:
        RefusalError: no node id of this type.
    """
    try:
        found, version, *parts = base64.b64decode(id, validate=True).decode().split(":")
    except (binascii.Error, ValueError):
        found, version, parts = "", "", []
    if found != type or version != "v1" or not parts:
        raise RefusalError(f"{id!r} is no id of a {type.lower()}")
    return parts


def row_id_of(type: str, id: str) -> int:
    """The row number in a node id whose last part is one.

    Raises:
        RefusalError: no node id of this type.
        NotFoundError: a node id with something else at its end.
    """
    last = parts_of(type, id)[-1]
    if not (last.isascii() and last.isdigit() and len(last) < 19):
        raise NotFoundError(f"no such {type.lower()}")
    return int(last)


def iso(at_s: float | None) -> str | None:
    """UTC seconds as W&B writes moments."""
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
