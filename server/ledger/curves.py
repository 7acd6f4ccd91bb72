"""The values of a sweep's metric in the order in which a run logged them."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from server.run_values import at_path, number
from server.store import queries
from server.store.rows import Run


def curve_of(connection: sqlite3.Connection, run: Run, metric: str | None, limit: int | None = None) -> list[float]:
    """The finite values of a metric in the order in which a run logged them, at most the first `limit`."""
    return [] if metric is None else list(islice(values(queries.history(connection, run.id), metric), limit))


def values(rows: Iterable[str], metric: str) -> Iterator[float]:
    """The finite values of a metric in rows of history."""
    for row in rows:
        value = number(at_path(json.loads(row), metric))
        if value is not None and math.isfinite(value):
            yield value
