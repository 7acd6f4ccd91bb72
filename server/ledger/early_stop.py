"""Early termination: decided on the row that reaches a bracket, with a reason that is kept on the run.

The value of the metric that a run has at a bracket is kept when the run passes it, so that a decision reads no history
of rivals: it is made while the only lock for writing is held. Where none is kept (rows logged under another config of
the sweep, or by an older server; rows replaced since) it is read once. Where that is much to read, the decision comes a
little later (`late_verdicts`).
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Final

from search import early_termination
from search.config import SweepConfig
from search.early_termination import reached
from server.ledger import points, runs
from server.ledger.chunk import Chunk
from server.ledger.curves import curve_of, values
from server.sampling import evenly
from server.store import history_queries, queries, sweep_queries, writes
from server.store.rows import Run, Sweep
from terms import states

# Each stopped run keeps the values that it was compared with; all of thousands would fill the disk with their square.
MOST_RIVALS_KEPT: Final = 200
# Rows that are read while others wait: some 50 ms.
MOST_READ: Final = 10_000


def appends(tx: sqlite3.Connection, run: Run, chunk: Chunk) -> bool:
    """Whether a chunk's rows of history come after all that are stored, by line and by step; asked before they are."""
    if chunk.history is None or chunk.history.offset < run.history_lines or None in chunk.steps:
        return False
    steps = [history_queries.last_step(tx, run.id), *chunk.steps]
    return all(before is None or (after is not None and before < after) for before, after in pairwise(steps))


def consider(tx: sqlite3.Connection, run: Run, chunk: Chunk, now_s: float, *, appended: bool) -> None:
    """Compares a run that has just logged with its rivals, once at each bracket, and asks it to stop if it is too bad.

    The reply to this very request tells the run, which then ends by itself and loses no row. A run that ends with this
    request is asked nothing.

    Args:
        run: as it was before these rows were stored.
        appended: see `appends`; rows that replace others make what is kept of the run doubtful.
    """
    config = points.parsed(queries.by_id(tx, Sweep, run.sweep_id).config) if run.sweep_id else None
    if config is None or config.early_terminate is None or config.metric is None or chunk.history is None:
        return
    # Counting spares reading the whole history at each request; at a bracket it is read, and the count set right.
    if appended:
        count = run.curve_length + sum(1 for _ in values(chunk.history.rows, config.metric.name))
    else:
        writes.drop_passed(tx, run.id)
        count = queries.by_id(tx, Run, run.id).history_lines
    writes.update(tx, "run", run.id, curve_length=count)
    may_stop = run.state == states.RUNNING and run.stop_requested_at_s is None and chunk.exit_code is None
    bracket = reached(config, count)
    passed = bracket > (run.bracket if may_stop else queries.last_passed(tx, run.id))
    if passed and is_soon_read(tx, run, bracket, queries.by_id(tx, Run, run.id).history_lines):
        curve = curve_of(tx, run.id, config.metric.name)
        keep(tx, run, config, curve)
        if may_stop:
            compare(tx, run, config, curve, now_s)


def is_soon_read(tx: sqlite3.Connection, run: Run, bracket: int, own_rows: int) -> bool:
    """Whether what a comparison has to read is little; else `late_verdicts` reads it without the lock.

    Args:
        own_rows: how many of the run itself are still to be read.
    """
    return own_rows + sweep_queries.rows_in_doubt(tx, run.sweep_id or 0, bracket, but=run.id) <= MOST_READ


def compare(tx: sqlite3.Connection, run: Run, config: SweepConfig, curve: list[float], now_s: float) -> None:
    """Compares a run with its rivals at the highest bracket that its curve has reached, unless it was compared there.

    Args:
        run: as it was before the row that reached it.
        curve: all that it has logged of the metric.
    """
    bracket = reached(config, len(curve))
    passed = bracket > run.bracket
    decision = early_termination.decide(config, curve, _rivals(tx, run, config, bracket)) if passed else None
    if decision is None:
        return
    writes.update(tx, "run", run.id, bracket=decision.bracket)
    if decision.stop:
        rivals = [decision.rivals[place] for place in evenly(len(decision.rivals), MOST_RIVALS_KEPT)]
        kept = {"rivals": rivals, "others": len(decision.rivals), "value": curve[bracket - 1]}
        runs.stop_early(tx, run, asdict(decision) | kept, now_s)


def _rivals(tx: sqlite3.Connection, run: Run, config: SweepConfig, bracket: int) -> list[float]:
    """The values of the sweep's other runs at a bracket, and of those that it began with."""
    metric = config.metric.name if config.metric else None
    for rival in queries.runs_in_doubt(tx, run.sweep_id or 0, bracket):
        curve = curve_of(tx, rival.id, metric, bracket)
        keep(tx, rival, config, curve, bracket)
    for prior in sweep_queries.prior_runs_in_doubt(tx, run.sweep_id or 0, bracket):
        curve = curve_of(tx, prior.id, metric, bracket)
        keep_prior(tx, run.sweep_id or 0, bracket, prior, curve)
    own = queries.values_at(tx, run.sweep_id or 0, bracket, but=run.id)
    return own + sweep_queries.prior_values_at(tx, run.sweep_id or 0, bracket)


def keep_prior(tx: sqlite3.Connection, sweep_id: int, bracket: int, prior: Run, curve: Sequence[float]) -> None:
    """Keeps the value at a bracket of a run that a sweep began with.

    Args:
        curve: as far as the bracket.
    """
    writes.put_prior_passed(tx, sweep_id, bracket, prior, curve[-1] if len(curve) == bracket else None)


def keep(
    tx: sqlite3.Connection, run: Run, config: SweepConfig, curve: Sequence[float], limit: int | None = None
) -> None:
    """Keeps a run's values at the brackets that it has passed, and how many there are in all.

    Args:
        limit: of how many the curve was read at most; None for all.
    """
    if limit is None or len(curve) < limit:
        writes.update(tx, "run", run.id, curve_length=len(curve))
    there = {bracket: curve[bracket - 1] for bracket in early_termination.brackets(config) if bracket <= len(curve)}
    writes.put_passed(tx, run.id, there)
