"""The values of a sweep's metric in the order in which a run logged them."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from search.evidence import condensed
from server.ledger import outlines
from server.run_values import at_path, number
from server.store import history_queries
from server.store.rows import Run
from server.store.suggestion_queries import Seen


def curve_of(connection: sqlite3.Connection, run_id: int, metric: str | None, limit: int | None = None) -> list[float]:
    """The finite values of a metric in the order in which a run logged them, at most the first `limit`."""
    return [] if metric is None else list(islice(values(history_queries.history(connection, run_id), metric), limit))


def values(rows: Iterable[str], metric: str) -> Iterator[float]:
    """The finite values of a metric in rows of history."""
    for row in rows:
        value = number(at_path(json.loads(row), metric))
        if value is not None and math.isfinite(value):
            yield value


def _condensed(connection: sqlite3.Connection, run_id: int, metric: str | None) -> tuple[float, ...]:
    key = None if metric is None else outlines.of(connection, run_id).keys.get(metric)
    if metric is not None and "." in metric:
        # Two names in one row may be written alike.
        return condensed(curve_of(connection, run_id, metric))
    if key is None or key.low is None or key.high is None or key.latest is None:
        return ()
    return key.low, key.high, key.latest


MOST_KEPT: Final = 50_000


class Curves:
    """What a search makes of runs' curves, kept from one question to the next: few of thousands of runs change between.

    Keeps three numbers of each of at most 50,000 runs. For one thread at a time.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[tuple[object, ...], tuple[float, ...]]] = {}

    def of(self, connection: sqlite3.Connection, run: Run | Seen, metric: str | None) -> tuple[float, ...]:
        """The lowest, the highest and the last value of a run's metric; nothing before the first."""
        # All that changes a history is a sign of life; rows may be replaced without being more than before.
        version = (metric, run.history_lines, run.heartbeat_at_s)
        kept = self._kept.pop(run.id, None)
        if kept is None or kept[0] != version:
            kept = version, _condensed(connection, run.id, metric)
        self._kept[run.id] = kept
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return kept[1]
