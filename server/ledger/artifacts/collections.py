"""Collections: made by the first version or link, renamed, given another type, tagged, deleted."""

import sqlite3

from server.ledger.artifacts import deletion
from server.ledger.artifacts.names import check_collection, check_tag, check_type
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import SEQUENCE, Collection
from server.store.queries import by_id
from server.store.rows import Project


def found_or_made(
    tx: sqlite3.Connection, project: Project, name: str, kind: str, type: str, now_s: float
) -> Collection:
    """The collection of this name.

    Raises:
        RefusalError: the name or type cannot be one, or another kind or type of collection has the name.
    """
    found = queries.collection(tx, project.id, name)
    if found is None:
        return _make(tx, project, check_collection(name), kind, check_type(type), now_s)
    if found.kind != kind:
        holds = "artifacts" if found.kind == SEQUENCE else "links to artifacts"
        raise RefusalError(f"{name!r} of project {project.name!r} is a collection of {holds}; choose another name")
    if found.type != type:
        raise RefusalError(
            f"{name!r} of project {project.name!r} already exists with type {found.type!r}, not {type!r}"
        )
    return found


def describe(
    tx: sqlite3.Connection, collection: Collection, name: str | None, description: str | None, now_s: float
) -> Collection:
    """Renames and describes; None leaves as it is.

    Raises:
        RefusalError: the name cannot be one, or is taken.
    """
    other = queries.collection(tx, collection.project_id, check_collection(name)) if name else None
    if other and other.id != collection.id:
        raise RefusalError(f"there is another collection of the name {name!r} in this project")
    given = {"name": name or None, "description": description}
    changes = {column: value for column, value in given.items() if value is not None}
    writes.update(tx, "collection", collection.id, updated_at_s=now_s, **changes)
    return by_id(tx, Collection, collection.id)


def retype(tx: sqlite3.Connection, collection: Collection, type: str, now_s: float) -> Collection:
    """Gives a collection, and so its versions, another type."""
    writes.update(tx, "collection", collection.id, type=check_type(type), updated_at_s=now_s)
    return by_id(tx, Collection, collection.id)


def tag(tx: sqlite3.Connection, collection: Collection, tags: list[str]) -> None:
    for each in tags:
        artifact_writes.tag_collection(tx, collection.id, check_tag(each))


def untag(tx: sqlite3.Connection, collection: Collection, tags: list[str]) -> None:
    for each in tags:
        artifact_writes.untag_collection(tx, collection.id, each)


def delete(tx: sqlite3.Connection, collection: Collection) -> None:
    """Deletes a collection: a sequence with its versions and all links to them, a portfolio with its links alone.

    Raises:
        RefusalError: a version elsewhere refers to files of one of the versions.
    """
    if collection.kind == SEQUENCE:
        deletion.forget(tx, queries.versions_of(tx, collection.id))
    writes.delete(tx, "collection", collection.id)


def _make(tx: sqlite3.Connection, project: Project, name: str, kind: str, type: str, now_s: float) -> Collection:
    id = writes.insert(
        tx,
        "collection",
        project_id=project.id,
        name=name,
        kind=kind,
        type=type,
        created_at_s=now_s,
        updated_at_s=now_s,
    )
    return by_id(tx, Collection, id)
