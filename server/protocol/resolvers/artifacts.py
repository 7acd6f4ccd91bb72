"""Versions of artifacts: found, read, listed by the runs that made or took them."""

from collections.abc import Callable
from typing import Any

from server.ledger.artifacts.versions import MADE, TAKEN
from server.protocol.context import Info, known, node_id, number_in
from server.protocol.dates import iso
from server.protocol.paging import page
from server.protocol.resolvers.collections import TypeOfProject, membership_called
from server.store import artifact_queries as queries
from server.store.artifact_rows import COMMITTED, Artifact, Collection
from server.store.queries import by_id, run_numbered
from server.store.rows import Project, Run

INHERITED_TTL = -1


def find(info: Info, id: str) -> Artifact | None:
    """The version of a node id; None where there is none."""
    number = number_in("Artifact", id)
    return None if number is None else queries.numbered(info.context.tx, number)


def find_or_refuse(info: Info, id: str) -> Artifact:
    """The same; refused where there is none."""
    return known(find(info, id), "artifact", id)


def kind_of_creator(value: Any, info: Info, type: Any) -> str:
    return "Run"


def _artifact(_: Any, info: Info, id: str) -> Artifact | None:
    return find(info, id)


def _named(project: Project, info: Info, name: str) -> Artifact | None:
    member = membership_called(info, project, name)
    return by_id(info.context.tx, Artifact, member.artifact_id) if member else None


def _client_name(_: Any, info: Info, clientID: str) -> dict[str, str] | None:
    found = queries.by_client_name(info.context.tx, clientID)
    return {"serverID": node_id("Artifact", found.id)} if found else None


def _of_run(direction: str) -> Callable[..., dict[str, Any]]:
    def resolve(run: Run, info: Info, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        return page(queries.used(info.context.tx, run.id, direction), first, after)

    return resolve


def _sequence(artifact: Artifact, info: Info) -> Collection:
    return by_id(info.context.tx, Collection, artifact.collection_id)


def _type(artifact: Artifact, info: Info) -> TypeOfProject:
    sequence = _sequence(artifact, info)
    return TypeOfProject(sequence.project_id, sequence.type, sequence.created_at_s)


def _version(artifact: Artifact, info: Info) -> int | None:
    member = queries.member(info.context.tx, artifact.collection_id, artifact.id)
    return member.version if member else None


def _manifest(artifact: Artifact, info: Info) -> dict[str, Any] | None:
    if artifact.state != COMMITTED:
        return None
    address = info.context.artifact_url("get-manifest", artifact.id)
    id = node_id("ArtifactManifest", artifact.id)
    file = {"id": id, "name": "wandb_manifest.json", "displayName": "wandb_manifest.json", "directUrl": address}
    return {"id": id, "file": file | {"uploadHeaders": [], "sizeBytes": 0}}


def _creator(artifact: Artifact, info: Info) -> Run | None:
    return run_numbered(info.context.tx, artifact.run_id)


def _memberships(artifact: Artifact, info: Info, first: int | None = None, after: str | None = None) -> dict[str, Any]:
    return page(queries.memberships(info.context.tx, artifact.id), first, after)


FIELDS = {
    "Query": {"artifact": _artifact, "clientIDMapping": _client_name},
    "Project": {"artifact": _named},
    "Run": {"outputArtifacts": _of_run(MADE), "inputArtifacts": _of_run(TAKEN)},
    "Artifact": {
        "id": lambda artifact, info: node_id("Artifact", artifact.id),
        "artifactSequence": _sequence,
        "artifactType": _type,
        "versionIndex": _version,
        "ttlDurationSeconds": lambda artifact, info: INHERITED_TTL if artifact.ttl_s is None else artifact.ttl_s,
        "ttlIsInherited": lambda artifact, info: artifact.ttl_s in (None, INHERITED_TTL),
        "tags": lambda artifact, info: [
            {"id": node_id("Tag", tag), "name": tag} for tag in queries.tags(info.context.tx, artifact.id)
        ],
        "historyStep": lambda artifact, info: artifact.history_step,
        "state": lambda artifact, info: artifact.state.upper(),
        "size": lambda artifact, info: artifact.size_bytes,
        "digestAlgorithm": lambda artifact, info: "MANIFEST_MD5",
        # The client needs some; of what W&B makes its own is not known.
        "commitHash": lambda artifact, info: artifact.digest if artifact.state == COMMITTED else None,
        "fileCount": lambda artifact, info: artifact.file_count,
        "createdAt": lambda artifact, info: iso(artifact.created_at_s),
        "updatedAt": lambda artifact, info: iso(artifact.updated_at_s),
        "aliases": lambda artifact, info: queries.aliases(info.context.tx, artifact.id),
        "currentManifest": _manifest,
        "createdBy": _creator,
        "usedBy": lambda artifact, info: page(queries.users(info.context.tx, artifact.id), None, None),
        "artifactMemberships": _memberships,
    },
}
