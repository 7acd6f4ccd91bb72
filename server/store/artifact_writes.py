"""Writes of artifacts that are more than one row by its number. Only the ledger calls them."""

import sqlite3
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Final

from server.store import slices
from server.store.artifact_rows import PENDING, Layer, ManifestEntry

ENTRY: Final = tuple(field.name for field in fields(ManifestEntry))
values_of = attrgetter(*ENTRY)
# Of what a manifest tells the sizes of what is really stored count, and the versions that became others.
FOUND: Final = {
    "size_bytes": "SELECT content.size_bytes FROM content WHERE md5 = described_entry.content",
    "refers_to": "SELECT artifact_id FROM merged WHERE merged.id = refers_to",
}
COLUMNS: Final = {
    "manifest_entry": ", ".join(ENTRY),
    "described_entry": ", ".join(f"coalesce(({FOUND[name]}), {name})" if name in FOUND else name for name in ENTRY),
}
WANTED, DESCRIBED = "wanted", "described_entry"
# What a version has, by table: the column with what a row holds, its key, whose it is.
OWNED: Final = {
    "manifest_entry": ("content", "artifact_id, path", "artifact_id = :id"),
    WANTED: ("md5", "artifact_id, md5", "artifact_id = :id"),
    DESCRIBED: ("NULL", "manifest_id, path", "manifest_id IN (SELECT id FROM main.manifest WHERE artifact_id = :id)"),
}


def set_alias(connection: sqlite3.Connection, collection_id: int, alias: str, artifact_id: int) -> None:
    """Gives a version an alias, and takes it from the one that had it."""
    connection.execute("DELETE FROM main.alias WHERE collection_id = ? AND alias = ?", (collection_id, alias))
    sql = "INSERT INTO main.alias (collection_id, alias, artifact_id) VALUES (?, ?, ?)"
    connection.execute(sql, (collection_id, alias, artifact_id))


def drop_alias(connection: sqlite3.Connection, collection_id: int, alias: str, artifact_id: int) -> None:
    sql = "DELETE FROM main.alias WHERE collection_id = ? AND alias = ? AND artifact_id = ?"
    connection.execute(sql, (collection_id, alias, artifact_id))


def tag_artifact(connection: sqlite3.Connection, artifact_id: int, tag: str) -> None:
    connection.execute("INSERT OR IGNORE INTO artifact_tag (artifact_id, tag) VALUES (?, ?)", (artifact_id, tag))


def untag_artifact(connection: sqlite3.Connection, artifact_id: int, tag: str) -> None:
    connection.execute("DELETE FROM artifact_tag WHERE artifact_id = ? AND tag = ?", (artifact_id, tag))


def tag_collection(connection: sqlite3.Connection, collection_id: int, tag: str) -> None:
    connection.execute("INSERT OR IGNORE INTO collection_tag (collection_id, tag) VALUES (?, ?)", (collection_id, tag))


def untag_collection(connection: sqlite3.Connection, collection_id: int, tag: str) -> None:
    connection.execute("DELETE FROM collection_tag WHERE collection_id = ? AND tag = ?", (collection_id, tag))


def name_by_client(
    connection: sqlite3.Connection, name: str, artifact_id: int | None, collection_id: int | None
) -> None:
    """Notes a client's own name of a version or a sequence."""
    connection.execute(
        "INSERT OR REPLACE INTO client_name (name, artifact_id, collection_id) VALUES (?, ?, ?)",
        (name, artifact_id, collection_id),
    )


def use(connection: sqlite3.Connection, run_id: int, artifact_id: int, direction: str) -> None:
    """Notes that a run has taken (`in`) or made (`out`) a version."""
    connection.execute(
        "INSERT OR IGNORE INTO usage (run_id, artifact_id, direction) VALUES (?, ?, ?)",
        (run_id, artifact_id, direction),
    )


def put_described(connection: sqlite3.Connection, manifest_id: int, entries: Iterable[ManifestEntry]) -> None:
    """Keeps some of what a manifest tells."""
    marks = ", ".join("?" * (len(ENTRY) + 1))
    sql = f"INSERT OR REPLACE INTO described_entry (manifest_id, {', '.join(ENTRY)}) VALUES ({marks})"
    connection.executemany(sql, ((manifest_id, *values_of(entry)) for entry in entries))


