"""Early termination: decided on the row that reaches a bracket, with a reason that is kept on the run."""

import json
import sqlite3
from dataclasses import asdict

from search import early_termination
from server import lifecycle
from server.ledger import points
from server.ledger.runs import at_path
from server.store import queries, writes
from server.store.rows import Run


def consider(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Compares a run that has just logged with its rivals, once at each bracket, and asks it to stop if it is too bad.

    The reply to this very request tells the run, which then ends by itself and loses no row.
    """
    if run.sweep_id is None or run.state != lifecycle.RUNNING or run.stop_requested_at_s is not None:
        return
    config = points.parsed(queries.sweep_by_id(tx, run.sweep_id).config)
    if config.early_terminate is None or config.metric is None:
        return
    curve = curve_of(tx, run, config.metric.name)
    reached = max((bracket for bracket in early_termination.brackets(config) if bracket <= len(curve)), default=0)
    if reached <= run.bracket:
        return
    others = [other for other in queries.runs_of_sweep(tx, run.sweep_id) if other.id != run.id]
    decision = early_termination.decide(config, curve, [curve_of(tx, other, config.metric.name) for other in others])
    if decision is None:
        return
    writes.update(tx, "run", run.id, bracket=decision.bracket)
    if decision.stop:
        writes.update(tx, "run", run.id, stop_requested_at_s=now_s, early_stop=json.dumps(asdict(decision)))


def curve_of(connection: sqlite3.Connection, run: Run, metric: str | None) -> list[float]:
    """The values of a metric in the order in which a run logged them."""
    if metric is None:
        return []
    values = (at_path(json.loads(row), metric) for row in queries.history(connection, run.id))
    return [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
