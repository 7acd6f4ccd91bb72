"""A page of a table: its rows in the order that is asked for, with the pictures of their cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from charts import format
from server.pages.media.found import RunFiles
from server.pages.media.query import TablePart
from server.pages.media.served import IMAGE, kind_of
from server.pages.media.tables import Table
from server.pages.media.values import media_of
from server.pages.words.facts import Segment
from server.pages.words.paging import pages
from server.pages.words.sent import written
from server.run_values import number

MOST_COLUMNS = 30
DIGITS = 5
CHARACTERS = 200


@dataclass(frozen=True)
class Head:
    """A column; `url` sorts by it, the other way round if it is already; None where nothing can be sorted."""

    name: str
    url: str | None
    sorted: str
    number: bool


@dataclass(frozen=True)
class TableCell:
    """A value: its text, or a picture at an address with the text as its caption."""

    text: str
    url: str = ""
    picture: bool = False


@dataclass(frozen=True)
class ShownTable:
    """The page; `said`: how many rows and columns there are in all."""

    heads: list[Head]
    rows: list[list[TableCell]]
    pages: list[Segment]
    said: str


def table_page(
    table: Table,
    rows: int,
    query: TablePart,
    url: Callable[[TablePart], str] | None,
    files: RunFiles,
    artifact_id: int | None,
) -> ShownTable:
    """So many rows of a table; `url` gives the address of another part, None where there is only this one."""
    column = table.columns.index(query.column) if query.column in table.columns else None
    last = max(-(-table.count // rows), 1)
    page = min(query.number, last)
    begin, end = (page - 1) * rows, min(page * rows, table.count)
    shown = table.columns[:MOST_COLUMNS]
    places = _places(table, column, query.descending)[begin:end]
    found = [(row + [None] * len(shown))[: len(shown)] for row in table.rows(places)]
    cells = [[_cell(value, files, artifact_id) for value in row] for row in found]
    numeric = [bool(found) and all(row[at] is None or _is_number(row[at]) for row in found) for at in range(len(shown))]
    heads = [_head(name, query, url, numeric[at]) for at, name in enumerate(shown)]
    links = pages(table.count, rows, page, lambda each: url(replace(query, number=each))) if url else []
    return ShownTable(heads, cells, links, _said(table, len(shown)))


def _places(table: Table, column: int | None, descending: bool) -> Sequence[int]:
    if column is None:
        return range(table.count)
    return table.order(column, descending)


def _head(name: str, query: TablePart, url: Callable[[TablePart], str] | None, number: bool) -> Head:
    ascending = name == query.column and not query.descending
    sorted = "" if name != query.column else "ascending" if ascending else "descending"
    return Head(name, url(TablePart(name, ascending)) if url else None, sorted, number)


def _cell(value: Any, files: RunFiles, artifact_id: int | None) -> TableCell:
    media = media_of(value) if isinstance(value, dict) and "_type" in value else []
    if not media:
        return TableCell(written(value, DIGITS, CHARACTERS))
    medium, stored = media[0], artifact_id is not None
    url = files.url(medium.path, artifact_id) if stored else ""
    return TableCell(medium.caption or medium.name, url, stored and kind_of(medium.path) == IMAGE)


def _is_number(value: Any) -> bool:
    return number(value) is not None


def _said(table: Table, shown: int) -> str:
    columns = format.counted(len(table.columns), "column")
    some = f"the first {shown} of {columns}" if shown < len(table.columns) else columns
    return f"{format.counted(table.count, 'row')}, {some}"
