"""What an address asks of media: at which step they are shown, which keys are open, how tables are sorted and paged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from server.pages.words.paging import page_number

MOST_OPEN: Final = 100
# The names in addresses; those of a table end with its key.
STEP, OPEN = "media-step", "media"
SORT, PAGE = "media-sort.", "media-page."
ASCENDING, DESCENDING = "asc ", "desc "
LAST_STEP: Final = 2**63 - 1


@dataclass(frozen=True)
class TablePart:
    """Which part of a table is shown; `column` "" is the order in which it was logged."""

    column: str = ""
    descending: bool = False
    number: int = 1


@dataclass(frozen=True)
class MediaQuery:
    """What the address asks for.

    Attributes:
        step: what was logged last up to it is shown; None shows all steps, evenly.
        open: the keys that are folded otherwise.
        tables: by key.
    """

    step: int | None = None
    open: tuple[str, ...] = ()
    tables: tuple[tuple[str, TablePart], ...] = ()

    def pairs(self) -> list[tuple[str, str]]:
        """The names and texts of its address; what is as usual is left out."""
        step = [] if self.step is None else [(STEP, str(self.step))]
        return [*step, *((OPEN, key) for key in self.open), *(pair for each in self.tables for pair in _pairs(*each))]

    def url(self, path: str, others: Iterable[tuple[str, str]] = ()) -> str:
        """The address of a page that has `others` too."""
        text = urlencode([*others, *self.pairs()], errors="replace")
        return f"{path}?{text}" if text else path

    def table(self, key: str) -> TablePart:
        return dict(self.tables).get(key, TablePart())

    def with_table(self, key: str, table: TablePart) -> "MediaQuery":
        kept = [each for each in self.tables if each[0] != key]
        return replace(self, tables=(*kept, (key, table)))


AS_LOGGED: Final = MediaQuery()


def is_of_media(name: str) -> bool:
    """Tells whether a name in an address is one of these."""
    return name in (STEP, OPEN) or name.startswith((SORT, PAGE))


def media_query(pairs: Iterable[tuple[str, str]]) -> MediaQuery:
    """Reads an address' query; what makes no sense is as if it were not there."""
    found = [(name, text) for name, text in pairs if is_of_media(name) and text]
    given = dict(found)
    step = given.get(STEP, "")
    keys = dict.fromkeys(name.removeprefix(SORT).removeprefix(PAGE) for name in given if name.startswith((SORT, PAGE)))
    return MediaQuery(
        step=min(int(step), LAST_STEP) if step.isascii() and step.isdigit() and len(step) < 20 else None,
        open=tuple(dict.fromkeys(text for name, text in found if name == OPEN))[:MOST_OPEN],
        tables=tuple((key, _table(key, given)) for key in list(keys)[:MOST_OPEN]),
    )


def _table(key: str, given: Mapping[str, str]) -> TablePart:
    sort = given.get(SORT + key, "")
    known = sort.startswith((ASCENDING, DESCENDING))
    column = sort.removeprefix(ASCENDING).removeprefix(DESCENDING) if known else ""
    return TablePart(column, sort.startswith(DESCENDING), page_number(given, PAGE + key))


def _pairs(key: str, table: TablePart) -> list[tuple[str, str]]:
    sort = [(SORT + key, f"{DESCENDING if table.descending else ASCENDING}{table.column}")] if table.column else []
    return [*sort, *([(PAGE + key, str(table.number))] if table.number > 1 else [])]
