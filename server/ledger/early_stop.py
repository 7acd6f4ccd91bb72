"""Early termination: decided on the row that reaches a bracket, with a reason that is kept on the run.

The value of the metric that a run has at a bracket is kept when the run passes it, so that a decision reads no history
of rivals: it is made while the only lock for writing is held. Where none is kept (rows logged under another config of
the sweep, or by an older server; rows replaced since) it is read once.
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
    may_stop = run.state == states.RUNNING and run.stop_requested_at_s is None and chunk.exit_code is None
    if reached(config, count) > (run.bracket if may_stop else queries.last_passed(tx, run.id)):
        curve = curve_of(tx, run.id, config.metric.name)
        count = len(curve)
        _keep(tx, run, config, curve)
        if may_stop:
            _compare(tx, run, config, curve, now_s)
    writes.update(tx, "run", run.id, curve_length=count)


def _compare(tx: sqlite3.Connection, run: Run, config: SweepConfig, curve: list[float], now_s: float) -> None:
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
        _keep(tx, rival, config, curve)
        if len(curve) < bracket:
            writes.update(tx, "run", rival.id, curve_length=len(curve))
    for prior in sweep_queries.prior_runs_in_doubt(tx, run.sweep_id or 0, bracket):
        curve = curve_of(tx, prior.id, metric, bracket)
        writes.put_prior_passed(tx, run.sweep_id or 0, bracket, prior, curve[-1] if len(curve) == bracket else None)
    own = queries.values_at(tx, run.sweep_id or 0, bracket, but=run.id)
    return own + sweep_queries.prior_values_at(tx, run.sweep_id or 0, bracket)


def _keep(tx: sqlite3.Connection, run: Run, config: SweepConfig, curve: Sequence[float]) -> None:
    there = {bracket: curve[bracket - 1] for bracket in early_termination.brackets(config) if bracket <= len(curve)}
    writes.put_passed(tx, run.id, there)
