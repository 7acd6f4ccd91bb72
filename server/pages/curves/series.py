"""What runs have logged of metrics, a few values of many: read once, and kept until there is more."""

import sqlite3
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from server.ledger import outlines
from server.ledger.outline import Outline
from server.pages.words.sent import read_object
from server.run_values import at_path, number
from server.store import page_queries
from server.store.rows import Run
from terms import states

# Of a line that is told apart, and of one among many.
STRONG_POINTS: Final = 300
THIN_POINTS: Final = 40
# A line of a live run among many is read again when there is a twentieth more of it, and not at once.
GROWTH: Final = 1.05
FRESH_S: Final = 10.0
# What fewer rows than one in so many have is looked for; the rest is in any row.
SPARSE: Final = 2
MOST_KEPT: Final = 8192
FURTHEST: Final = 1e15

Points = list[tuple[float, float]]
# A metric and by what it is drawn.
Pair = tuple[str, str]
# What run, whether it is live, how many rows it has, and when it was last heard of.
Version = tuple[object, bool, int, float]


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads for one page; no row twice."""

    connection: sqlite3.Connection
    _any: dict[int, list[str]] = field(default_factory=dict)
    _few: dict[int, list[list[str]]] = field(default_factory=dict)

    def outlines(self, runs: Sequence[tuple[Run, int]]) -> dict[int, Outline]:
        """By run what its history holds; of one that is in doubt, what so many of its rows hold."""
        known = outlines.of_runs(self.connection, [run.id for run, _ in runs])
        return {run.id: known.get(run.id) or self._made(run, most) for run, most in runs}

    def points(self, run: Run, outline: Outline, pairs: Sequence[Pair], most: int) -> dict[Pair, Points]:
        """The points of metrics of one run, at most about `most` of each, spread evenly from the first to the last."""
        found = {pair: _kept.get((run.id, *pair, most), run, exact=most > THIN_POINTS) for pair in pairs}
        for metric, x in [pair for pair, points in found.items() if points is None]:
            made = points_of(self._rows_of(run, outline, metric, most), metric, x)
            _kept.put((run.id, metric, x, most), run, made)
            found[metric, x] = made
        return {pair: points or [] for pair, points in found.items()}

    def _made(self, run: Run, most: int) -> Outline:
        made = Outline()
        made.take(self._any_rows(run, most))
        return made

    def _rows_of(self, run: Run, outline: Outline, metric: str, most: int) -> list[str]:
        """Rows that may hold a metric: any, or those that name it where they are few."""
        key = outline.keys.get(metric)
        if run.history_lines <= most or key is None or key.values * SPARSE >= run.history_lines:
            return self._any_rows(run, most)
        # What is logged once an epoch is logged together; a search goes through the whole history.
        told = f'"{metric}"'
        known = [rows for rows in self._few.get(run.id, []) if all(told in row for row in rows)]
        if not known:
            known = [page_queries.history_sample_naming(self.connection, run.id, metric, most)]
            self._few.setdefault(run.id, []).extend(known)
        return known[0]

    def _any_rows(self, run: Run, most: int) -> list[str]:
        if run.id not in self._any:
            self._any[run.id] = page_queries.history_sample(self.connection, run.id, most)
        return self._any[run.id]


def points_of(rows: Iterable[str], metric: str, x: str) -> Points:
    """(x, value) of the rows that have both, x growing; where a resumed run has repeated an x, its last word stands."""
    points = {}
    for row in map(read_object, rows):
        place, value = number(at_path(row, x)), number(at_path(row, metric))
        if place is not None and value is not None and abs(place) < FURTHEST:
            points[place] = value
    return sorted(points.items())


@dataclass(frozen=True)
class _Entry:
    version: Version
    xs: "array[float]"
    ys: "array[float]"


class _Kept:
    """Points of some thousands of lines, the ones used last; some ten megabytes."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[int, str, str, int], _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, str, str, int], run: Run, exact: bool) -> Points | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or not _holds(entry.version, _version(run), exact):
                return None
            self._entries.move_to_end(key)
        return list(zip(entry.xs, entry.ys, strict=True))

    def put(self, key: tuple[int, str, str, int], run: Run, points: Points) -> None:
        entry = _Entry(_version(run), array("d", [x for x, _ in points]), array("d", [y for _, y in points]))
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > MOST_KEPT:
                self._entries.popitem(last=False)


def _version(run: Run) -> Version:
    # All that changes a history is a sign of life; rows may be replaced without being more than before.
    return (run.name, run.created_at_s, run.start), run.state in states.LIVE, run.history_lines, run.heartbeat_at_s


def _holds(kept: Version, now: Version, exact: bool) -> bool:
    if exact or not now[1]:
        return kept == now
    little_more = now[2] <= GROWTH * kept[2] or now[3] < kept[3] + FRESH_S
    return kept[:2] == now[:2] and kept[2] <= now[2] and little_more


_kept = _Kept()
