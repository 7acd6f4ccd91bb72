"""Versions used, described, given aliases, linked, deleted."""

from dataclasses import replace
from typing import Any

from server.ledger.artifacts import deletion, links, versions
from server.ledger.sweeps import project_named
from server.protocol.context import Info
from server.protocol.resolvers.artifact_uploads import metadata
from server.protocol.resolvers.artifacts import find_or_refuse
from server.protocol.resolvers.collections import find_or_refuse as find_collection
from server.protocol.resolvers.runs import find_named
from server.refusal import NotFoundError, RefusalError
from server.store import artifact_queries
from server.store.artifact_rows import Artifact, Collection, Member
from server.store.queries import by_id, project
from server.store.rows import Project


def _use(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Artifact]:
    artifact = find_or_refuse(info, input["artifactID"])
    run = find_named(info, input["entityName"], input["projectName"], input["runName"])
    versions.take(info.context.tx, run, artifact)
    return {"artifact": artifact}


def _update(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Artifact]:
    tx, artifact = info.context.tx, find_or_refuse(info, input["artifactID"])
    added = [tag["tagName"] for tag in input.get("tagsToAdd") or ()]
    removed = [tag["tagName"] for tag in input.get("tagsToDelete") or ()]
    versions.tag(tx, artifact, added, removed)
    if input.get("aliases") is not None:
        versions.set_aliases(tx, artifact, [alias["alias"] for alias in input["aliases"]])
    told, ttl_s = metadata(input.get("metadata")), input.get("ttlDurationSeconds")
    described = versions.describe(tx, artifact, input.get("description"), told, ttl_s, info.context.now_s)
    return {"artifact": described}


def _delete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Artifact]:
    artifact = find_or_refuse(info, input["artifactID"])
    deletion.delete(info.context.tx, artifact, bool(input.get("deleteAliases")), info.context.now_s)
    return {"artifact": replace(artifact, state="deleted")}


def _add_aliases(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    artifact = find_or_refuse(info, input["artifactID"])
    for told in input["aliases"]:
        versions.add_alias(info.context.tx, _collection_of(info, told), artifact, told["alias"])
    return {"success": True}


def _delete_aliases(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    artifact = find_or_refuse(info, input["artifactID"])
    for told in input["aliases"]:
        versions.drop_alias(info.context.tx, _collection_of(info, told), artifact, told["alias"])
    return {"success": True}


def _collection_of(info: Info, alias: dict[str, Any]) -> Collection:
    return named_collection(info, alias["entityName"], alias["projectName"], alias["artifactCollectionName"])


def named_collection(info: Info, entity: str, project_name: str, name: str) -> Collection:
    """The collection of a name in a project.

    Raises:
        NotFoundError: there is none.
    """
    tx = info.context.tx
    owner = project(tx, entity or info.context.home, project_name)
    found = artifact_queries.collection(tx, owner.id, name) if owner else None
    if found is None:
        raise NotFoundError(f"there is no collection {entity}/{project_name}/{name}")
    return found


def _link(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context, artifact = info.context, _linked(info, input)
    owner, name = _target(info, input)
    aliases = [alias["alias"] for alias in input.get("aliases") or ()]
    member: Member = links.link(context.tx, owner, name, artifact, aliases, context.now_s)
    return {"versionIndex": member.version, "artifactMembership": member}


def _linked(info: Info, input: dict[str, Any]) -> Artifact:
    if input.get("artifactID"):
        return find_or_refuse(info, input["artifactID"])
    found = artifact_queries.by_client_name(info.context.tx, input.get("clientID") or "")
    if found is None:
        raise NotFoundError("there is no artifact of this client id")
    return found


def _target(info: Info, input: dict[str, Any]) -> tuple[Project, str]:
    if input.get("artifactPortfolioID"):
        portfolio = find_collection(info, input["artifactPortfolioID"])
        return by_id(info.context.tx, Project, portfolio.project_id), portfolio.name
    name, project_name = input.get("artifactPortfolioName"), input.get("projectName")
    if not name or not project_name:
        raise RefusalError("a link needs the name of a collection and of a project to put it into")
    entity = input.get("entityName") or info.context.home
    return project_named(info.context.tx, entity, project_name, info.context.now_s), name


def _unlink(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    artifact = find_or_refuse(info, input["artifactID"])
    links.unlink(info.context.tx, find_collection(info, input["artifactPortfolioID"]), artifact)
    return {"success": True}


FIELDS = {
    "Mutation": {
        "useArtifact": _use,
        "updateArtifact": _update,
        "deleteArtifact": _delete,
        "addAliases": _add_aliases,
        "deleteAliases": _delete_aliases,
        "linkArtifact": _link,
        "unlinkArtifact": _unlink,
    },
}
