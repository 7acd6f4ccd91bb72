"""Named reads of artifacts: SQL in, typed rows out. Every function takes a connection inside a transaction."""

import json
import re
import sqlite3
from collections.abc import Iterable
from typing import Final

from server.store.artifact_rows import (
    COMMITTED,
    LATEST,
    PENDING,
    Alias,
    Artifact,
    Collection,
    Layer,
    Manifest,
    ManifestEntry,
    Member,
)
from server.store.queries import all_rows, listed, one_row
from server.store.rows import Run
from server.store.scope import asking
from terms import states

# A preempted run will read again what it has taken.
UNDER_WAY: Final = listed((*states.LIVE, states.PREEMPTED))
# Of committed versions that may be seen.
HAD: Final = (
    "SELECT 1 FROM manifest_entry AS had JOIN artifact ON artifact.id = had.artifact_id "
    f"WHERE artifact.state = '{COMMITTED}'"
)
# A version that is being committed has some of its files already.
OF_COMMITTED: Final = f"WHERE artifact_id = (SELECT id FROM artifact WHERE id = ? AND state = '{COMMITTED}')"
VERSION = re.compile(r"v(0|[1-9][0-9]{0,17})")


def collection(connection: sqlite3.Connection, project_id: int, name: str) -> Collection | None:
    return one_row(connection, Collection, "WHERE project_id = ? AND name = ?", project_id, name)


def collections(connection: sqlite3.Connection, project_id: int, type: str | None = None) -> list[Collection]:
    """Sequences and portfolios of a project, of one type or of all, the newest first."""
    where = "WHERE project_id = ? AND type = coalesce(?, type) ORDER BY created_at_s DESC, id DESC"
    return all_rows(connection, Collection, where, project_id, type)


def types(connection: sqlite3.Connection, project_id: int) -> list[tuple[str, float]]:
    """(name, UTC seconds since when) of the types of a project's collections."""
    sql = "SELECT type, min(created_at_s) FROM collection WHERE project_id = ? GROUP BY type ORDER BY type"
    return list(connection.execute(sql, (project_id,)))


def numbered(connection: sqlite3.Connection, number: int) -> Artifact | None:
    """The version of a number, or the one that it has become at its commit."""
    where = "WHERE id = coalesce((SELECT artifact_id FROM merged WHERE merged.id = ?1), ?1)"
    return one_row(connection, Artifact, where, number)


def by_client_name(connection: sqlite3.Connection, name: str) -> Artifact | None:
    """The version that a client knows by a name of its own."""
    return one_row(connection, Artifact, "WHERE id = (SELECT artifact_id FROM client_name WHERE name = ?)", name)


def committed_twin(connection: sqlite3.Connection, collection_id: int, digest: str) -> Artifact | None:
    """The newest version of a sequence with this content."""
    where = f"WHERE collection_id = ? AND digest = ? AND state = '{COMMITTED}' ORDER BY id DESC LIMIT 1"
    return one_row(connection, Artifact, where, collection_id, digest)


def distributed(connection: sqlite3.Connection, collection_id: int, distributed_id: str) -> Artifact | None:
    """The version that several programs are writing together under this id."""
    where = f"WHERE collection_id = ? AND distributed_id = ? AND state = '{PENDING}' ORDER BY id DESC LIMIT 1"
    return one_row(connection, Artifact, where, collection_id, distributed_id)


def member(connection: sqlite3.Connection, collection_id: int, artifact_id: int) -> Member | None:
    return one_row(connection, Member, "WHERE collection_id = ? AND artifact_id = ?", collection_id, artifact_id)


def members(connection: sqlite3.Connection, collection_id: int) -> list[Member]:
    """Versions in a collection, the highest first."""
    return all_rows(connection, Member, "WHERE collection_id = ? ORDER BY version DESC", collection_id)


def memberships(connection: sqlite3.Connection, artifact_id: int) -> list[Member]:
    """Where a version is found: in its sequence, then in portfolios."""
    return all_rows(connection, Member, "WHERE artifact_id = ? ORDER BY id", artifact_id)


