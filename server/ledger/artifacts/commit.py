"""The commit: manifests become a version's entries, and the version gets its number and its aliases, at once or not."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from server.ledger.artifacts import content
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import COMMITTED, PENDING, Artifact, Collection, Manifest, ManifestEntry, Member
from server.store.queries import by_id, one_row

FULL, INCREMENTAL, PATCH = "FULL", "INCREMENTAL", "PATCH"
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
    return by_id(tx, Manifest, manifest.id)


def take_manifest(tx: sqlite3.Connection, manifest_id: int, digest: str, body: bytes) -> None:
    """Stores the bytes of a manifest.

    Raises:
        RefusalError: the manifest is not waited for, or other bytes were promised.
    """
    manifest = one_row(tx, Manifest, "WHERE id = ?", manifest_id)
    if manifest is None:
        raise RefusalError("no version of an artifact waits for this manifest any more", status=404)
    if manifest.digest != digest:
        raise RefusalError(f"these bytes have the MD5 {digest}, promised was {manifest.digest}")
    writes.update(tx, "manifest", manifest.id, body=body)


def commit(
    tx: sqlite3.Connection,
    artifact: Artifact,
    uploaded: Sequence[tuple[Manifest, list[ManifestEntry]]],
    now_s: float,
) -> Artifact:
    """Makes a version out of its manifests; a second time changes nothing.

    Raises:
        RefusalError: no manifest, or bytes of some file, were uploaded; the version stays as it is.
    """
    if artifact.state == COMMITTED:
        return artifact
    entries = _with_sizes(tx, _merged(tx, uploaded))
    asked_for = queries.contents_of(tx, artifact.id)
    artifact_writes.put_entries(tx, artifact.id, entries)
    artifact_writes.drop_manifests(tx, artifact.id)
    artifact_writes.drop_wanted(tx, artifact.id)
    content.release(tx, asked_for)
    writes.move(
        tx,
        "artifact",
        artifact.id,
        COMMITTED,
        digest=digest_of(entries),
        size_bytes=sum(entry.size_bytes for entry in entries),
        file_count=len(entries),
        updated_at_s=now_s,
    )
    _give_number(tx, artifact, now_s)
    return by_id(tx, Artifact, artifact.id)


def digest_of(entries: Iterable[ManifestEntry]) -> str:
    """Hex of W&B's digest of a version: of its paths, in order, and what each holds."""
    md5 = hashlib.md5(DIGEST_HEADER, usedforsecurity=False)
    for entry in sorted(entries, key=lambda entry: entry.path):
        md5.update(f"{entry.path}:{entry.digest}\n".encode())
    return md5.hexdigest()


def add_member(tx: sqlite3.Connection, collection: Collection, artifact: Artifact, now_s: float) -> Member:
    """Puts a version into a collection under the next number there, which no other ever had."""
    version = by_id(tx, Collection, collection.id).next_version
    number = writes.insert(
        tx, "member", collection_id=collection.id, artifact_id=artifact.id, version=version, created_at_s=now_s
    )
    writes.update(tx, "collection", collection.id, next_version=version + 1, updated_at_s=now_s)
    return by_id(tx, Member, number)


def _give_number(tx: sqlite3.Connection, artifact: Artifact, now_s: float) -> None:
    add_member(tx, by_id(tx, Collection, artifact.collection_id), artifact, now_s)
    for alias in json.loads(artifact.pending_aliases):
        artifact_writes.set_alias(tx, artifact.collection_id, alias, artifact.id)


def _merged(tx: sqlite3.Connection, uploaded: Sequence[tuple[Manifest, list[ManifestEntry]]]) -> list[ManifestEntry]:
    """A full manifest stands for itself, an increment on its base; patches are joined."""
    if not uploaded:
        raise RefusalError("no manifest of this version was uploaded: log the artifact again")
    last, entries = uploaded[-1]
    if last.kind == INCREMENTAL:
        parts = [_base_of(tx, last), entries]
    elif last.kind == PATCH:
        parts = [part for manifest, part in uploaded if manifest.kind == PATCH]
    else:
        parts = [entries]
    by_path = {entry.path: entry for part in parts for entry in part}
    return [by_path[path] for path in sorted(by_path)]


def _base_of(tx: sqlite3.Connection, increment: Manifest) -> list[ManifestEntry]:
    if increment.base_artifact_id is None:
        return []
    if one_row(tx, Artifact, "WHERE id = ?", increment.base_artifact_id) is None:
        raise RefusalError("the version that this increment stands on is deleted: log the artifact again")
    return queries.entries(tx, increment.base_artifact_id)


def _with_sizes(tx: sqlite3.Connection, entries: list[ManifestEntry]) -> list[ManifestEntry]:
    """Entries with the sizes of what is really stored."""
    sizes = queries.content_sizes(tx, {entry.content for entry in entries if entry.content})
    missing = [entry.path for entry in entries if entry.content and entry.content not in sizes]
    if missing:
        raise RefusalError(
            f"{len(missing)} of the artifact's {len(entries)} files were not uploaded, the first is {missing[0]!r}: "
            "log the artifact again"
        )
    return [replace(entry, size_bytes=sizes[entry.content]) if entry.content else entry for entry in entries]
