"""Early termination: decided on the row that reaches a bracket, with a reason that is kept on the run."""

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Final

from search import early_termination
from search.config import SweepConfig
from server.ledger import points, runs
from server.run_values import at_path, number
from server.sampling import evenly
from server.store import queries, writes
from server.store.rows import Run, Sweep
from terms import states

# Each stopped run keeps the values that it was compared with; all of thousands would fill the disk with their square.
MOST_RIVALS_KEPT: Final = 200


def consider(tx: sqlite3.Connection, run: Run, fresh: Sequence[str], now_s: float) -> None:
    """Compares a run that has just logged with its rivals, once at each bracket, and asks it to stop if it is too bad.

    The reply to this very request tells the run, which then ends by itself and loses no row.

    Args:
        run: as it was before these rows were stored.
        fresh: rows that it had not sent before.
    """
    config = points.parsed(queries.by_id(tx, Sweep, run.sweep_id).config) if run.sweep_id else None
    if config is None or config.early_terminate is None or config.metric is None:
        return
    # Counting spares reading the whole history at each request; at a bracket it is read, and the count set right.
    count = run.curve_length + sum(1 for _ in _values(fresh, config.metric.name))
    live = run.state == states.RUNNING and run.stop_requested_at_s is None
    if live and _reached(config, count) > run.bracket:
        curve = curve_of(tx, run, config.metric.name)
        count = len(curve)
        _compare(tx, run, config, curve, now_s)
    writes.update(tx, "run", run.id, curve_length=count)


def curve_of(connection: sqlite3.Connection, run: Run, metric: str | None, limit: int | None = None) -> list[float]:
    """The finite values of a metric in the order in which a run logged them, at most the first `limit`."""
    return [] if metric is None else list(islice(_values(queries.history(connection, run.id), metric), limit))


def _compare(tx: sqlite3.Connection, run: Run, config: SweepConfig, curve: list[float], now_s: float) -> None:
    bracket = _reached(config, len(curve))
    if bracket <= run.bracket or config.metric is None or run.sweep_id is None:
        return
    others = [
        curve_of(tx, other, config.metric.name, bracket)
        for other in queries.runs_of_sweep(tx, run.sweep_id)
        if other.id != run.id and other.history_lines >= bracket
    ]
    decision = early_termination.decide(config, curve, others)
    if decision is None:
        return
    writes.update(tx, "run", run.id, bracket=decision.bracket)
    if decision.stop:
        rivals = [decision.rivals[place] for place in evenly(len(decision.rivals), MOST_RIVALS_KEPT)]
        kept = {"rivals": rivals, "others": len(decision.rivals), "value": curve[bracket - 1]}
        runs.stop_early(tx, run, asdict(decision) | kept, now_s)


def _reached(config: SweepConfig, count: int) -> int:
    """The highest bracket within so many values; 0 before the first."""
    return max((bracket for bracket in early_termination.brackets(config) if bracket <= count), default=0)


def _values(rows: Iterator[str] | Sequence[str], metric: str) -> Iterator[float]:
    for row in rows:
        value = number(at_path(json.loads(row), metric))
        if value is not None and math.isfinite(value):
            yield value