def member_called(connection: sqlite3.Connection, collection_id: int, name: str) -> Member | None:
    """The version in a collection that has an alias, a number (`v3`), or a digest."""
    by_alias = "SELECT artifact_id FROM alias WHERE alias.collection_id = member.collection_id AND alias = ?"
    found = one_row(connection, Member, f"WHERE collection_id = ? AND artifact_id = ({by_alias})", collection_id, name)
    if found is None and (number := VERSION.fullmatch(name)):
        return one_row(connection, Member, "WHERE collection_id = ? AND version = ?", collection_id, int(number[1]))
    if found is None:
        where = (
            "WHERE collection_id = ? AND (SELECT digest FROM artifact WHERE artifact.id = member.artifact_id) = ? "
            "ORDER BY version DESC LIMIT 1"
        )
        return one_row(connection, Member, where, collection_id, name)
    return found


def latest_version(connection: sqlite3.Connection, collection_id: int) -> Artifact | None:
    """What `latest` names in a collection."""
    where = "WHERE id = (SELECT artifact_id FROM alias WHERE collection_id = ? AND alias = ?)"
    return one_row(connection, Artifact, where, collection_id, LATEST)


def aliases(connection: sqlite3.Connection, artifact_id: int, collection_id: int | None = None) -> list[Alias]:
    """A version's aliases, in one collection or in all."""
    where = "WHERE artifact_id = ? AND collection_id = coalesce(?, collection_id) ORDER BY id"
    return all_rows(connection, Alias, where, artifact_id, collection_id)


def aliases_in(connection: sqlite3.Connection, collection_id: int) -> list[Alias]:
    return all_rows(connection, Alias, "WHERE collection_id = ? ORDER BY alias", collection_id)


def tags(connection: sqlite3.Connection, artifact_id: int) -> list[str]:
    sql = "SELECT tag FROM artifact_tag WHERE artifact_id = ? ORDER BY tag"
    return [tag for (tag,) in connection.execute(sql, (artifact_id,))]


def collection_tags(connection: sqlite3.Connection, collection_id: int) -> list[str]:
    sql = "SELECT tag FROM collection_tag WHERE collection_id = ? ORDER BY tag"
    return [tag for (tag,) in connection.execute(sql, (collection_id,))]


def used(connection: sqlite3.Connection, run_id: int, direction: str) -> list[Artifact]:
    """Committed versions that a run has taken (`in`) or made (`out`), in the order of their making."""
    where = (
        f"WHERE state = '{COMMITTED}' AND id IN "
        "(SELECT artifact_id FROM usage WHERE run_id = ? AND direction = ?) ORDER BY id"
    )
    return all_rows(connection, Artifact, where, run_id, direction)


def users(connection: sqlite3.Connection, artifact_id: int) -> list[Run]:
    """Runs that have taken a version."""
    where = "WHERE id IN (SELECT run_id FROM usage WHERE artifact_id = ? AND direction = 'in') ORDER BY id"
    return all_rows(connection, Run, where, artifact_id)


def made_by(connection: sqlite3.Connection, run_id: int) -> list[Artifact]:
    """All versions that a run has begun, committed or not."""
    return all_rows(connection, Artifact, "WHERE run_id = ? ORDER BY id", run_id)


def manifests(connection: sqlite3.Connection, artifact_id: int) -> list[Manifest]:
    """Uploaded manifests of a version that is not committed, in order."""
    return all_rows(connection, Manifest, "WHERE artifact_id = ? AND uploaded = 1 ORDER BY id", artifact_id)


def last_path(connection: sqlite3.Connection, layer: Layer) -> str:
    """The last of some entries' paths; empty if there are none."""
    sql = f"SELECT coalesce(max(path), '') FROM {layer.table} WHERE {layer.owner} = ?"
    return str(connection.execute(sql, (layer.number,)).fetchone()[0])


def path_after(connection: sqlite3.Connection, layer: Layer, after: str, count: int) -> str | None:
    """The path that stands so many places after another one among some entries; None if there are fewer."""
    sql = f"SELECT path FROM {layer.table} WHERE {layer.owner} = ? AND path > ? ORDER BY path LIMIT 1 OFFSET ?"
    row = connection.execute(sql, (layer.number, after, count - 1)).fetchone()
    return None if row is None else str(row[0])


