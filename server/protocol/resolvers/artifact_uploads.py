"""How a version comes into being: begun, its files and manifests asked for, committed."""

import json
from typing import Any

from server.ledger.artifacts import commit as commit_ledger
from server.ledger.artifacts import content, versions
from server.ledger.artifacts.names import is_number
from server.ledger.artifacts.versions import Draft
from server.ledger.sweeps import DEFAULT_PROJECT, project_named
from server.protocol.context import Info, ask_again, node_id, number_in
from server.protocol.json_values import parse_object
from server.protocol.paging import page
from server.protocol.resolvers.artifact_files import storage_path
from server.protocol.resolvers.artifacts import find_or_refuse
from server.protocol.resolvers.runs import find_named
from server.protocol.uploads import require_room
from server.refusal import NotFoundError, RefusalError
from server.store.artifact_rows import COMMITTED, Artifact, Manifest
from server.store.queries import one_row

# In a row of the database.
MAX_METADATA = 4_000_000
# The size of the client's parts.
PART_BYTES = 100 * 1024 * 1024


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Artifact]:
    context = info.context
    # A run that was offline names no entity.
    entity, name = input["entityName"] or context.home, input["projectName"] or DEFAULT_PROJECT
    run_name = input.get("runName")
    if (region := input.get("storageRegion")) not in (None, "", "default"):
        raise RefusalError(f"this server has no storage region {region[:80]!r}: leave storage_region out")
    if input.get("digestAlgorithm") not in (None, "MANIFEST_MD5"):
        raise RefusalError("artifacts are told apart by MANIFEST_MD5 here; other digests are not offered")
    project = project_named(context.tx, entity, name, context.now_s)
    run = find_named(info, entity, name, run_name) if run_name else None
    draft = _draft(input)
    artifact = versions.begin(context.tx, project, run, draft, context.now_s)
    if artifact.state == COMMITTED:
        _tell_numbers(info, draft.aliases)
    return {"artifact": artifact}


def _draft(input: dict[str, Any]) -> Draft:
    asked = (input.get("artifactCollectionName"), *(input.get("artifactCollectionNames") or ()))
    names = [name for name in asked if name]
    if len(set(names)) != 1:
        raise RefusalError(f"an artifact is logged under one name, not {len(set(names))}")
    return Draft(
        name=names[0],
        type=input["artifactTypeName"],
        digest=input["digest"],
        aliases=[alias["alias"] for alias in input.get("aliases") or ()],
        tags=[tag["tagName"] for tag in input.get("tags") or ()],
        description=input.get("description"),
        metadata=metadata(input.get("metadata")),
        ttl_s=input.get("ttlDurationSeconds"),
        history_step=input.get("historyStep"),
        client_name=input.get("clientID"),
        sequence_client_name=input.get("sequenceClientID"),
        distributed_id=input.get("distributedID"),
        deduplicate=input.get("enableDigestDeduplication") is not False,
    )


def metadata(text: str | None) -> str | None:
    """The metadata of an artifact, checked.

    Raises:
        RefusalError: no JSON object, or too long.
    """
    if text is not None:
        parse_object(text, "an artifact's metadata")
        if len(text) > MAX_METADATA:
            raise RefusalError(f"an artifact's metadata may have at most {MAX_METADATA} characters, not {len(text)}")
    return text


