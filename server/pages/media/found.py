"""Where the files of media lie: those of a run, and those of an artifact that it has made, as tables are."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from server.ledger import files
from server.ledger.artifacts import content
from server.ledger.artifacts.versions import MADE
from server.refusal import NotFoundError
from server.settings import Settings
from server.store import artifact_queries, queries
from server.store.rows import Run, StoredFile

CLIENT_ARTIFACT: Final = "wandb-client-artifact://"


@dataclass(frozen=True, eq=False)
class RunFiles:
    """The files of one run.

    Attributes:
        path: of the run's page.
    """

    connection: sqlite3.Connection
    settings: Settings
    run: Run
    path: str

    def url(self, name: str, artifact_id: int | None = None) -> str:
        """The address of a file, of the run or of an artifact that it has made."""
        of = {} if artifact_id is None else {"of": str(artifact_id)}
        return f"{self.path}/media?{urlencode({'path': name, **of}, errors='replace')}"

    def stored(self, name: str) -> StoredFile | None:
        return queries.file(self.connection, self.run.id, name)

    def place(self, name: str) -> Path | None:
        """Where a file of the run lies; None while it is not there."""
        path = files.path_of(self.settings.files, self.run.id, name)
        return path if self.stored(name) and path.exists() else None

    def place_in(self, artifact_id: int, name: str) -> Path | None:
        """Where a file of an artifact lies; None if it is not there, or the run has not made that artifact."""
        if not any(made.id == artifact_id for made in artifact_queries.used(self.connection, self.run.id, MADE)):
            return None
        for entry in artifact_queries.entries_named(self.connection, artifact_id, [name]):
            path = content.path_of(self.settings.artifacts, entry.content) if entry.content else None
            if path and path.exists():
                return path
        return None

    def table(self, value: Mapping[str, Any]) -> tuple[Path | None, int | None]:
        """Where a table lies, and the number of its artifact: that alone has the pictures of its cells."""
        client, _, name = str(value.get("artifact_path", "")).removeprefix(CLIENT_ARTIFACT).partition("/")
        artifact = artifact_queries.by_client_name(self.connection, client) if name else None
        path = self.place_in(artifact.id, name) if artifact else None
        if artifact and path:
            return path, artifact.id
        return self.place(str(value.get("path", ""))), None


def asked_file(of: RunFiles, asked: Mapping[str, str]) -> tuple[Path, str]:
    """Where the file lies that an address of `RunFiles.url` asks for, and its name.

    Raises:
        NotFoundError: there is no such file.
    """
    name, number = asked.get("path", ""), asked.get("of")
    if number is None:
        path = of.place(name)
    else:
        known = number.isascii() and number.isdigit() and len(number) < 19
        path = of.place_in(int(number), name) if known else None
    if path is None:
        raise NotFoundError(f"The run has no file {name[:200]!r}.")
    return path, name
