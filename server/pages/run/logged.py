"""What a run logged, as a page shows it: the last rows of its history, the end of its console."""

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from charts import format
from server.pages.curves.known import importance
from server.pages.words.console_lines import ShownLine, shown_line
from server.pages.words.sent import read_object, written
from server.store import queries
from server.store.rows import Run

EPOCH, STEP = "epoch", "_step"
LAST_ROWS: Final = 10
ROW_COLUMNS: Final = 12
CELL_CHARACTERS: Final = 80
LAST_LINES: Final = 60
LINE_CHARACTERS: Final = 1000


@dataclass(frozen=True)
class HistoryTable:
    """The last rows of a history; `more_columns` are left out."""

    columns: list[str]
    rows: list[list[str]]
    total: int
    more_columns: int


def history_table(connection: sqlite3.Connection, run: Run, first: str | None) -> HistoryTable:
    """The last rows that a run logged."""
    lines = queries.lines(connection, "history", run.id, last=LAST_ROWS)
    rows = [read_object(text) for _, text in lines]
    names = {name for row in rows for name in row if not name.startswith("_")}
    columns = sorted(names, key=lambda name: (name != EPOCH, *importance(name, first)))
    chosen = [STEP, *columns][:ROW_COLUMNS]
    texts = zip(*(_column([row.get(name) for row in rows]) for name in chosen), strict=True)
    total = lines[-1][0] + 1 if lines else 0
    return HistoryTable(
        [name.strip("_") for name in chosen], [list(row) for row in texts], total, len(columns) + 1 - len(chosen)
    )


def _column(values: list[Any]) -> list[str]:
    """Texts of one column; None is a value that was not logged in its row."""
    if all(isinstance(value, float | None) for value in values):
        texts = iter(format.column([value for value in values if value is not None]))
        return [format.ABSENT if value is None else next(texts) for value in values]
    return [format.ABSENT if value is None else written(value, 5, CELL_CHARACTERS) for value in values]


def console(connection: sqlite3.Connection, run: Run) -> tuple[list[ShownLine], int]:
    """The last lines of a run's console, and how many there are in all."""
    lines = queries.lines(connection, "log", run.id, last=LAST_LINES)
    return [shown_line(number, text, LINE_CHARACTERS) for number, text in lines], run.log_lines
