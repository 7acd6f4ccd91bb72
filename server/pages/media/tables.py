"""Tables that runs log: files of JSON, of which a page reads the rows that it shows.

A table is read as a whole once, to note where each row begins, and once for each column by which it is sorted; what was
noted is kept, of the tables looked at last.
"""

import json
import math
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

# More bytes are to be saved as a file: some seconds of a core to read, and six times as much memory.
LARGEST_BYTES: Final = 64_000_000
KEPT: Final = 16
BLANK: Final = re.compile(r"[ \t\n\r]*")
DECODER: Final = json.JSONDecoder()

SortKey = tuple[int, float, str]
NOTHING: Final[SortKey] = (2, 0.0, "")


@dataclass(frozen=True, eq=False)
class Table:
    """A table in a file.

    Attributes:
        begins: of each row, in bytes; the last is where the rows end.
    """

    path: Path
    columns: list[str]
    begins: "array[int]"
    _orders: dict[int, "array[int]"] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.begins) - 1

    def rows(self, places: Iterable[int]) -> list[list[Any]]:
        """Rows by their places, as they were logged; a row that is none is empty."""
        with self.path.open("rb") as file:
            found = []
            for place in places:
                file.seek(self.begins[place])
                found.append(_decoded(file.read(self.begins[place + 1] - self.begins[place])))
        return [row if isinstance(row, list) else [] for row in found]

    def order(self, column: int, descending: bool) -> list[int]:
        """The places of the rows by the values of a column: numbers, then texts; what is none comes last anyhow."""
        if column not in self._orders:
            keys = [_sort_key(row[column] if column < len(row) else None) for row in self.rows(range(self.count))]
            there = [place for place, key in enumerate(keys) if key is not None]
            self._orders[column] = array("I", sorted(there, key=lambda place: keys[place] or NOTHING))
        known = self._orders[column]
        others = sorted(set(range(self.count)) - set(known)) if len(known) < self.count else []
        return [*(reversed(known) if descending else known), *others]


def table_at(path: Path) -> Table | None:
    """The table in a file; None where there is none, or a larger one than is read."""
    try:
        told = path.stat()
        table = _read(path, told.st_size, told.st_mtime_ns) if told.st_size <= LARGEST_BYTES else None
    except (OSError, ValueError, IndexError, RecursionError):
        return None
    return table if table and table.columns else None


def is_too_large(path: Path) -> bool:
    return path.stat().st_size > LARGEST_BYTES


@lru_cache(maxsize=KEPT)
def _read(path: Path, size_bytes: int, changed_ns: int) -> Table:
    # A letter a byte: places in the text are places in the file.
    text = path.read_bytes().decode("latin-1")
    columns: list[str] = []
    begins = array("Q", [0])
    at = _blank(text, 0)
    while text[at] in "{,":
        name, at = DECODER.raw_decode(text, _blank(text, at + 1))
        begin = _blank(text, _blank(text, at) + 1)
        if name == "data":
            begins = array("Q", _begins(text, begin))
            at = begins[-1] + 1
        else:
            at = DECODER.raw_decode(text, begin)[1]
        if name == "columns":
            told = _decoded(text[begin:at].encode("latin-1"))
            columns = [str(each) for each in told] if isinstance(told, list) else []
        at = _blank(text, at)
    return Table(path, columns, begins)


def _begins(text: str, at: int) -> Iterator[int]:
    """Where each item of a list begins, and where the last one ends."""
    at = _blank(text, at + 1)
    while text[at] != "]":
        yield at
        at = _blank(text, DECODER.raw_decode(text, at)[1])
        at = _blank(text, at + 1) if text[at] == "," else at
    yield at


def _blank(text: str, at: int) -> int:
    found = BLANK.match(text, at)
    return found.end() if found else at


def _decoded(text: bytes) -> Any:
    return DECODER.raw_decode(text.decode(errors="replace"))[0]


def _sort_key(value: Any) -> SortKey | None:
    if isinstance(value, dict):
        value = value.get("caption")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return (0, value, "") if isinstance(value, int | float) else (1, 0.0, str(value))
