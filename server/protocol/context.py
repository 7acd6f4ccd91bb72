"""What a resolver may use: one transaction, the request's own facts, the server's settings."""

import base64
import binascii
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from graphql import FieldNode, GraphQLResolveInfo

from server.clock import Moment
from server.heartbeats import Heartbeats, Kept
from server.identity import granted
from server.keys import Keys
from server.protocol.kept_lists import KeptLists
from server.refusal import NotFoundError, RefusalError
from server.settings import Settings
from server.store.rows import Run
from server.store.scope import Connection, asking

Row = TypeVar("Row")
FILE_PURPOSES = {"GET": "get-file", "PUT": "put-file"}
# With the names that W&B's own storage has in its addresses, by which programs tell them apart.
CONTENTS, MANIFESTS = "/storage/wandb_artifacts/{}/{}", "/storage/manifests/{}/wandb_manifest.json"
# Content is addressed by (number of the artifact, MD5 in hex), a manifest by its number or, to read it, its artifact's.
ARTIFACT_PATHS = {
    "get-content": CONTENTS,
    "put-content": CONTENTS,
    "get-manifest": MANIFESTS,
    "put-manifest": MANIFESTS,
}


@dataclass
class Slices:
    """What a request keeps that is carried out in slices: between two of them others have their turn.

    Attributes:
        more: there is another slice; all of the request is asked again.
        kept: what a resolver keeps from one to the next, by whatever it names it.
    """

    more: bool = False
    kept: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """One GraphQL request.

    Attributes:
        tx: the transaction that the whole document runs in; read-only for queries.
        base_url: how this client reaches the server, without a slash at the end.
        moment: when the request is carried out.
        new_id: makes the 8-character ids of runs, sweeps and agents.
        writer: the client's own name, if it is one of several programs that write one run together (`mode="shared"`).
        lists: those of runs that are kept; None in a document that changes something, whose changes are not to be kept.
        heartbeats: answers that are kept.
        to_keep: of this request, when it is stored.
        slices: of this request.
        complaints: what the client is told instead of its answer, though all of the request is stored.
    """

    tx: Connection
    settings: Settings
    keys: Keys
    base_url: str
    moment: Moment
    new_id: Callable[[], str]
    writer: str | None
    heartbeats: Heartbeats
    to_keep: list[Kept]
    slices: Slices
    lists: KeptLists | None = None
    complaints: list[RefusalError] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The entity that is meant where a request names none."""
        return asking().home or self.settings.entity

    @property
    def now_s(self) -> float:
        """UTC seconds."""
        return self.moment.now_s

    def file_url(self, method: str, run: Run, name: str) -> str:
        """A signed address at which one file of one run can be read (GET) or written (PUT) without a key."""
        return signed_file_url(self.settings, self.keys, self.base_url, method, run, name, self.now_s)

    def artifact_url(self, purpose: str, *key: object) -> str:
        """A signed address of a content or manifest of artifacts, for one purpose."""
        value = granted(signed_key(*key), asking().grant)
        signature = self.keys.sign(purpose, value, self.now_s + self.settings.file_url_lifetime_s)
        return f"{self.base_url}{ARTIFACT_PATHS[purpose].format(*key)}?signature={signature}{_for_whom()}"


Info = GraphQLResolveInfo[Context]


def ask_again(info: Info) -> None:
    """Lets the request be carried out once more, when others have had their turn.

    Raises:
        RefusalError: the document does something else, too, which would be done again.
    """
    fields = info.operation.selection_set.selections
    if len(fields) > 1 or not isinstance(fields[0], FieldNode):
        raise RefusalError(f"{info.field_name} of so much stands alone in its document: send the rest in another one")
    info.context.slices.more = True


def signed_file_url(
    settings: Settings, keys: Keys, base_url: str, method: str, run: Run, name: str, now_s: float
) -> str:
    """An address that holds its own permission: W&B's client sends no key with uploads."""
    value = granted(signed_name(run.id, run.name, name), asking().grant)
    signature = keys.sign(FILE_PURPOSES[method], value, now_s + settings.file_url_lifetime_s)
    path = f"/storage/{run.id}/{quote(name, safe='')}?run={quote(run.name, safe='')}"
    return f"{base_url}{path}&signature={signature}{_for_whom()}"


def _for_whom() -> str:
    return f"&by={asking().grant}" if asking().grant else ""


def signed_name(run_id: int, run_name: str, name: str) -> str:
    """What the permission of a file's address is given for."""
    return json.dumps([run_id, run_name, name])


def signed_key(*key: object) -> str:
    """What the permission of an artifact's address is given for."""
    return json.dumps(list(map(str, key)))


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


def number_and_owner(type: str, id: str) -> tuple[int, str]:
    """The row number at the end of a node id, and what stands before it: the name that the row must have.

    Raises:
        RefusalError: no node id of this type.
        NotFoundError: a node id with something else at its end.
    """
    *owner, last = parts_of(type, id)
    digits = last.removeprefix("-")  # below 0: a run that a scheduler has queued
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise NotFoundError(f"no such {type.lower()}")
    return int(last), ":".join(owner)


def number_in(type: str, id: str) -> int | None:
    """The row number that a node id stands for, of a type that has no names; None where it is no such id."""
    try:
        parts = parts_of(type, id)
    except RefusalError:
        return None
    number = parts[0]
    return int(number) if len(parts) == 1 and number.isascii() and number.isdigit() and len(number) < 19 else None


def known(found: Row | None, what: str, id: str) -> Row:
    """What was found by a node id.

    Raises:
        NotFoundError: nothing was.
    """
    if found is None:
        raise NotFoundError(f"there is no {what} with the id {id[:80]!r}: it may be deleted")
    return found
