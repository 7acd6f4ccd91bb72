"""A version's page as its parts see it."""

import sqlite3
from dataclasses import dataclass
from functools import cached_property

from server.pages.artifact.query import ArtifactQuery
from server.pages.words.addresses import version_url
from server.pages.words.times import Now
from server.pages.words.versions import ShownVersion, shown
from server.store import artifact_page_queries, queries
from server.store.artifact_page_queries import Version
from server.store.artifact_rows import Artifact, Collection, Member
from server.store.rows import Project, Run


@dataclass(frozen=True, eq=False)
class ArtifactView:
    """A version in one read of the store, and what the address asks to see of it.

    Attributes:
        collection: that the address names: the version's sequence, or a portfolio with a link to it.
        member: the version there.
    """

    connection: sqlite3.Connection
    project: Project
    collection: Collection
    member: Member
    query: ArtifactQuery
    now: Now

    @cached_property
    def artifact(self) -> Artifact:
        return queries.by_id(self.connection, Artifact, self.member.artifact_id)

    @cached_property
    def version(self) -> Version:
        (found,) = artifact_page_queries.versions(self.connection, self.collection.id, 1, self.above)
        return found

    @cached_property
    def above(self) -> int:
        """How many versions of the collection are newer."""
        return artifact_page_queries.version_count(self.connection, self.collection.id, self.member.version)

    @cached_property
    def maker(self) -> Run | None:
        """The run that made it; None where none did, or that was deleted."""
        return queries.run_numbered(self.connection, self.artifact.run_id)

    @property
    def sweep_id(self) -> int | None:
        """The sweep whose guests may see this page."""
        return self.maker.sweep_id if self.maker else None

    @property
    def path(self) -> str:
        return version_url(self.version)

    def shown(self, version: Version, here: int | None = None) -> ShownVersion:
        return shown(version, self.now, self.sweep_id, here)