def content_after(
    connection: sqlite3.Connection, artifact_id: int, after: str, most: int
) -> list[tuple[str, str, int]]:
    """(path, digest, bytes) of the next files and references of a version, in order."""
    sql = "SELECT path, digest, size_bytes FROM manifest_entry WHERE artifact_id = ? AND path > ? ORDER BY path LIMIT ?"
    return connection.execute(sql, (artifact_id, after, most)).fetchall()


def paths_without_bytes(connection: sqlite3.Connection, artifact_id: int, after: str, to: str) -> list[str]:
    """Files of a version whose content is not stored, or that its writer has neither sent nor elsewhere.

    Args:
        after, to: of these paths, the first left out and the last with it.
    """
    sql = (
        "SELECT path FROM manifest_entry WHERE artifact_id = :artifact AND path > :after AND path <= :to "
        "AND content IS NOT NULL AND ("
        "NOT EXISTS (SELECT 1 FROM content WHERE md5 = manifest_entry.content) OR :limited AND NOT EXISTS "
        "(SELECT 1 FROM wanted WHERE artifact_id = :artifact AND md5 = manifest_entry.content AND sent = 1) "
        f"AND NOT EXISTS ({HAD} AND had.content = manifest_entry.content)) ORDER BY path"
    )
    values = {"artifact": artifact_id, "limited": asking().entities is not None, "after": after, "to": to}
    return [path for (path,) in connection.execute(sql, values)]


def entries(connection: sqlite3.Connection, artifact_id: int) -> list[ManifestEntry]:
    """A committed version's files and references by path."""
    return all_rows(connection, ManifestEntry, f"{OF_COMMITTED} ORDER BY path", artifact_id)


def entries_named(connection: sqlite3.Connection, artifact_id: int, paths: Iterable[str]) -> list[ManifestEntry]:
    where = f"{OF_COMMITTED} AND path IN (SELECT value FROM json_each(?)) ORDER BY path"
    return all_rows(connection, ManifestEntry, where, artifact_id, json.dumps(list(paths)))


def holds(connection: sqlite3.Connection, collection_id: int, artifact_id: int | None, md5: str) -> bool:
    """Tells whether a version in a collection, or any of them, has a file with this content."""
    sql = (
        "SELECT 1 FROM manifest_entry WHERE content = ? AND artifact_id IN "
        "(SELECT artifact_id FROM member WHERE collection_id = ? AND artifact_id = coalesce(?, artifact_id)) LIMIT 1"
    )
    return connection.execute(sql, (md5, collection_id, artifact_id)).fetchone() is not None


def has_content(connection: sqlite3.Connection, artifact_id: int, md5: str) -> bool:
    """Tells whether a committed version has a file with this content."""
    sql = f"{HAD} AND had.content = ? AND artifact.id = ? LIMIT 1"
    return connection.execute(sql, (md5, artifact_id)).fetchone() is not None


def referring(connection: sqlite3.Connection, artifact_ids: Iterable[int]) -> Artifact | None:
    """A version outside of these with a reference into one of them."""
    of = listed(artifact_ids)
    where = (
        f"WHERE id NOT IN {of} AND id IN (SELECT artifact_id FROM manifest_entry WHERE refers_to IN {of}) "
        "ORDER BY id LIMIT 1"
    )
    return one_row(connection, Artifact, where)


def content_size(connection: sqlite3.Connection, md5: str) -> int | None:
    """Bytes of a content that is stored, or None."""
    row = connection.execute("SELECT size_bytes FROM content WHERE md5 = ?", (md5,)).fetchone()
    return None if row is None else int(row[0])


def is_known(connection: sqlite3.Connection, md5: str) -> bool:
    """Tells whether a content is stored and the one who asks has it: to know a digest is not to have the bytes."""
    is_stored = content_size(connection, md5) is not None
    if not is_stored or asking().entities is None:
        return is_stored
    return connection.execute(f"{HAD} AND had.content = ? LIMIT 1", (md5,)).fetchone() is not None


