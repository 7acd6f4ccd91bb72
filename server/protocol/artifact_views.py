"""Collections of artifacts and their versions as filters and orders see them: values by name."""

import sqlite3
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from server.protocol.dates import Date
from server.refusal import RefusalError
from server.store import artifact_queries as queries
from server.store.artifact_rows import Artifact, Collection, Member
from server.store.queries import by_id

CREATED: Final = ("created_at", "createdAt")
UPDATED: Final = ("updated_at", "updatedAt")


@dataclass(frozen=True)
class CollectionView:
    """A collection."""

    tx: sqlite3.Connection
    row: Collection

    def value(self, name: str) -> Any:
        """A value by its name.

        Raises:
            RefusalError: no such name.
        """
        match name:
            case "name" | "type" | "description":
                return getattr(self.row, name)
            case "tags":
                return queries.collection_tags(self.tx, self.row.id)
        return _date(self.row, name, "collections of artifacts", ("name", "type", "description", "tags"))


@dataclass(frozen=True)
class VersionView:
    """A version as a member of a collection; none is there before its commit."""

    tx: sqlite3.Connection
    row: Member

    @cached_property
    def artifact(self) -> Artifact:
        return by_id(self.tx, Artifact, self.row.artifact_id)

    def value(self, name: str) -> Any:
        """As of a collection."""
        match name:
            case "state":
                return "COMMITTED"
            case "version_index" | "versionIndex":
                return self.row.version
            case "digest" | "description":
                return getattr(self.artifact, name)
            case "tags":
                return queries.tags(self.tx, self.row.artifact_id)
            case "aliases":
                found = queries.aliases(self.tx, self.row.artifact_id, self.row.collection_id)
                return [alias.alias for alias in found]
        names = ("state", "version_index", "digest", "description", "tags", "aliases")
        return _date(self.row if name in CREATED else self.artifact, name, "versions", names)


def _date(row: Any, name: str, what: str, other_names: tuple[str, ...]) -> Date:
    if name in CREATED:
        return Date(row.created_at_s)
    if name in UPDATED:
        return Date(row.updated_at_s)
    allowed = ", ".join((*other_names, *CREATED, *UPDATED))
    raise RefusalError(f"{what} cannot be filtered or ordered by {name!r}; allowed: {allowed}")
