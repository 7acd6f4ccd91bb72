"""Files of a version: what is listed is what the client downloads, so references are listed too."""

import mimetypes
from typing import Any

from server.protocol.context import Info, node_id
from server.protocol.dates import iso
from server.protocol.paging import page
from server.store import artifact_queries as queries
from server.store.artifact_rows import Artifact, ManifestEntry, Member
from server.store.queries import by_id


def storage_path(md5: str) -> str:
    """Where a content lies, as W&B's client shows it."""
    return f"wandb_artifacts/{md5}"


def _of_artifact(
    artifact: Artifact,
    info: Info,
    names: list[str] | None = None,
    first: int | None = None,
    after: str | None = None,
) -> dict[str, Any]:
    tx = info.context.tx
    # An empty list of names means all, as in W&B's client.
    rows = queries.entries_named(tx, artifact.id, names) if names else queries.entries(tx, artifact.id)
    return page([_node(artifact, row) for row in rows], first, after)


def _of_member(member: Member, info: Info, **arguments: Any) -> dict[str, Any]:
    return _of_artifact(by_id(info.context.tx, Artifact, member.artifact_id), info, **arguments)


def _by_entries(
    artifact: Artifact,
    info: Info,
    storageLayout: str,
    manifestVersion: str,
    entries: list[dict[str, Any]] | None = None,
    storageRegion: str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> dict[str, Any]:
    return _of_artifact(artifact, info, [entry["name"] for entry in entries or ()], first, after)


def _node(artifact: Artifact, entry: ManifestEntry) -> dict[str, Any]:
    def url(info: Info, upload: bool | None = None) -> str:
        if entry.content is None:
            return str(entry.ref)
        return info.context.artifact_url("get-content", artifact.id, entry.content)

    return {
        "id": node_id("ArtifactFile", artifact.id, entry.path),
        "name": entry.path,
        "displayName": entry.path,
        "url": url,
        "directUrl": url,
        "uploadHeaders": [],
        "sizeBytes": entry.size_bytes,
        "mimetype": mimetypes.guess_type(entry.path)[0],
        "updatedAt": iso(artifact.updated_at_s),
        "md5": entry.digest,
        "digest": entry.digest,
        "storagePath": storage_path(entry.content) if entry.content else entry.ref,
        "artifact": artifact,
    }


FIELDS = {
    "Artifact": {"files": _of_artifact, "filesByManifestEntries": _by_entries},
    "ArtifactCollectionMembership": {"files": _of_member},
}
