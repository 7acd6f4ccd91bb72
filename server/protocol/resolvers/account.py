"""The one who asks, their entities, the server's own facts, and the organisations that it has none of."""

from typing import Any

from graphql import FieldNode

from server.protocol import not_offered
from server.protocol.context import Info, node_id
from server.refusal import NotFoundError
from server.store import queries, user_queries
from server.store.scope import asking

AT_EACH_BEGIN = ("coreWeaveOrganizationId", "featureFlags")
FEATURES = (
    "ARTIFACT_REGISTRY_SEARCH",  # off, the client tells its user to upgrade the server; on, we say that there is none
    "ARTIFACT_COLLECTIONS_FILTERING_SORTING",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
    "ARTIFACT_V2_DOWNLOAD_HANDLER_SUPPORTS_ARTIFACT_ID",  # so that a file's address says which version it is of
    "FILESTREAM_GZIP",
    "INCLUDE_ARTIFACT_TYPES_IN_REGISTRY_CREATION",  # the same
    "SWEEPS_LOCAL_SCHEDULER",  # `wandb sweep-scheduler` asks for it
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "UPDATE_RUN_STATE",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
)
# `wandb verify` refuses a server that does not name a newest client version.
CLI_VERSIONS = {"max_cli_version": "99.0.0", "min_cli_version": "0.20.0"}


def user(info: Info, name: str | None = None) -> dict[str, Any]:
    """A user as W&B tells them; the one who asks where no name is given, whose entities alone are told."""
    name = name or info.context.home
    own = sorted(asking().entities or ()) if name == asking().who else []
    return {
        "id": node_id("User", name),
        "name": name,
        "username": name,
        "email": f"{name}@localhost",
        "admin": name == asking().who and asking().entities is None,
        "flags": "{}",
        "entity": name,
        # As on W&B, a user's own entity is one of the user's teams.
        "teams": {"edges": [{"node": entity(info, each)} for each in own or [name]]},
        "apiKeys": {"edges": []},
    }


def entity(info: Info, name: str) -> dict[str, Any]:
    """An entity: of one user, or of the users of a team."""
    members = user_queries.teams(info.context.tx).get(name)
    return {
        "id": node_id("Entity", name),
        "name": name,
        "available": False,
        "isTeam": members is not None,
        "entityType": "user" if members is None else "team",
        "readOnly": False,
        "readOnlyAdmin": False,
        "privateOnly": False,
        "storageBytes": 0,
        "codeSavingEnabled": True,
        "defaultAccess": "PRIVATE",
        "isPaid": False,
        "members": [_member(each) for each in members or [name]],
        "xxhashDigestsEnabled": False,
    }


def _member(name: str) -> dict[str, Any]:
    return {
        "id": node_id("User", name),
        "admin": True,
        "pending": False,
        "username": name,
        "name": name,
        "accountType": "USER",
    }


def _viewer(_: Any, info: Info) -> dict[str, Any]:
    return user(info)


def _server_info(_: Any, info: Info) -> dict[str, Any]:
    # Where a flag that the client asks for is off, it takes the plain way.
    features = [{"name": name, "isEnabled": True} for name in FEATURES]
    return {"features": features, "cliVersionInfo": CLI_VERSIONS, "exposesExplicitRunQueueAckPath": False}


def _entity(_: Any, info: Info, name: str) -> dict[str, Any]:
    # The client takes what this gives for a team that it has made, or was told that it cannot make.
    own, tx = info.context.home, info.context.tx
    asking().require(name)
    if name == own or queries.projects(tx, name) or user_queries.user(tx, name) or name in user_queries.teams(tx):
        return entity(info, name)
    if user_queries.are_there_users(tx):
        raise NotFoundError(f"there is no entity {name!r}: no user or team has this name")
    raise NotFoundError(f"there is no entity {name!r}: this server has one user, {own!r}, and no teams")


def _users(_: Any, info: Info, query: str | None = None) -> dict[str, Any]:
    found = user(info)
    return {"edges": [{"node": found}] if query in (None, found["username"], found["email"]) else []}


def _organization(_: Any, info: Info, **arguments: Any) -> None:
    """Nobody's; a registry is looked for by more than what each run of the client asks for as it begins."""
    asked = info.field_nodes[0].selection_set
    names = [each.name.value if isinstance(each, FieldNode) else "" for each in asked.selections] if asked else []
    if not set(names) <= set(AT_EACH_BEGIN):
        raise not_offered.refused(not_offered.REGISTRIES)


FIELDS = {
    "Entity": {"organization": _organization},
    "Query": {
        "viewer": _viewer,
        "serverInfo": _server_info,
        "entity": _entity,
        "users": _users,
        "organization": _organization,
    },
}
