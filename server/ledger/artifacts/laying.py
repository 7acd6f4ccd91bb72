"""What a version is made of: its manifests become its entries, a slice of paths after another.

A version that is begun to be laid gets no other manifests. What is laid stays: a commit that was broken off goes on.
"""

import sqlite3
from typing import Final

from server.ledger.artifacts import content
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes
from server.store.artifact_rows import COMMITTED, Artifact, Layer, Manifest, entries_of, told_by

FULL, INCREMENTAL, PATCH = "FULL", "INCREMENTAL", "PATCH"
# Entries that are kept, laid or dropped at once: some 30 ms.
SLICE: Final = 2_000


def is_begun(tx: sqlite3.Connection, artifact_id: int) -> bool:
    """Whether some of a version is laid."""
    return queries.last_path(tx, entries_of(artifact_id)) != ""


def lay_some(tx: sqlite3.Connection, artifact: Artifact) -> bool:
    """Lays the next slice; whether there is more.

    A full manifest stands for itself, an increment on its base; patches are joined, the later over the earlier.

    Raises:
        RefusalError: no manifest, or bytes of some file, were uploaded; the transaction is to be undone.
    """
    layers = _layers(tx, artifact)
    after = queries.last_path(tx, entries_of(artifact.id))
    room = max(SLICE // len(layers), 1)
    full = [path for layer in layers if (path := queries.path_after(tx, layer, after, room)) is not None]
    to = min(full) if full else max(queries.last_path(tx, layer) for layer in layers)
    for layer in layers:
        artifact_writes.lay(tx, artifact.id, layer, after, to)
    if missing := queries.paths_without_bytes(tx, artifact.id, after, to):
        raise RefusalError(
            f"{'at least ' if full else ''}{len(missing)} of the artifact's files were not uploaded, the first is "
            f"{missing[0]!r}: log the artifact again"
        )
    return bool(full)


def tidy_some(tx: sqlite3.Connection, artifact: Artifact) -> bool:
    """Drops a slice of what was there only until the version was laid; whether there may be more.

    Bytes that it had asked for and that are in none of its files go, unless others have them.
    """
    wanted, described = (
        artifact_writes.drop_some_of(tx, table, artifact.id, SLICE)
        for table in (artifact_writes.WANTED, artifact_writes.DESCRIBED)
    )
    content.release(tx, filter(None, wanted))
    return SLICE in (len(wanted), len(described))


def _layers(tx: sqlite3.Connection, artifact: Artifact) -> list[Layer]:
    """The lowest first."""
    uploaded = queries.manifests(tx, artifact.id)
    if not uploaded:
        raise RefusalError("no manifest of this version was uploaded: log the artifact again")
    last = uploaded[-1]
    if last.kind == PATCH:
        return [told_by(each.id) for each in uploaded if each.kind == PATCH]
    return [*(_base(tx, last) if last.kind == INCREMENTAL else ()), told_by(last.id)]


def _base(tx: sqlite3.Connection, increment: Manifest) -> list[Layer]:
    if increment.base_artifact_id is None:
        return []
    base = queries.numbered(tx, increment.base_artifact_id)
    if base is None or base.state != COMMITTED:
        raise RefusalError("the version that this increment stands on is deleted: log the artifact again")
    return [entries_of(base.id)]
