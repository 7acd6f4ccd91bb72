"""What the address of a version's page asks for: which folder, and which page of each list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from server.pages.words.paging import page_number

FOLDER: Final = "folder"
FILES: Final = "files"
VERSIONS: Final = "versions"
USERS: Final = "users"


@dataclass(frozen=True)
class ArtifactQuery:
    """Pages count from 1.

    Attributes:
        folder: its path with a "/" at the end; "" for the whole version.
        versions: None for the page that has the version itself.
    """

    folder: str = ""
    files: int = 1
    versions: int | None = None
    users: int = 1

    def url(self, path: str) -> str:
        """The address that asks for this, without what goes without saying."""
        usual = ArtifactQuery()
        asked = {name: value for name, value in vars(self).items() if value != getattr(usual, name)}
        return f"{path}?{urlencode(asked)}" if asked else path


def artifact_query(given: Mapping[str, str]) -> ArtifactQuery:
    """Reads an address; what makes no sense is as if it were not there."""
    folder = given.get(FOLDER, "")
    return ArtifactQuery(
        folder=folder if folder.endswith("/") else "",
        files=page_number(given, FILES),
        versions=page_number(given, VERSIONS) if VERSIONS in given else None,
        users=page_number(given, USERS),
    )
