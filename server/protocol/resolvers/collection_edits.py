"""Collections of artifacts renamed, given another type, tagged, deleted."""

from typing import Any

from server.ledger import audit
from server.ledger.artifacts import collections as ledger
from server.protocol.context import Info, node_id
from server.protocol.resolvers.artifact_edits import named_collection
from server.protocol.resolvers.collections import find_or_refuse
from server.store.artifact_rows import Collection


def _update_sequence(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
    return _described(info, input["artifactSequenceID"], input.get("name"), input.get("description"))


def _update_portfolio(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
    return _described(info, input["artifactPortfolioID"], input.get("name"), input.get("description"))


def _described(info: Info, id: str, name: str | None, description: str | None) -> dict[str, Collection]:
    found = find_or_refuse(info, id)
    return {"artifactCollection": ledger.describe(info.context.tx, found, name, description, info.context.now_s)}


def _retype(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
    found, type = find_or_refuse(info, input["artifactSequenceID"]), input["destinationArtifactTypeName"]
    return {"artifactCollection": ledger.retype(info.context.tx, found, type, info.context.now_s)}


def _delete_sequence(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
    return _deleted(info, input["artifactSequenceID"])


def _delete_portfolio(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
    return _deleted(info, input["artifactPortfolioID"])


def _deleted(info: Info, id: str) -> dict[str, Collection]:
    found = find_or_refuse(info, id)
    ledger.delete(info.context.tx, found)
    audit.note_in_project(info.context.tx, "deleted collection", found.project_id, found.name, info.context.now_s)
    return {"artifactCollection": found}


def _tag(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    names = [tag["tagName"] for tag in input["tags"]]
    found = named_collection(info, input["entityName"], input["projectName"], input["artifactCollectionName"])
    ledger.tag(info.context.tx, found, names)
    return {"tags": [{"id": node_id("Tag", name), "name": name} for name in names]}


def _untag(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    found = named_collection(info, input["entityName"], input["projectName"], input["artifactCollectionName"])
    ledger.untag(info.context.tx, found, [tag["tagName"] for tag in input["tags"]])
    return {"success": True}


FIELDS = {
    "Mutation": {
        "updateArtifactSequence": _update_sequence,
        "updateArtifactPortfolio": _update_portfolio,
        "moveArtifactSequence": _retype,
        "deleteArtifactSequence": _delete_sequence,
        "deleteArtifactPortfolio": _delete_portfolio,
        "createArtifactCollectionTagAssignments": _tag,
        "deleteArtifactCollectionTagAssignments": _untag,
    },
}
