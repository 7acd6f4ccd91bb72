"""Rows of all runs or points of a sweep are kept until a run of any sweep changes.

A page of thousands of runs is asked for anew with each filter that its reader tries, often of a sweep that is over.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from server.store.kept_answers import mark_of
from server.store.run_lists import last_change

# A quarter of a kilobyte each.
MOST_KEPT: Final = 100_000
Row = TypeVar("Row")
P = ParamSpec("P")
Key = tuple[Any, ...]

_kept: OrderedDict[Key, tuple[tuple[int, int], tuple[Any, ...]]] = OrderedDict()
_lock = threading.Lock()


def rows_kept(
    query: Callable[Concatenate[sqlite3.Connection, int, P], tuple[Row, ...]],
) -> Callable[Concatenate[sqlite3.Connection, int, P], tuple[Row, ...]]:
    """Lets a read of a sweep's rows, by its number, be done once.

    It may hang on what `sweep_mark` goes with, and on what is a change of a run to `run_lists.last_change`.
    """

    @wraps(query)
    def answer(connection: sqlite3.Connection, sweep_id: int, /, *args: P.args, **more: P.kwargs) -> tuple[Row, ...]:
        key = (query.__qualname__, sweep_id, args, tuple(more.items()))
        now = (mark_of(connection, sweep_id), last_change(connection))
        with _lock:
            then, rows = _kept.get(key, (None, ()))
        if then == now:
            return rows
        rows = query(connection, sweep_id, *args, **more)
        _keep(key, now, rows)
        return rows

    return answer


def _keep(key: Key, now: tuple[int, int], rows: tuple[Any, ...]) -> None:
    with _lock:
        _kept[key] = now, rows
        _kept.move_to_end(key)
        while sum(len(rows) for _, rows in _kept.values()) > MOST_KEPT:
            _kept.popitem(last=False)
