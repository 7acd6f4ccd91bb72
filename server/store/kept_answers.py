"""What is counted of a sweep's runs and points is kept until one of these changes, by which its mark changes too."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from server.store.rows import Sweep

# Small ones all: counts, a few numbers.
MOST_KEPT: Final = 4096
P = ParamSpec("P")
S = TypeVar("S", int, Sweep)
R = TypeVar("R")

_kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_lock = threading.Lock()


def kept(
    query: Callable[Concatenate[sqlite3.Connection, S, P], R],
) -> Callable[Concatenate[sqlite3.Connection, S, P], R]:
    """Lets a read of a sweep, by its number or row, be done once for each mark.

    It must hang on nothing but the sweep and the columns of runs and points that `sweep_mark` goes with, and its answer
    be left as it is. A mark is never given twice, in no database.
    """

    @wraps(query)
    def answer(connection: sqlite3.Connection, sweep: S, /, *args: P.args, **more: P.kwargs) -> R:
        sweep_id = sweep.id if isinstance(sweep, Sweep) else sweep
        key = (query.__qualname__, sweep_id, mark_of(connection, sweep_id), args, tuple(more.items()))
        with _lock:
            if key in _kept:
                _kept.move_to_end(key)
                found: R = _kept[key]
                return found
        found = query(connection, sweep, *args, **more)
        with _lock:
            _kept[key] = found
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
        return found

    return answer


def mark_of(connection: sqlite3.Connection, sweep_id: int) -> int:
    """What changes with a sweep, and with what is counted of its runs and points."""
    (mark,) = connection.execute("SELECT mark FROM sweep_mark WHERE sweep_id = ?", (sweep_id,)).fetchone()
    return int(mark)
