"""The artifacts of a project: a row a collection, the one with the newest version first."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from charts import format
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import artifacts_url, last_url, project_url
from server.pages.words.facts import Segment
from server.pages.words.paging import pages
from server.pages.words.times import Moment, Now
from server.refusal import NotFoundError
from server.store import artifact_page_queries as queries
from server.store.artifact_page_queries import Listed
from server.store.artifact_rows import PORTFOLIO
from server.store.rows import Project

PER_PAGE: Final = 50
REFRESH_S: Final = 5


@dataclass(frozen=True)
class CollectionRow:
    """A collection; `url` is that of its highest version, `linked` tells that it only links to versions elsewhere."""

    name: str
    url: str
    type: str
    linked: bool
    versions: str
    changed: Moment


def artifact_list(connection: sqlite3.Connection, project: Project, type: str | None, number: int, now: Now) -> Page:
    """Builds the page.

    Args:
        type: of one type alone.
        number: of the page, from 1.

    Raises:
        NotFoundError: the project has no artifact of this type.
    """
    types = queries.types(connection, project.id)
    if type is not None and type not in types:
        raise NotFoundError(f"Project {project.name} has no artifact of type {type}.")
    url = artifacts_url(project, type)
    total = sum(types.values()) if type is None else types[type]
    found = queries.collections(connection, project.id, type, PER_PAGE, (number - 1) * PER_PAGE)
    values = {
        "segments": _segments(project, types, type),
        "collections": [_row(project, listed, now) for listed in found],
        "pages": pages(total, PER_PAGE, number, lambda number: f"{url}?page={number}"),
    }
    crumbs = (Crumb("Sweeps", "/"), Crumb(project.name, project_url(project)), Crumb("Artifacts"))
    return Page("artifacts.html", f"Artifacts of {project.name}", values, crumbs, REFRESH_S)


def _segments(project: Project, types: dict[str, int], chosen: str | None) -> list[Segment]:
    all = Segment(f"All {format.count(sum(types.values()))}", artifacts_url(project), chosen is None)
    each = [
        Segment(f"{type} {format.count(count)}", artifacts_url(project, type), type == chosen)
        for type, count in types.items()
    ]
    return [all, *each] if types else []


def _row(project: Project, listed: Listed, now: Now) -> CollectionRow:
    return CollectionRow(
        name=listed.name,
        url=last_url(project, listed),
        type=listed.type,
        linked=listed.kind == PORTFOLIO,
        versions=format.counted(listed.versions, "version"),
        changed=now.moment(listed.changed_at_s),
    )
