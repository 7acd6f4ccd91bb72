"""What a version holds: one folder at a time, and of that one page at a time."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from charts import format
from server.pages.artifact.view import ArtifactView
from server.pages.words.facts import Segment
from server.pages.words.paging import pages
from server.pages.words.versions import ShownVersion
from server.store import artifact_page_queries as queries
from server.store.artifact_page_queries import Entry

PER_PAGE: Final = 100


@dataclass(frozen=True)
class FileRow:
    """A folder, a file that can be saved, or a reference.

    Attributes:
        url: of the folder or the file; None for a reference, whose `ref` is text and nothing to follow.
        target: the version that a reference leads into, if it is there.
    """

    name: str
    folder: bool
    url: str | None
    size: str
    ref: str | None = None
    target: ShownVersion | None = None


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Attributes:
        way: to the folder, as (text, address); the last one is the folder itself.
        total: how many files and folders stand right in it.
    """

    way: list[tuple[str, str]]
    rows: list[FileRow]
    total: str
    pages: list[Segment]


def listing(view: ArtifactView) -> Listing:
    """The folder that the address asks for."""
    artifact_id, folder, number = view.artifact.id, view.query.folder, view.query.files
    found, total = queries.folder(view.connection, artifact_id, folder, PER_PAGE, (number - 1) * PER_PAGE)
    return Listing(
        way=_way(view),
        rows=[_row(view, entry) for entry in found],
        total=format.count(total),
        pages=pages(total, PER_PAGE, number, lambda number: replace(view.query, files=number).url(view.path)),
    )


def _way(view: ArtifactView) -> list[tuple[str, str]]:
    names = [f"{name}/" for name in view.query.folder.split("/")[:-1]]
    folders = ["".join(names[:depth]) for depth in range(len(names) + 1)]
    return [(text, _opened(view, folder)) for text, folder in zip(["All files", *names], folders, strict=True)]


def _opened(view: ArtifactView, folder: str) -> str:
    return replace(view.query, folder=folder, files=1).url(view.path)


def _row(view: ArtifactView, entry: Entry) -> FileRow:
    size = format.size(int(entry.size_bytes))
    if entry.name.endswith("/"):
        held = f"{format.counted(entry.files, 'file')}, {size}"
        return FileRow(entry.name, True, _opened(view, view.query.folder + entry.name), held)
    if entry.content:
        return FileRow(entry.name or entry.path, False, _saved(view, entry.path), size)
    target = queries.at_home(view.connection, entry.refers_to) if entry.refers_to is not None else None
    return FileRow(
        name=entry.name or entry.path,
        folder=False,
        url=None,
        size=size if entry.size_bytes else format.ABSENT,
        ref=entry.ref,
        target=view.shown(target) if target else None,
    )


def _saved(view: ArtifactView, path: str) -> str:
    # In the query: browsers shorten a path that has "." in it.
    return f"{view.path}/file?{urlencode({'path': path})}"