def _create_manifest(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    artifact = find_or_refuse(info, input["artifactID"])
    base = _base(input)
    made = commit_ledger.announce_manifest(info.context.tx, artifact, input["type"], base, input["digest"])
    return {"artifactManifest": _manifest_node(made)}


def _update_manifest(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    found = _find_manifest(info, input["artifactManifestID"])
    digest = found.digest if input.get("digest") is None else input["digest"]
    expected = commit_ledger.expect_manifest(info.context.tx, found, digest, _base(input))
    if expected is None:
        ask_again(info)
    return {"artifactManifest": _manifest_node(expected or found)}


def _base(input: dict[str, Any]) -> int | None:
    return number_in("Artifact", input.get("baseArtifactID") or "")


def _find_manifest(info: Info, id: str) -> Manifest:
    number = number_in("ArtifactManifest", id)
    found = None if number is None else one_row(info.context.tx, Manifest, "WHERE id = ?", number)
    if found is None:
        raise NotFoundError("no version of an artifact waits for this manifest any more")
    return found


def _manifest_node(row: Manifest) -> dict[str, Any]:
    id = node_id("ArtifactManifest", row.id)
    file = {
        "id": id,
        "name": "wandb_manifest.json",
        "displayName": "wandb_manifest.json",
        "directUrl": lambda info: info.context.artifact_url("get-manifest", row.artifact_id),
        "uploadUrl": lambda info: info.context.artifact_url("put-manifest", row.id),
        "uploadHeaders": [],
        "sizeBytes": 0,
        "md5": row.digest,
    }
    return {"id": id, "file": file}


def _create_files(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    if input.get("storageLayout") == "V1":
        raise RefusalError("files of artifacts are kept in storage layout V2 here; V1 is not offered")
    nodes = [_file_node(info, spec) for spec in input["artifactFiles"]]
    needed_bytes = [
        _least_bytes(spec) for spec, node in zip(input["artifactFiles"], nodes, strict=True) if node["uploadUrl"]
    ]
    # Here W&B's client shows the reason; at the upload itself it only says that it failed.
    if needed_bytes:
        require_room(info.context.settings, max(needed_bytes))
    return {"files": page(nodes, None, None)}


def _least_bytes(spec: dict[str, Any]) -> int:
    """What a file has at least: of a large one the client tells the parts in which it could send it."""
    return max(len(spec.get("uploadPartsInput") or ()) - 1, 0) * PART_BYTES


def _file_node(info: Info, spec: dict[str, Any]) -> dict[str, Any]:
    context = info.context
    artifact = find_or_refuse(info, spec["artifactID"])
    digest = spec.get("md5") or spec.get("digest") or ""
    md5 = content.hex_of(digest)
    needed = content.ask_for(context.tx, artifact, md5, context.now_s)
    return {
        "id": node_id("ArtifactFile", artifact.id, spec["name"]),
        "name": spec["name"],
        "displayName": spec["name"],
        # None: these bytes are here.
        "uploadUrl": context.artifact_url("put-content", artifact.id, md5) if needed else None,
        "directUrl": lambda info: info.context.artifact_url("get-content", artifact.id, md5),
        "uploadHeaders": [],
        # The client then sends a file of any size in one piece.
        "uploadMultipartUrls": None,
        "sizeBytes": 0,
        "md5": digest,
        "digest": digest,
        "storagePath": storage_path(md5),
        "artifact": artifact,
    }


def _complete_multipart(_: Any, info: Info, input: dict[str, Any]) -> None:
    raise RefusalError("uploads in parts are not offered: files of any size are sent whole", status=501)


def _commit(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Artifact]:
    artifact = find_or_refuse(info, input["artifactID"])
    read = info.context.slices.kept.setdefault(artifact.id, commit_ledger.Content())
    committed = commit_ledger.commit_some(info.context.tx, artifact, read, info.context.now_s)
    if committed is None:
        ask_again(info)
        return {"artifact": artifact}
    _tell_numbers(info, json.loads(artifact.pending_aliases))
    return {"artifact": committed}


def _tell_numbers(info: Info, aliases: list[str]) -> None:
    """Complains of aliases that are no aliases once all else is stored: who does not wait for it loses only these."""
    numbers = ", ".join(repr(alias) for alias in aliases if is_number(alias))
    if numbers:
        info.context.complaints.append(
            RefusalError(
                f"the artifact is stored, but not under the aliases {numbers}: that is how a version's own number is "
                "written; choose others"
            )
        )


FIELDS = {
    "Mutation": {
        "createArtifact": _create,
        "createArtifactManifest": _create_manifest,
        "updateArtifactManifest": _update_manifest,
        "createArtifactFiles": _create_files,
        "completeMultipartUploadArtifact": _complete_multipart,
        "commitArtifact": _commit,
    },
}
