"""What a run logged of its metrics, as curves want it."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from server.pages.words.sent import read_object
from server.run_values import number
from server.store import page_queries
from server.store.rows import Run

CURVE_POINTS: Final = 400
EPOCH: Final = "epoch"
STEP: Final = "_step"

Row = dict[str, Any]


def sample(connection: sqlite3.Connection, run: Run) -> list[Row]:
    """Rows of a run's history, spread evenly from the first to the last."""
    return [read_object(text) for text in page_queries.history_sample(connection, run.id, CURVE_POINTS)]


def points_of(rows: Sequence[Row], x: str, name: str) -> list[tuple[float, float]]:
    """(x, value) of the rows that have both, x growing."""
    points = {}  # a resumed run may have repeated an epoch: its last words stand
    for row in rows:
        place, value = number(row.get(x)), number(row.get(name))
        if place is not None and value is not None and abs(place) < 1e15:
            points[place] = value
    return sorted(points.items())
