"""Named reads of the pages of artifacts. As all of them: SQL in, typed rows out, inside a transaction."""

import sqlite3
from dataclasses import dataclass

from server.store.page_queries import number
from server.store.queries import all_rows
from server.store.rows import Run


@dataclass(frozen=True, slots=True)
class Version:
    """A committed version as one collection has it.

    Attributes:
        number: 3 for v3, in this collection.
        aliases: JSON, a list of those that it has in this collection.
        sweep_id: of the run that made it.
    """

    artifact_id: int
    entity: str
    project: str
    type: str
    collection: str
    number: int
    aliases: str
    size_bytes: int
    file_count: int
    created_at_s: float
    sweep_id: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder of a version holds.

    Attributes:
        name: in the folder; one that ends in "/" is a folder itself.
        files: how many it holds, with all folders in it.
        size_bytes: of all of them; what programs say of references may add up to more than any integer.
        path, content, ref, refers_to: of a file, as in its manifest; those of a folder mean nothing.
    """

    name: str
    files: int
    size_bytes: float
    path: str
    content: str | None
    ref: str | None
    refers_to: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A collection in a list; `last` is the number of its highest version."""

    type: str
    name: str
    kind: str
    versions: int
    last: int
    changed_at_s: float


VERSION = (
    "SELECT artifact.id, project.entity, project.name, collection.type, collection.name, member.version, "
    "(SELECT json_group_array(alias) FROM alias WHERE alias.collection_id = collection.id "
    "AND alias.artifact_id = artifact.id), artifact.size_bytes, artifact.file_count, artifact.created_at_s, "
    "run.sweep_id FROM member JOIN artifact ON artifact.id = member.artifact_id "
    "JOIN collection ON collection.id = member.collection_id JOIN project ON project.id = collection.project_id "
    "LEFT JOIN run ON run.id = artifact.run_id"
)
AT_HOME = "member.collection_id = artifact.collection_id"
# The part of a path that stands right in a folder.
NAME = (
    "CASE instr(substr(path, length(:folder) + 1), '/') WHEN 0 THEN substr(path, length(:folder) + 1) "
    "ELSE substr(path, length(:folder) + 1, instr(substr(path, length(:folder) + 1), '/')) END"
)
IN_FOLDER = "artifact_id = :artifact AND path >= :folder AND substr(path, 1, length(:folder)) = :folder"
HAS_VERSIONS = "EXISTS (SELECT 1 FROM member WHERE member.collection_id = collection.id)"


def versions(connection: sqlite3.Connection, collection_id: int, limit: int, offset: int) -> list[Version]:
    """Versions in a collection, the highest first."""
    where = "member.collection_id = ? ORDER BY member.version DESC LIMIT ? OFFSET ?"
    return _versions(connection, where, collection_id, limit, offset)


def version_count(connection: sqlite3.Connection, collection_id: int, above: int = -1) -> int:
    """How many versions of a collection have a number above this one."""
    sql = "SELECT count(*) FROM member WHERE collection_id = ? AND version > ?"
    return number(connection, sql, collection_id, above)


def at_home(connection: sqlite3.Connection, artifact_id: int) -> Version | None:
    """A version in the sequence that owns it; None where it is not committed or gone."""
    return next(iter(_versions(connection, f"{AT_HOME} AND artifact.id = ?", artifact_id)), None)


def links(connection: sqlite3.Connection, artifact_id: int, but: int) -> list[Version]:
    """A version in the portfolios that link to it, but one."""
    where = f"NOT {AT_HOME} AND artifact.id = ? AND collection.id <> ? ORDER BY member.id"
    return _versions(connection, where, artifact_id, but)


def of_run(connection: sqlite3.Connection, run_id: int, direction: str, limit: int) -> list[Version]:
    """Versions that a run has made (`out`) or taken (`in`), the last first."""
    where = f"{AT_HOME} AND {_used(direction)} ORDER BY artifact.id DESC LIMIT ?"
    return _versions(connection, where, run_id, limit)