def contents_of(connection: sqlite3.Connection, artifact_id: int) -> set[str]:
    """What a version's files hold, and what it has asked for while it was written."""
    sql = (
        "SELECT content FROM manifest_entry WHERE artifact_id = ?1 AND content IS NOT NULL UNION "
        "SELECT md5 FROM wanted WHERE artifact_id = ?1"
    )
    return {md5 for (md5,) in connection.execute(sql, (artifact_id,))}


def is_wanted(connection: sqlite3.Connection, artifact_id: int, md5: str) -> bool:
    sql = "SELECT 1 FROM wanted JOIN artifact ON id = artifact_id WHERE artifact_id = ? AND md5 = ?"
    return connection.execute(sql, (artifact_id, md5)).fetchone() is not None


def unused(connection: sqlite3.Connection, md5s: Iterable[str]) -> list[str]:
    """Those of these contents that no version has and none is waiting for."""
    sql = (
        "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM manifest_entry WHERE content = value) "
        "AND NOT EXISTS (SELECT 1 FROM wanted WHERE md5 = value)"
    )
    return [md5 for (md5,) in connection.execute(sql, (json.dumps(list(md5s)),))]


def discarded_contents(connection: sqlite3.Connection, limit: int = 1) -> list[str]:
    """Some contents whose bytes are to be removed, if they are not stored again."""
    return [md5 for (md5,) in connection.execute("SELECT md5 FROM discarded_content LIMIT ?", (limit,))]


def abandoned(connection: sqlite3.Connection, before_s: float) -> int | None:
    """The number of a version that is not committed and of which nothing was heard since."""
    sql = f"SELECT id FROM artifact WHERE state = '{PENDING}' AND updated_at_s < ? LIMIT 1"
    found = connection.execute(sql, (before_s,)).fetchone()
    return None if found is None else int(found[0])


def any_of_project(connection: sqlite3.Connection, project_id: int) -> int | None:
    """The number of a version of a project, deleted or not."""
    of = "SELECT id FROM main.collection WHERE project_id = ?"
    found = connection.execute(f"SELECT id FROM main.artifact WHERE collection_id IN ({of}) LIMIT 1", (project_id,))
    row = found.fetchone()
    return None if row is None else int(row[0])


def has_more_than(connection: sqlite3.Connection, artifact_id: int, most: int) -> bool:
    """Whether a version has more files and references than that, or is being written with more."""
    sql = (
        "SELECT 1 FROM manifest_entry WHERE artifact_id = ?1 UNION ALL SELECT 1 FROM wanted WHERE artifact_id = ?1 "
        "UNION ALL SELECT 1 FROM manifest JOIN described_entry ON manifest_id = manifest.id WHERE artifact_id = ?1 "
        "LIMIT 1 OFFSET ?2"
    )
    return connection.execute(sql, (artifact_id, most)).fetchone() is not None


def expired(connection: sqlite3.Connection, now_s: float) -> list[Artifact]:
    """Versions whose time to live has passed, but those that are linked, referred to, or taken by a run under way."""
    using = f"SELECT 1 FROM usage JOIN run ON run.id = run_id WHERE direction = 'in' AND state IN {UNDER_WAY}"
    where = (
        f"WHERE ttl_s > 0 AND state = '{COMMITTED}' AND created_at_s + ttl_s <= ? "
        "AND NOT EXISTS (SELECT 1 FROM member WHERE artifact_id = artifact.id AND "
        "member.collection_id != artifact.collection_id) "
        "AND NOT EXISTS (SELECT 1 FROM manifest_entry WHERE refers_to = artifact.id AND artifact_id != artifact.id) "
        f"AND NOT EXISTS ({using} AND usage.artifact_id = artifact.id) ORDER BY created_at_s + ttl_s"
    )
    return all_rows(connection, Artifact, where, now_s)


def versions_of(connection: sqlite3.Connection, collection_id: int) -> list[Artifact]:
    """All versions that a sequence owns, committed or not."""
    return all_rows(connection, Artifact, "WHERE collection_id = ? ORDER BY id", collection_id)
