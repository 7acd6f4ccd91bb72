"""Collections of artifacts, their types, and versions as members of them, with numbers and aliases there."""

from dataclasses import dataclass
from typing import Any

from server.protocol.artifact_views import CollectionView, VersionView
from server.protocol.context import Info, known, node_id, number_in
from server.protocol.dates import iso
from server.protocol.filters import View, ordered, parse_filters, passing, refuse_costly
from server.protocol.paging import page
from server.store import artifact_queries as queries
from server.store.artifact_rows import LATEST, SEQUENCE, Alias, Artifact, Collection, Member
from server.store.queries import by_id, one_row
from server.store.rows import Project

NODE_TYPE = "ArtifactCollection"


@dataclass(frozen=True, slots=True)
class TypeOfProject:
    """A type of artifacts: what its collections say that it is."""

    project_id: int
    name: str
    created_at_s: float


def kind_of(collection: Collection, info: Info, type: Any) -> str:
    return "ArtifactSequence" if collection.kind == SEQUENCE else "ArtifactPortfolio"


def find(info: Info, id: str) -> Collection | None:
    """The collection of a node id; None where there is none."""
    number = number_in(NODE_TYPE, id)
    return None if number is None else one_row(info.context.tx, Collection, "WHERE id = ?", number)


def find_or_refuse(info: Info, id: str) -> Collection:
    """The same; refused where there is none."""
    return known(find(info, id), "collection of artifacts", id)


def membership_called(info: Info, project: Project, name: str) -> Member | None:
    """What `collection`, `collection:alias`, `collection:v3` or `collection:digest` means in a project."""
    collection_name, _, called = name.partition(":")
    collection = queries.collection(info.context.tx, project.id, collection_name)
    return queries.member_called(info.context.tx, collection.id, called or LATEST) if collection else None


def _by_id(_: Any, info: Info, id: str) -> Collection | None:
    return find(info, id)


def _types(
    project: Project, info: Info, first: int | None = None, after: str | None = None, includeAll: bool | None = None
) -> dict[str, Any]:
    found = queries.types(info.context.tx, project.id)
    return page([TypeOfProject(project.id, name, since_s) for name, since_s in found], first, after)


def _type(project: Project, info: Info, name: str) -> TypeOfProject | None:
    since_s = dict(queries.types(info.context.tx, project.id)).get(name)
    return None if since_s is None else TypeOfProject(project.id, name, since_s)


def _of_project(project: Project, info: Info, name: str) -> Collection | None:
    return queries.collection(info.context.tx, project.id, name)


def _of_type(type: TypeOfProject, info: Info, name: str) -> Collection | None:
    found = queries.collection(info.context.tx, type.project_id, name)
    return found if found and found.type == type.name else None


def _listed(
    owner: Project | TypeOfProject,
    info: Info,
    first: int | None = None,
    after: str | None = None,
    filters: str | None = None,
    order: str | None = None,
) -> dict[str, Any]:
    project_id, type = (owner.id, None) if isinstance(owner, Project) else (owner.project_id, owner.name)
    tx = info.context.tx
    views = [CollectionView(tx, row) for row in queries.collections(tx, project_id, type)]
    return page([view.row for view in _chosen(views, filters, order)], first, after)


def _versions(
    collection: Collection,
    info: Info,
    first: int | None = None,
    after: str | None = None,
    order: str | None = None,
    filters: str | None = None,
) -> dict[str, Any]:
    """Versions that are committed, the highest first; what is not committed is in no collection yet."""
    tx = info.context.tx
    views = [VersionView(tx, row) for row in queries.members(tx, collection.id)]
    found = page([view.row for view in _chosen(views, filters, order)], first, after)
    for edge in found["edges"]:
        member = edge["node"]
        edge |= {"node": by_id(tx, Artifact, member.artifact_id), "version": f"v{member.version}"}
    return found


def _chosen(views: list[View], filters: str | None, order: str | None) -> list[View]:
    wanted = parse_filters(filters)
    refuse_costly(wanted, order, lambda: len(views))
    return ordered(passing(views, wanted), order)


def _membership(collection: Collection, info: Info, aliasName: str) -> Member | None:
    return queries.member_called(info.context.tx, collection.id, aliasName)


def _tag_edges(collection: Collection, info: Info) -> dict[str, Any]:
    tags = queries.collection_tags(info.context.tx, collection.id)
    return {"edges": [{"node": {"id": node_id("Tag", tag), "name": tag}} for tag in tags]}


def _aliases(collection: Collection, info: Info, first: int | None = None, after: str | None = None) -> dict[str, Any]:
    return page(queries.aliases_in(info.context.tx, collection.id), first, after)


def _state(collection: Collection, info: Info) -> str:
    return "READY" if one_row(info.context.tx, Collection, "WHERE id = ?", collection.id) else "DELETED"


def _owner(row: Alias | Member, info: Info) -> Collection:
    return by_id(info.context.tx, Collection, row.collection_id)


COLLECTION = {
    "id": lambda collection, info: node_id(NODE_TYPE, collection.id),
    "state": _state,
    "createdAt": lambda collection, info: iso(collection.created_at_s),
    "updatedAt": lambda collection, info: iso(collection.updated_at_s),
    "project": lambda collection, info: by_id(info.context.tx, Project, collection.project_id),
    "defaultArtifactType": lambda collection, info: TypeOfProject(
        collection.project_id, collection.type, collection.created_at_s
    ),
    "tags": _tag_edges,
    "aliases": _aliases,
    "artifactMembership": _membership,
    "artifacts": _versions,
}
FIELDS = {
    "Query": {"artifactCollection": _by_id},
    "Project": {
        "artifactType": _type,
        "artifactTypes": _types,
        "artifactCollection": _of_project,
        "artifactCollections": _listed,
        "artifactCollectionMembership": lambda project, info, name: membership_called(info, project, name),
    },
    "ArtifactType": {
        "id": lambda type, info: node_id("ArtifactType", type.project_id, type.name),
        "createdAt": lambda type, info: iso(type.created_at_s),
        "artifactCollection": _of_type,
        "artifactCollections": _listed,
    },
    "ArtifactSequence": COLLECTION
    | {
        "latestArtifact": lambda collection, info: queries.latest_version(info.context.tx, collection.id),
        "digestAlgorithm": lambda collection, info: "MANIFEST_MD5",
    },
    "ArtifactPortfolio": COLLECTION,
    "ArtifactAlias": {
        "id": lambda alias, info: node_id("ArtifactAlias", alias.id),
        "artifactCollection": _owner,
    },
    "ArtifactCollectionMembership": {
        "id": lambda member, info: node_id("ArtifactCollectionMembership", member.id),
        "versionIndex": lambda member, info: member.version,
        "createdAt": lambda member, info: iso(member.created_at_s),
        "aliases": lambda member, info: queries.aliases(info.context.tx, member.artifact_id, member.collection_id),
        "artifactCollection": _owner,
        "artifact": lambda member, info: by_id(info.context.tx, Artifact, member.artifact_id),
    },
}
