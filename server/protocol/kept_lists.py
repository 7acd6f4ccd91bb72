"""Lists of runs by what only their configs and summaries tell: kept, and brought up to date run by run.

Who pages through thousands of runs, or asks again for the best, has each run read once, and again when it has changed.
"""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from server.protocol.filters import RunView, compared, kind, matches, order_names, ordered, refuse_unlike
from server.store import run_lists, sweep_queries
from server.store.rows import Run

# Of all lists together; a run takes some 400 bytes in each.
MOST_RUNS: Final = 200_000
ViewOf = Callable[[Run], RunView]


@dataclass(frozen=True)
class Scope:
    """The runs that a list is made of: a project's, or those of one sweep of it and those that it began with."""

    project_id: int
    sweep_id: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A run that passes, as orders see it; `base` by which runs are sorted that are else alike."""

    id: int
    base: tuple[bool, float, int]
    values: dict[str, Any]

    def value(self, name: str) -> Any:
        return self.values.get(name)


class RunList:
    """The runs of a scope that pass one filter. For one thread at a time."""

    def __init__(self, scope: Scope, filters: dict[str, Any]) -> None:
        self.lock = threading.Lock()
        self._scope, self._filters, self._told = scope, filters, -1
        self._compared = compared(filters)
        self._names: frozenset[str] = frozenset()
        self._lines: dict[int, Line] = {}
        self._kinds: dict[int, tuple[str | None, ...]] = {}
        self._ids: dict[str, list[int]] = {}

    @property
    def size(self) -> int:
        return max(len(self._lines), len(self._kinds))

    def ids(self, tx: sqlite3.Connection, view_of: ViewOf, order: str | None) -> list[int]:
        """Numbers of the runs that pass, in an order, or in any.

        Raises:
            RefusalError: the filters or the order are wrong.
        """
        prior = self._prior(tx)
        self._bring_up_to_date(tx, view_of, prior)
        names = frozenset(order_names(order or "")) - self._names
        if names:
            self._names |= names
            self._take(map(view_of, run_lists.by_ids(tx, list(self._lines))), prior)
        key = order or ""
        if key not in self._ids:
            self._refuse_unlike()
            lines = sorted(self._lines.values(), key=lambda line: line.base)
            self._ids[key] = [line.id for line in ordered(lines, order)]
        return self._ids[key]

    def _prior(self, tx: sqlite3.Connection) -> frozenset[int]:
        if self._scope.sweep_id is None:
            return frozenset()
        return frozenset(run.id for run in sweep_queries.prior_runs(tx, self._scope.sweep_id))

    def _bring_up_to_date(self, tx: sqlite3.Connection, view_of: ViewOf, prior: frozenset[int]) -> None:
        told, scope = run_lists.last_change(tx), self._scope
        if told <= self._told:
            return
        for gone in run_lists.changed(tx, self._told) if self._told >= 0 else ():
            self._forget(gone)
        # A read that an error leaves half done would hold its moment for the next request on this connection.
        with closing(run_lists.changed_runs(tx, scope.project_id, scope.sweep_id, self._told)) as found:
            self._take(map(view_of, found), prior)
        self._told = told

    def _take(self, views: Iterable[RunView], prior: frozenset[int]) -> None:
        for view in views:
            run = view.run
            self._forget(run.id)
            if self._compared:
                self._kinds[run.id] = tuple(kind(view.value(name)) for name, _ in self._compared)
            if matches(view, self._filters):
                values = {name: view.value(name) for name in self._names}
                self._lines[run.id] = Line(run.id, (run.id not in prior, run.created_at_s, run.id), values)
                self._ids.clear()

    def _forget(self, run_id: int) -> None:
        self._kinds.pop(run_id, None)
        if self._lines.pop(run_id, None) is not None:
            self._ids.clear()

    def _refuse_unlike(self) -> None:
        for place, (name, operand) in enumerate(self._compared):
            refuse_unlike(name, operand, {kinds[place] for kinds in self._kinds.values()} - {None})


class KeptLists:
    """The lists that were asked for last; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lists: OrderedDict[tuple[Scope, str], RunList] = OrderedDict()

    def ids(
        self, tx: sqlite3.Connection, scope: Scope, filters: dict[str, Any], view_of: ViewOf, order: str | None
    ) -> list[int]:
        """As `RunList.ids`; `tx` must read only what is committed."""
        key = (scope, json.dumps(filters, sort_keys=True))
        with self._lock:
            found = self._lists.setdefault(key, RunList(scope, filters))
            self._lists.move_to_end(key)
        try:
            with found.lock:
                ids = found.ids(tx, view_of, order)
        except BaseException:
            # It has taken in some of the runs alone.
            self._lists.pop(key, None)
            raise
        with self._lock:
            while len(self._lists) > 1 and sum(each.size for each in self._lists.values()) > MOST_RUNS:
                self._lists.popitem(last=False)
        return ids
