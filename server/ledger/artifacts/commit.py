"""The commit: manifests become a version's entries, and the version gets its number and its aliases, at once or not."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from server.ledger.artifacts import content, deletion
from server.ledger.artifacts.names import fit
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import COMMITTED, PENDING, Artifact, Collection, Manifest, ManifestEntry, Member
from server.store.queries import by_id, one_row

FULL, INCREMENTAL, PATCH = "FULL", "INCREMENTAL", "PATCH"
# Entries of a manifest that are kept at once: some 30 ms.
SLICE: Final = 2_000
DIGEST_HEADER = b"wandb-artifact-manifest-v1\n"


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
    number = writes.insert(tx, "manifest", artifact_id=artifact.id, kind=kind, base_artifact_id=base, digest=digest)
    return by_id(tx, Manifest, number)


def expect_manifest(tx: sqlite3.Connection, manifest: Manifest, digest: str, base: int | None) -> Manifest:
    """Notes which bytes the manifest will have, and its base if that is told."""
    base = manifest.base_artifact_id if base is None else base
    writes.update(tx, "manifest", manifest.id, digest=digest, base_artifact_id=base)
    if digest != manifest.digest:
        artifact_writes.drop_described(tx, manifest.id)
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


def commit(tx: sqlite3.Connection, artifact: Artifact, now_s: float) -> Artifact:
    """Makes a version out of its manifests, or finds that it is one already; a second time changes nothing.

    Raises:
        RefusalError: no manifest, or bytes of some file, were uploaded; the transaction is to be undone.
    """
    if artifact.state == COMMITTED:
        return artifact
    _lay(tx, artifact)
    digest = digest_of(queries.paths_and_digests(tx, artifact.id))
    twin = queries.committed_twin(tx, artifact.collection_id, digest) if artifact.deduplicate else None
    if twin:
        return _become(tx, artifact, twin)
    artifact_writes.drop_manifests(tx, artifact.id)
    not_taken = queries.wanted_in_vain(tx, artifact.id)
    artifact_writes.drop_wanted(tx, artifact.id)
    content.release(tx, not_taken)
    count, size_bytes = queries.measure(tx, artifact.id)
    told = {"digest": digest, "size_bytes": size_bytes, "file_count": count, "updated_at_s": now_s}
    writes.move(tx, "artifact", artifact.id, COMMITTED, **told)
    add_member(tx, by_id(tx, Collection, artifact.collection_id), artifact, now_s)
    _give_aliases(tx, artifact, artifact.id)
    return by_id(tx, Artifact, artifact.id)


def digest_of(paths_and_digests: Iterable[tuple[str, str]]) -> str:
    """Hex of W&B's digest of a version: of its paths, in order, and what each holds."""
    md5 = hashlib.md5(DIGEST_HEADER, usedforsecurity=False)
    for path, digest in paths_and_digests:
        md5.update(f"{path}:{digest}\n".encode())
    return md5.hexdigest()


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


def _lay(tx: sqlite3.Connection, artifact: Artifact) -> None:
    """A full manifest stands for itself, an increment on its base; patches are joined."""
    uploaded = queries.manifests(tx, artifact.id)
    if not uploaded:
        raise RefusalError("no manifest of this version was uploaded: log the artifact again")
    last = uploaded[-1]
    if last.kind == INCREMENTAL:
        _lay_base(tx, last)
    for manifest in [each for each in uploaded if each.kind == PATCH] if last.kind == PATCH else [last]:
        artifact_writes.lay_described(tx, artifact.id, manifest.id)
    if missing := queries.paths_without_bytes(tx, artifact.id):
        count, _ = queries.measure(tx, artifact.id)
        raise RefusalError(
            f"{len(missing)} of the artifact's {count} files were not uploaded, the first is {missing[0]!r}: "
            "log the artifact again"
        )


def _lay_base(tx: sqlite3.Connection, increment: Manifest) -> None:
    if increment.base_artifact_id is None:
        return
    base = queries.numbered(tx, increment.base_artifact_id)
    if base is None:
        raise RefusalError("the version that this increment stands on is deleted: log the artifact again")
    artifact_writes.lay_entries(tx, increment.artifact_id, base.id)
