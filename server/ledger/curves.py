"""The values of a sweep's metric in the order in which a run logged them."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from search.evidence import condensed
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


MOST_KEPT: Final = 50_000


class Curves:
    """What a search makes of runs' curves, kept from one question to the next: few of thousands of runs change between.

    Keeps three numbers of each of at most 50,000 runs. For one thread at a time.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[tuple[object, ...], tuple[float, ...]]] = {}

    def of(self, connection: sqlite3.Connection, run: Run, metric: str | None) -> tuple[float, ...]:
        """The lowest, the highest and the last value of a run's metric; nothing before the first."""
        # All that changes a history is a sign of life; rows may be replaced without being more than before.
        version = (metric, run.history_lines, run.heartbeat_at_s)
        kept = self._kept.pop(run.id, None)
        if kept is None or kept[0] != version:
            kept = version, condensed(curve_of(connection, run, metric))
        self._kept[run.id] = kept
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return kept[1]
