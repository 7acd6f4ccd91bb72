"""The commit: manifests become a version's entries, and the version gets its number and its aliases, at once or not."""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from server.ledger.artifacts import deletion, laying
from server.ledger.artifacts.laying import SLICE
from server.ledger.artifacts.names import fit
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import COMMITTED, PENDING, Artifact, Collection, Manifest, ManifestEntry, Member
from server.store.queries import by_id, one_row

DIGEST_HEADER = b"wandb-artifact-manifest-v1\n"
MOST_BYTES: Final = 2**63 - 1
BEING_COMMITTED: Final = "this version is being committed: log the artifact again to change it"


@dataclass
class Content:
    """What a version holds, read a slice after another: W&B's digest is of all paths, in order, and what each holds.

    Attributes:
        size_bytes: what programs say of references may add up to more than any integer; it is then the largest.
    """

    path: str = ""
    count: int = 0
    size_bytes: int = 0
    md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(DIGEST_HEADER, usedforsecurity=False))

    def read_some(self, tx: sqlite3.Connection, artifact: Artifact) -> bool:
        """Whether there is more."""
        found = queries.content_after(tx, artifact.id, self.path, SLICE)
        for path, digest, size_bytes in found:
            self.md5.update(f"{path}:{digest}\n".encode())
            self.path, self.size_bytes = path, min(self.size_bytes + size_bytes, MOST_BYTES)
        self.count += len(found)
        return len(found) == SLICE


def announce_manifest(tx: sqlite3.Connection, artifact: Artifact, kind: str, base: int | None, digest: str) -> Manifest:
    """Notes that a manifest will be uploaded.

    Args:
        base: number of the version on which an increment stands.
        digest: base64 of its MD5; empty when it is not known yet.

    Raises:
        RefusalError: the version is committed, and so nothing can be added to it.
    """
    if artifact.state != PENDING:
        raise RefusalError("this version is committed: log the artifact again to change it")
    if laying.is_begun(tx, artifact.id):
        raise RefusalError(BEING_COMMITTED)
    number = writes.insert(tx, "manifest", artifact_id=artifact.id, kind=kind, base_artifact_id=base, digest=digest)
    return by_id(tx, Manifest, number)


def expect_manifest(tx: sqlite3.Connection, manifest: Manifest, digest: str, base: int | None) -> Manifest | None:
    """Notes which bytes the manifest will have, and its base if that is told.

    Returns:
        None if there is still something of other bytes that came before: it is to be asked again.

    Raises:
        RefusalError: the version is being committed.
    """
    if laying.is_begun(tx, manifest.artifact_id):
        raise RefusalError(BEING_COMMITTED)
    base = manifest.base_artifact_id if base is None else base
    uploaded = manifest.uploaded if digest == manifest.digest else 0
    writes.update(tx, "manifest", manifest.id, digest=digest, base_artifact_id=base, uploaded=uploaded)
    if not uploaded and artifact_writes.drop_described(tx, manifest.id, SLICE):
        return None
    return by_id(tx, Manifest, manifest.id)


def awaited(tx: sqlite3.Connection, manifest_id: int, digest: str) -> Manifest:
    """The manifest whose bytes are to come.

    Raises:
        RefusalError: it is not waited for, or other bytes were promised.
    """
    manifest = one_row(tx, Manifest, "WHERE id = ?", manifest_id)
    if manifest is None:
        raise RefusalError("no version of an artifact waits for this manifest any more", status=404)
    if manifest.digest != digest:
        raise RefusalError(f"these bytes have the MD5 {digest}, promised was {manifest.digest}")
    return manifest


def take_manifest(
    tx: sqlite3.Connection, manifest_id: int, digest: str, entries: Sequence[ManifestEntry], first: int
) -> int | None:
    """Keeps a slice of what a manifest tells; it is uploaded with the last one. The same again changes nothing.

    Args:
        first: place of the first entry that was not kept yet.

    Returns:
        That of the next; None if that was the last.

    Raises:
        RefusalError: as `awaited`.
    """
    manifest = awaited(tx, manifest_id, digest)
    artifact_writes.put_described(tx, manifest.id, entries[first : first + SLICE])
    if first + SLICE < len(entries):
        return first + SLICE
    writes.update(tx, "manifest", manifest.id, uploaded=1)
    return None


def commit_some(tx: sqlite3.Connection, artifact: Artifact, read: Content, now_s: float) -> Artifact | None:
    """Goes on to make a version out of its manifests, or finds that it is one already; a second time changes nothing.

    Args:
        read: the same each time that a request asks.

    Returns:
        None if it is to be asked again.

    Raises:
        RefusalError: no manifest, or bytes of some file, were uploaded; the transaction is to be undone.
    """
    if artifact.state == COMMITTED:
        return artifact
    if laying.lay_some(tx, artifact) or laying.tidy_some(tx, artifact) or read.read_some(tx, artifact):
        return None
    return _committed(tx, artifact, read, now_s)


def _committed(tx: sqlite3.Connection, artifact: Artifact, read: Content, now_s: float) -> Artifact:
    digest = read.md5.hexdigest()
    twin = queries.committed_twin(tx, artifact.collection_id, digest) if artifact.deduplicate else None
    if twin:
        return _become(tx, artifact, twin)
    artifact_writes.drop_manifests(tx, artifact.id)
    told = {"digest": digest, "size_bytes": read.size_bytes, "file_count": read.count, "updated_at_s": now_s}
    writes.move(tx, "artifact", artifact.id, COMMITTED, **told)
    add_member(tx, by_id(tx, Collection, artifact.collection_id), artifact, now_s)
    _give_aliases(tx, artifact, artifact.id)
    return by_id(tx, Artifact, artifact.id)


def add_member(tx: sqlite3.Connection, collection: Collection, artifact: Artifact, now_s: float) -> Member:
    """Puts a version into a collection under the next number there, which no other ever had."""
    version = by_id(tx, Collection, collection.id).next_version
    number = writes.insert(
        tx, "member", collection_id=collection.id, artifact_id=artifact.id, version=version, created_at_s=now_s
    )
    writes.update(tx, "collection", collection.id, next_version=version + 1, updated_at_s=now_s)
    return by_id(tx, Member, number)


def _become(tx: sqlite3.Connection, artifact: Artifact, twin: Artifact) -> Artifact:
    """Lets the version that was committed first stand for this one, too: another program has logged the same."""
    artifact_writes.hand_over(tx, artifact.id, twin.id)
    _give_aliases(tx, artifact, twin.id)
    deletion.forget(tx, [artifact])
    return by_id(tx, Artifact, twin.id)


def _give_aliases(tx: sqlite3.Connection, artifact: Artifact, number: int) -> None:
    for alias in fit(json.loads(artifact.pending_aliases)):
        artifact_writes.set_alias(tx, artifact.collection_id, alias, number)
