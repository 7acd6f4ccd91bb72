"""A version of an artifact as pages name it."""

import json
from dataclasses import dataclass

from charts import format
from server.pages.words.addresses import version_url
from server.pages.words.times import Moment, Now
from server.store.artifact_page_queries import Version


@dataclass(frozen=True)
class ShownVersion:
    """A link to a version.

    Attributes:
        number: as "v3".
        shared: whether a guest of the sweep that the page is of may open it.
        here: whether the page is its own.
    """

    collection: str
    number: str
    url: str
    shared: bool
    type: str
    aliases: list[str]
    size: str
    created: Moment
    here: bool = False

    @property
    def name(self) -> str:
        return f"{self.collection}:{self.number}"


def shown(version: Version, now: Now, sweep_id: int | None, here: int | None = None) -> ShownVersion:
    """Names a version.

    Args:
        sweep_id: the sweep that the page is of.
        here: number of the version that the page is of.
    """
    return ShownVersion(
        collection=version.collection,
        number=f"v{version.number}",
        url=version_url(version),
        shared=sweep_id is not None and version.sweep_id == sweep_id,
        type=version.type,
        aliases=json.loads(version.aliases),
        size=format.size(version.size_bytes),
        created=now.moment(version.created_at_s),
        here=version.number == here,
    )
