"""Who made a version, which runs used it, and the versions beside it."""

from dataclasses import dataclass, replace
from typing import Final

from charts import format
from server.pages.artifact.view import ArtifactView
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.look import Look, run_look
from server.pages.words.paging import pages
from server.pages.words.times import Moment
from server.pages.words.versions import ShownVersion
from server.store import artifact_page_queries, queries
from server.store.rows import Project, Run

PER_PAGE: Final = 20


@dataclass(frozen=True)
class RunRow:
    """A run that made or used the version.

    Attributes:
        shared: whether a guest of the sweep that the page is of may open it.
        project: "" for the version's own.
    """

    name: str
    url: str
    shared: bool
    look: Look
    project: str
    created: Moment


@dataclass(frozen=True)
class Users:
    """Runs that used the version, a page of them."""

    rows: list[RunRow]
    total: str
    pages: list[Segment]


@dataclass(frozen=True)
class Versions:
    """Versions of the collection, a page of them."""

    rows: list[ShownVersion]
    total: str
    pages: list[Segment]


def made_by(view: ArtifactView) -> RunRow | None:
    """None where no run made it, or that was deleted."""
    return _row(view, view.maker) if view.maker else None


def users(view: ArtifactView) -> Users:
    number = view.query.users
    total = artifact_page_queries.user_count(view.connection, view.artifact.id)
    found = artifact_page_queries.users(view.connection, view.artifact.id, PER_PAGE, (number - 1) * PER_PAGE)
    return Users(
        [_row(view, run) for run in found],
        format.count(total),
        pages(total, PER_PAGE, number, lambda number: replace(view.query, users=number).url(view.path)),
    )


def versions(view: ArtifactView) -> Versions:
    """The page that is asked for, else the one that has the version itself."""
    number = view.query.versions or view.above // PER_PAGE + 1
    total = artifact_page_queries.version_count(view.connection, view.collection.id)
    found = artifact_page_queries.versions(view.connection, view.collection.id, PER_PAGE, (number - 1) * PER_PAGE)
    return Versions(
        [view.shown(version, view.member.version) for version in found],
        format.count(total),
        pages(total, PER_PAGE, number, lambda number: replace(view.query, versions=number).url(view.path)),
    )


def _row(view: ArtifactView, run: Run) -> RunRow:
    project = queries.by_id(view.connection, Project, run.project_id)
    return RunRow(
        name=run.display_name or run.name,
        url=run_url(project, run.name),
        shared=view.sweep_id is not None and run.sweep_id == view.sweep_id,
        look=run_look(run),
        project="" if project.id == view.project.id else project.name,
        created=view.now.moment(run.created_at_s),
    )
