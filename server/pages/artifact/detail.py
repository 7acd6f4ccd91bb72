"""One version of an artifact: what it holds and what was said of it, who made it and who used it."""

import json
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from charts import format
from server.pages.artifact.files import Listing, listing
from server.pages.artifact.lineage import RunRow, Users, Versions, made_by, users, versions
from server.pages.artifact.view import ArtifactView
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import artifacts_url, project_url
from server.pages.words.notes import rendered
from server.pages.words.sent import Value, listed, read_object
from server.pages.words.times import Moment
from server.pages.words.versions import ShownVersion
from server.store import artifact_page_queries, artifact_queries
from server.store.artifact_rows import PORTFOLIO

REFRESH_S: Final = 5
MAX_VALUES: Final = 200
# No calendar has a day for the longest time that a client may ask for.
FOR_EVER_S: Final = 1000 * 366 * 24 * 3600


@dataclass(frozen=True)
class ArtifactPage:
    """What the template is given.

    Attributes:
        aliases: in the collection of the address; `latest` is one.
        source: where the version is at home, if the address is that of a link to it.
        links: other collections that link to it.
        until: it is kept at least; None for ever.
        step: of the history of the run that made it.
        more_values: of the metadata, that are not shown.
        fetch: the line of a program that takes it.
    """

    title: str
    type: str
    type_url: str
    aliases: list[str]
    tags: list[str]
    size: str
    files: str
    digest: str
    created: Moment
    until: Moment | None
    step: str
    source: ShownVersion | None
    links: list[ShownVersion]
    description: Markup | None
    about: Markup | None
    metadata: list[Value]
    more_values: int
    maker: RunRow | None
    users: Users
    versions: Versions
    listing: Listing
    fetch: str


def artifact_detail(view: ArtifactView) -> Page:
    artifact, version, own = view.artifact, view.version, view.shown(view.version)
    metadata = listed(read_object(artifact.metadata or ""))
    values = ArtifactPage(
        title=own.name,
        type=version.type,
        type_url=artifacts_url(view.project, version.type),
        aliases=own.aliases,
        tags=artifact_queries.tags(view.connection, artifact.id),
        size=format.size(artifact.size_bytes),
        files=format.counted(artifact.file_count, "file"),
        digest=artifact.digest,
        created=view.now.moment(artifact.created_at_s),
        until=_until(view),
        step="" if artifact.history_step is None else format.count(artifact.history_step),
        source=_source(view),
        links=_links(view),
        description=rendered(artifact.description),
        about=rendered(view.collection.description),
        metadata=metadata[:MAX_VALUES],
        more_values=len(metadata[MAX_VALUES:]),
        maker=made_by(view),
        users=users(view),
        versions=versions(view),
        listing=listing(view),
        fetch=_fetch(view, own.name),
    )
    crumbs = (
        Crumb("Sweeps", "/"),
        Crumb(view.project.name, project_url(view.project)),
        Crumb("Artifacts", artifacts_url(view.project)),
        Crumb(own.name),
    )
    return Page("artifact.html", own.name, vars(values), crumbs, REFRESH_S)


def _links(view: ArtifactView) -> list[ShownVersion]:
    found = artifact_page_queries.links(view.connection, view.artifact.id, but=view.collection.id)
    return [view.shown(link) for link in found]


def _until(view: ArtifactView) -> Moment | None:
    ttl_s = view.artifact.ttl_s or 0
    return view.now.moment(view.artifact.created_at_s + ttl_s) if 0 < ttl_s < FOR_EVER_S else None


def _source(view: ArtifactView) -> ShownVersion | None:
    if view.collection.kind != PORTFOLIO:
        return None
    home = artifact_page_queries.at_home(view.connection, view.artifact.id)
    return view.shown(home) if home else None


def _fetch(view: ArtifactView, name: str) -> str:
    quoted = json.dumps(f"{view.project.entity}/{view.project.name}/{name}", ensure_ascii=False)
    return f"run.use_artifact({quoted}).download()"