def count_of_run(connection: sqlite3.Connection, run_id: int, direction: str) -> int:
    sql = (
        "SELECT count(*) FROM member JOIN artifact ON artifact.id = member.artifact_id "
        f"WHERE {AT_HOME} AND {_used(direction)}"
    )
    return number(connection, sql, run_id)


def made(connection: sqlite3.Connection, run_id: int, type: str, alias: str) -> Version | None:
    """A version of a type that a run has made: the one with the alias, else its last one."""
    where = (
        f"{AT_HOME} AND {_used('out')} AND collection.type = ? ORDER BY EXISTS (SELECT 1 FROM alias WHERE "
        "alias.artifact_id = artifact.id AND alias.collection_id = collection.id AND alias = ?) DESC, "
        "artifact.id DESC LIMIT 1"
    )
    return next(iter(_versions(connection, where, run_id, type, alias)), None)


def users(connection: sqlite3.Connection, artifact_id: int, limit: int, offset: int) -> list[Run]:
    """Runs that have taken a version, the last first."""
    where = (
        "WHERE id IN (SELECT run_id FROM usage WHERE artifact_id = ? AND direction = 'in') "
        "ORDER BY id DESC LIMIT ? OFFSET ?"
    )
    return all_rows(connection, Run, where, artifact_id, limit, offset)


def user_count(connection: sqlite3.Connection, artifact_id: int) -> int:
    return number(connection, "SELECT count(*) FROM usage WHERE artifact_id = ? AND direction = 'in'", artifact_id)


def folder(
    connection: sqlite3.Connection, artifact_id: int, folder: str, limit: int, offset: int
) -> tuple[list[Entry], int]:
    """What a folder of a version holds, by name, folders first, and how many entries it has in all.

    Args:
        folder: its path with a "/" at the end; "" for the whole.
    """
    sql = (
        f"SELECT {NAME} AS name, count(*), total(size_bytes), path, content, ref, refers_to, "
        f"count(*) OVER () FROM manifest_entry WHERE {IN_FOLDER} GROUP BY name "
        "ORDER BY substr(name, -1) <> '/', name LIMIT :limit OFFSET :offset"
    )
    values = {"artifact": artifact_id, "folder": folder, "limit": limit, "offset": offset}
    rows = connection.execute(sql, values).fetchall()
    return [Entry(*row[:-1]) for row in rows], rows[0][-1] if rows else 0


def types(connection: sqlite3.Connection, project_id: int) -> dict[str, int]:
    """How many collections with versions a project has, by type."""
    sql = f"SELECT type, count(*) FROM collection WHERE project_id = ? AND {HAS_VERSIONS} GROUP BY type ORDER BY type"
    return dict(connection.execute(sql, (project_id,)))


def collections(
    connection: sqlite3.Connection, project_id: int, type: str | None, limit: int, offset: int
) -> list[Listed]:
    """Collections with versions, of one type or of all; the one with the newest version first."""
    sql = (
        "SELECT type, name, kind, count(*), max(version), max(member.created_at_s) FROM collection "
        "JOIN member ON member.collection_id = collection.id WHERE project_id = ? AND type = coalesce(?, type) "
        "GROUP BY collection.id ORDER BY 6 DESC, collection.id DESC LIMIT ? OFFSET ?"
    )
    return [Listed(*row) for row in connection.execute(sql, (project_id, type, limit, offset))]


def _versions(connection: sqlite3.Connection, where: str, *values: object) -> list[Version]:
    return [Version(*row) for row in connection.execute(f"{VERSION} WHERE {where}", values)]


def _used(direction: str) -> str:
    """A clause for the versions that a run, by its number, has made or taken."""
    return f"artifact.id IN (SELECT artifact_id FROM usage WHERE run_id = ? AND direction = '{direction}')"
