"""Versions that go, and what goes with them: links, aliases, content that no other version has."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from server.ledger import audit
from server.ledger.artifacts import content
from server.ledger.files import AT_ONCE
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import LATEST, Artifact, Collection
from server.store.queries import by_id
from server.store.rows import Run

# Programs that write one version together may wait for each other for long.
ABANDONED_S = 7 * 24 * 3600.0
# Files of a version that go at once: some 50 ms.
SLICE: Final = 2_000


def delete(tx: sqlite3.Connection, artifact: Artifact, with_aliases: bool, now_s: float) -> None:
    """Deletes one version.

    Raises:
        RefusalError: it has aliases and they were not to be deleted, or another version refers to its files.
    """
    aliases = [alias.alias for alias in queries.aliases(tx, artifact.id)]
    if aliases and not with_aliases:
        names = ", ".join(aliases)
        raise RefusalError(f"this version has the aliases {names}: delete it with delete_aliases=True")
    project_id = by_id(tx, Collection, artifact.collection_id).project_id
    audit.note_in_project(tx, "deleted artifact", project_id, _name(tx, artifact), now_s)
    forget(tx, [artifact])


def delete_made_by(tx: sqlite3.Connection, run: Run) -> None:
    """Deletes the versions that a run has made, but those to whose files another version refers."""
    for artifact in queries.made_by(tx, run.id):
        if queries.referring(tx, [artifact.id]) is None:
            forget(tx, [artifact])


def is_anything_due(connection: sqlite3.Connection, now_s: float) -> bool:
    """Whether `delete_abandoned` or `delete_expired` has anything to look at."""
    return queries.abandoned(connection, now_s - ABANDONED_S) is not None or bool(queries.expired(connection, now_s))


def delete_abandoned(tx: sqlite3.Connection, now_s: float) -> bool:
    """Deletes a slice of a version that was begun and of which nothing was heard for a week; whether there was one."""
    number = queries.abandoned(tx, now_s - ABANDONED_S)
    if number is not None:
        forget_some(tx, number)
    return number is not None


def forget_some(tx: sqlite3.Connection, number: int) -> None:
    """Deletes a slice of what a version has that is in no list, at last itself."""
    contents = artifact_writes.drop_some(tx, number, SLICE)
    if contents is None:
        writes.delete(tx, "artifact", number)
    else:
        content.release(tx, contents)


def delete_expired(tx: sqlite3.Connection, now_s: float) -> list[str]:
    """Deletes a few of the versions whose time to live has passed; who uses, links or refers to one keeps it.

    Returns:
        What they were called.
    """
    expired = queries.expired(tx, now_s)[:AT_ONCE]
    names = [_name(tx, artifact) for artifact in expired]
    for artifact in expired:
        forget(tx, [artifact])
    return names


def forget(tx: sqlite3.Connection, artifacts: Sequence[Artifact]) -> None:
    """Deletes versions with their links and aliases; the highest version left in a collection becomes its `latest`.

    What a large one has goes in slices, as if it had been abandoned.

    Raises:
        RefusalError: a version that stays refers to files of one of them.
    """
    refuse_referred(tx, artifacts)
    numbers = [artifact.id for artifact in artifacts]
    large = {number for number in numbers if queries.has_more_than(tx, number, SLICE)}
    contents = {md5 for number in numbers if number not in large for md5 in queries.contents_of(tx, number)}
    without_latest = {
        alias.collection_id for number in numbers for alias in queries.aliases(tx, number) if alias.alias == LATEST
    }
    for number in numbers:
        if number in large:
            artifact_writes.doom(tx, number)
        else:
            writes.delete(tx, "artifact", number)
    for collection_id in without_latest:
        name_latest(tx, collection_id)
    content.release(tx, contents)


def refuse_referred(tx: sqlite3.Connection, artifacts: Sequence[Artifact]) -> None:
    """Lets versions go to whose files no version that stays refers.

    Raises:
        RefusalError: one does.
    """
    other = queries.referring(tx, [artifact.id for artifact in artifacts]) if artifacts else None
    if other is not None:
        raise RefusalError(f"{_name(tx, other)} refers to files of it: delete that one first")


def name_latest(tx: sqlite3.Connection, collection_id: int) -> None:
    """Gives `latest` to the highest version of a collection that has lost it."""
    members = queries.members(tx, collection_id)
    if members:
        artifact_writes.set_alias(tx, collection_id, LATEST, members[0].artifact_id)


def _name(tx: sqlite3.Connection, artifact: Artifact) -> str:
    member = queries.member(tx, artifact.collection_id, artifact.id)
    name = by_id(tx, Collection, artifact.collection_id).name
    return f"{name}:v{member.version}" if member else f"a version of {name} that is being written"
