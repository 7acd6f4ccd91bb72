"""Versions: begun, described, given aliases and tags, taken by runs."""

import json
import sqlite3
from dataclasses import dataclass, field

from server.ledger.artifacts import collections
from server.ledger.artifacts.names import check_alias, check_tag, fit, is_number
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import PENDING, SEQUENCE, Artifact, Collection
from server.store.queries import by_id
from server.store.rows import Project, Run

MADE, TAKEN = "out", "in"


@dataclass(frozen=True)
class Draft:
    """What a client says of a version that it begins.

    Attributes:
        digest: hex, of all paths and the digests of their files; of an increment, of the increment alone.
        aliases: all that it shall have, `latest` among them if it shall.
        metadata: JSON.
        client_name: the client's own name of the version; the same again means the same version.
        sequence_client_name: its own name of the sequence.
        distributed_id: shared by programs that write one version together.
        deduplicate: a version of the sequence that has the same content is the answer.
    """

    name: str
    type: str
    digest: str
    aliases: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    description: str | None = None
    metadata: str | None = None
    ttl_s: int | None = None
    history_step: int | None = None
    client_name: str | None = None
    sequence_client_name: str | None = None
    distributed_id: str | None = None
    deduplicate: bool = True


def begin(tx: sqlite3.Connection, project: Project, run: Run | None, draft: Draft, now_s: float) -> Artifact:
    """Begins a version, or finds the one that is meant or has the same content.

    Args:
        run: that makes it, or None.

    Raises:
        RefusalError: a name, tag or type cannot be one, or the collection is of another kind or type.
    """
    if draft.client_name and (known := queries.by_client_name(tx, draft.client_name)):
        return known
    sequence = collections.found_or_made(tx, project, draft.name, SEQUENCE, draft.type, now_s)
    if draft.sequence_client_name:
        artifact_writes.name_by_client(tx, draft.sequence_client_name, None, sequence.id)
    artifact = _joined(tx, sequence, draft, now_s) or _make(tx, sequence, run, draft, now_s)
    if draft.client_name:
        artifact_writes.name_by_client(tx, draft.client_name, artifact.id, None)
    for tag in draft.tags:
        artifact_writes.tag_artifact(tx, artifact.id, check_tag(tag))
    if run is not None:
        artifact_writes.use(tx, run.id, artifact.id, MADE)
    return artifact


def take(tx: sqlite3.Connection, run: Run, artifact: Artifact) -> None:
    """Notes that a run uses a version."""
    artifact_writes.use(tx, run.id, artifact.id, TAKEN)


def describe(
    tx: sqlite3.Connection,
    artifact: Artifact,
    description: str | None,
    metadata: str | None,
    ttl_s: int | None,
    now_s: float,
) -> Artifact:
    """Sets what is given; None leaves as it is."""
    given = {"description": description, "metadata": metadata, "ttl_s": ttl_s}
    changes = {column: value for column, value in given.items() if value is not None}
    writes.update(tx, "artifact", artifact.id, updated_at_s=now_s, **changes)
    return by_id(tx, Artifact, artifact.id)


def tag(tx: sqlite3.Connection, artifact: Artifact, added: list[str], removed: list[str]) -> None:
    for each in added:
        artifact_writes.tag_artifact(tx, artifact.id, check_tag(each))
    for each in removed:
        artifact_writes.untag_artifact(tx, artifact.id, each)


def add_alias(tx: sqlite3.Connection, collection: Collection, artifact: Artifact, alias: str) -> None:
    """Gives a version an alias in a collection that has it; whichever had the alias there loses it.

    Raises:
        RefusalError: the alias cannot be one, or the collection does not have the version.
    """
    if queries.member(tx, collection.id, artifact.id) is None:
        raise RefusalError(f"this version is not in {collection.name!r}")
    artifact_writes.set_alias(tx, collection.id, check_alias(alias), artifact.id)


def set_aliases(tx: sqlite3.Connection, artifact: Artifact, aliases: list[str]) -> None:
    """Makes these the aliases that a version has in its sequence."""
    sequence = by_id(tx, Collection, artifact.collection_id)
    for known in queries.aliases(tx, artifact.id, sequence.id):
        artifact_writes.drop_alias(tx, sequence.id, known.alias, artifact.id)
    for alias in aliases:
        add_alias(tx, sequence, artifact, alias)


def drop_alias(tx: sqlite3.Connection, collection: Collection, artifact: Artifact, alias: str) -> None:
    artifact_writes.drop_alias(tx, collection.id, alias, artifact.id)


def _joined(tx: sqlite3.Connection, sequence: Collection, draft: Draft, now_s: float) -> Artifact | None:
    """The version that others have begun under the same id, or the one that has the same content."""
    if draft.distributed_id:
        together = queries.distributed(tx, sequence.id, draft.distributed_id)
        if together:
            aliases = dict.fromkeys([*json.loads(together.pending_aliases), *_checked(draft.aliases)])
            writes.update(tx, "artifact", together.id, pending_aliases=json.dumps(list(aliases)), updated_at_s=now_s)
        return together
    twin = queries.committed_twin(tx, sequence.id, draft.digest) if draft.deduplicate else None
    if twin:
        for alias in fit(_checked(draft.aliases)):
            artifact_writes.set_alias(tx, sequence.id, alias, twin.id)
    return twin


def _checked(aliases: list[str]) -> list[str]:
    """Aliases, of which those that are written as numbers are only told of: a refusal would lose what was made."""
    return [alias if is_number(alias) else check_alias(alias) for alias in aliases]


def _make(tx: sqlite3.Connection, sequence: Collection, run: Run | None, draft: Draft, now_s: float) -> Artifact:
    id = writes.insert(
        tx,
        "artifact",
        collection_id=sequence.id,
        state=PENDING,
        digest=draft.digest,
        description=draft.description,
        metadata=draft.metadata,
        ttl_s=draft.ttl_s,
        run_id=run.id if run else None,
        distributed_id=draft.distributed_id,
        history_step=draft.history_step,
        pending_aliases=json.dumps(_checked(draft.aliases)),
        deduplicate=draft.deduplicate,
        created_at_s=now_s,
        updated_at_s=now_s,
    )
    return by_id(tx, Artifact, id)
