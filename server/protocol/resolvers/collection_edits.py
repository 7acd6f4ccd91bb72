"""Collections of artifacts renamed, given another type, tagged, deleted."""

from typing import Any

from server.ledger.artifacts import collections as ledger
from server.protocol.context import Info, node_id
from server.protocol.resolvers.artifact_edits import named_collection
from server.protocol.resolvers.collections import find_or_refuse
from server.store.artifact_rows import Collection


def _update(id_field: str) -> Any:
    def resolve(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
        found = find_or_refuse(info, input[id_field])
        name, description = input.get("name"), input.get("description")
        return {"artifactCollection": ledger.describe(info.context.tx, found, name, description, info.context.now_s)}

    return resolve


def _retype(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
    found, type = find_or_refuse(info, input["artifactSequenceID"]), input["destinationArtifactTypeName"]
    return {"artifactCollection": ledger.retype(info.context.tx, found, type, info.context.now_s)}


def _delete(id_field: str) -> Any:
    def resolve(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Collection]:
        found = find_or_refuse(info, input[id_field])
        ledger.delete(info.context.tx, found)
        return {"artifactCollection": found}

    return resolve


def _tag(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    names = [tag["tagName"] for tag in input["tags"]]
    ledger.tag(info.context.tx, named_collection(info, input), names)
    return {"tags": [{"id": node_id("Tag", name), "name": name} for name in names]}


def _untag(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    ledger.untag(info.context.tx, named_collection(info, input), [tag["tagName"] for tag in input["tags"]])
    return {"success": True}


FIELDS = {
    "Mutation": {
        "updateArtifactSequence": _update("artifactSequenceID"),
        "updateArtifactPortfolio": _update("artifactPortfolioID"),
        "moveArtifactSequence": _retype,
        "deleteArtifactSequence": _delete("artifactSequenceID"),
        "deleteArtifactPortfolio": _delete("artifactPortfolioID"),
        "createArtifactCollectionTagAssignments": _tag,
        "deleteArtifactCollectionTagAssignments": _untag,
    },
}