def drop_described(connection: sqlite3.Connection, manifest_id: int, most: int) -> bool:
    """Forgets so much of what a manifest told; whether there may be more."""
    where, given = "manifest_id = :manifest", {"manifest": manifest_id}
    return len(slices.drop_some(connection, "described_entry", "manifest_id, path", where, given, most)) == most


def lay(connection: sqlite3.Connection, artifact_id: int, layer: Layer, after: str, to: str) -> None:
    """Gives a version what a manifest tells or another version has, over what it has.

    Args:
        after, to: of these paths, the first left out and the last with it.
    """
    sql = (
        f"INSERT OR REPLACE INTO manifest_entry (artifact_id, {', '.join(ENTRY)}) "
        f"SELECT ?, {COLUMNS[layer.table]} FROM {layer.table} WHERE {layer.owner} = ? AND path > ? AND path <= ?"
    )
    connection.execute(sql, (artifact_id, layer.number, after, to))


def hand_over(connection: sqlite3.Connection, number: int, to: int) -> None:
    """Gives what a version has of runs, tags, names and references to another one, which answers to its number too."""
    for table, columns in (("usage", "run_id, direction"), ("artifact_tag", "tag")):
        sql = f"INSERT OR IGNORE INTO {table} (artifact_id, {columns}) SELECT ?, {columns} FROM {table}"
        connection.execute(f"{sql} WHERE artifact_id = ?", (to, number))
    connection.execute("UPDATE client_name SET artifact_id = ? WHERE artifact_id = ?", (to, number))
    connection.execute("UPDATE manifest_entry SET refers_to = ? WHERE refers_to = ?", (to, number))
    connection.execute("INSERT INTO merged (id, artifact_id) VALUES (?, ?)", (number, to))


def drop_manifests(connection: sqlite3.Connection, artifact_id: int) -> None:
    connection.execute("DELETE FROM main.manifest WHERE artifact_id = ?", (artifact_id,))


def want(connection: sqlite3.Connection, artifact_id: int, md5: str) -> None:
    connection.execute("INSERT OR IGNORE INTO wanted (artifact_id, md5) VALUES (?, ?)", (artifact_id, md5))


def mark_sent(connection: sqlite3.Connection, artifact_id: int, md5: str) -> None:
    """Notes that who writes a version had these bytes to send."""
    connection.execute("UPDATE wanted SET sent = 1 WHERE artifact_id = ? AND md5 = ?", (artifact_id, md5))


def drop_some(connection: sqlite3.Connection, artifact_id: int, most: int) -> list[str] | None:
    """Drops so many files, references and promises of a version; what they held, or None where none was left."""
    for table in OWNED:
        if gone := drop_some_of(connection, table, artifact_id, most):
            return [md5 for md5 in gone if md5 is not None]
    return None


def drop_some_of(connection: sqlite3.Connection, table: str, artifact_id: int, most: int) -> list[str | None]:
    """Drops so many rows that a version has in a table; what each held."""
    content, key, where = OWNED[table]
    return slices.drop_some(connection, table, key, where, {"id": artifact_id}, most, content)


def doom(connection: sqlite3.Connection, artifact_id: int) -> None:
    """Takes a version from all lists and names, so that it is one that was begun and of which nothing is heard."""
    for table in ("member", "alias", "client_name", "usage", "artifact_tag", "merged"):
        connection.execute(f"DELETE FROM main.{table} WHERE artifact_id = ?", (artifact_id,))
    columns = "state = ?, updated_at_s = 0, digest = '', distributed_id = NULL"
    connection.execute(f"UPDATE main.artifact SET {columns} WHERE id = ?", (PENDING, artifact_id))


def put_content(connection: sqlite3.Connection, md5: str, size_bytes: int, now_s: float) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO content (md5, size_bytes, stored_at_s) VALUES (?, ?, ?)", (md5, size_bytes, now_s)
    )


def discard_content(connection: sqlite3.Connection, md5: str) -> None:
    """Forgets a content and notes that its bytes are to be removed."""
    connection.execute("DELETE FROM content WHERE md5 = ?", (md5,))
    connection.execute("INSERT OR IGNORE INTO discarded_content (md5) VALUES (?)", (md5,))


def forget_discarded_content(connection: sqlite3.Connection, md5: str) -> None:
    connection.execute("DELETE FROM discarded_content WHERE md5 = ?", (md5,))
