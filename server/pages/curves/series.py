"""What runs have logged of metrics, a few values of many: read once, and kept until there is more."""

import sqlite3
import threading
from array import array
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

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
Found = TypeVar("Found")
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
        return {pair: self._points(run, outline, *pair, most) for pair in pairs}

    def _points(self, run: Run, outline: Outline, metric: str, x: str, most: int) -> Points:
        key = run.id, metric, x, most
        kept = _points.get(key, run, exact=most > THIN_POINTS)
        if kept is not None:
            return list(zip(*kept, strict=True))
        made = points_of(self._rows_of(run, outline, metric, most), metric, x)
        _points.put(key, run, (array("d", [x for x, _ in made]), array("d", [y for _, y in made])))
        return made

    def _made(self, run: Run, most: int) -> Outline:
        key = run.id, most
        made = _outlines.get(key, run, exact=most > THIN_POINTS)
        if made is None:
            made = Outline()
            made.take(self._any_rows(run, most))
            _outlines.put(key, run, made)
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


class _Kept(Generic[Found]):
    """What was read of some thousands of runs' histories, of the ones used last.

    Args:
        most: so many entries; those of points take some ten megabytes in all.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Hashable, tuple[Version, Found]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, run: Run, exact: bool) -> Found | None:
        with self._lock:
            version, found = self._entries.get(key, (None, None))
            if version is None or not _holds(version, _version(run), exact):
                return None
            self._entries.move_to_end(key)
        return found

    def put(self, key: Hashable, run: Run, found: Found) -> None:
        with self._lock:
            self._entries[key] = _version(run), found
            self._entries.move_to_end(key)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)


def _version(run: Run) -> Version:
    # All that changes a history is a sign of life; rows may be replaced without being more than before.
    return (run.name, run.created_at_s, run.start), run.state in states.LIVE, run.history_lines, run.heartbeat_at_s


def _holds(kept: Version, now: Version, exact: bool) -> bool:
    if exact or not now[1]:
        return kept == now
    little_more = now[2] <= GROWTH * kept[2] or now[3] < kept[3] + FRESH_S
    return kept[:2] == now[:2] and kept[2] <= now[2] and little_more


_points = _Kept[tuple["array[float]", "array[float]"]](MOST_KEPT)
_outlines = _Kept[Outline](MOST_KEPT // 4)
