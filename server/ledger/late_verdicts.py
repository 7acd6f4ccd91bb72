"""Early termination where much has to be read for it: without the lock for writing, a little after the row itself.

So it is for a run that has logged a long history, or has written over one, and where nothing is kept of many rivals.
Rows that come meanwhile after those that were read are added; what was written over meanwhile is read again.
"""

import sqlite3
from dataclasses import dataclass

from search.config import SweepConfig
from search.early_termination import reached
from server.ledger import early_stop, points
from server.ledger.curves import curve_of, values
from server.store import history_queries, queries, sweep_queries
from server.store.database import Database
from server.store.rows import Run, Sweep


@dataclass(frozen=True)
class _Read:
    """What was read of a run: the metric's values in order, at most `limit` of them if that is given."""

    run: Run
    mark: tuple[object, ...]
    curve: list[float]
    limit: int | None = None


@dataclass(frozen=True)
class _Reading:
    """What a comparison needs; `sweep` as it was then."""

    sweep: Sweep
    config: SweepConfig
    bracket: int
    own: _Read
    rivals: list[_Read]
    priors: list[_Read]


def give_next(database: Database, after_run_id: int, now_s: float) -> int | None:
    """Compares the next run that waits for it with its rivals.

    Args:
        now_s: UTC seconds.

    Returns:
        The number of the run, the next after the one that is given; None if there is none.
    """
    with database.read() as connection:
        found = _next(connection, after_run_id)
        reading = None if found is None else _reading(connection, *found)
    if reading is None:
        return None
    with database.write() as tx:
        if queries.by_id(tx, Sweep, reading.sweep.id).config == reading.sweep.config:
            _keep(tx, reading)
            _compare(tx, reading, now_s)
    return reading.own.run.id


def _next(connection: sqlite3.Connection, after_run_id: int) -> tuple[Run, Sweep, SweepConfig] | None:
    for run in sweep_queries.runs_past(connection, after_run_id):
        sweep = queries.by_id(connection, Sweep, run.sweep_id or 0)
        config = points.parsed(sweep.config)
        bracket = reached(config, run.curve_length)
        # What is soon read is decided with the run's own next row.
        if bracket > run.bracket and not early_stop.is_soon_read(connection, run, bracket, run.history_lines):
            return run, sweep, config
    return None


def _reading(connection: sqlite3.Connection, run: Run, sweep: Sweep, config: SweepConfig) -> _Reading:
    metric, bracket = config.metric.name if config.metric else None, reached(config, run.curve_length)

    def read(run: Run, limit: int | None) -> _Read:
        return _Read(run, _mark(connection, run), curve_of(connection, run.id, metric, limit), limit)

    rivals = [each for each in queries.runs_in_doubt(connection, sweep.id, bracket) if each.id != run.id]
    priors = sweep_queries.prior_runs_in_doubt(connection, sweep.id, bracket)
    of_others = ([read(each, bracket) for each in runs] for runs in (rivals, priors))
    return _Reading(sweep, config, bracket, read(run, None), *of_others)


def _mark(connection: sqlite3.Connection, run: Run) -> tuple[object, ...]:
    """Another one when the run's rows were written over, or it has begun anew."""
    outline, now = history_queries.outline(connection, run.id), queries.run_numbered(connection, run.id)
    return now and now.started_at_s, outline and outline.doubt


def _keep(tx: sqlite3.Connection, reading: _Reading) -> None:
    """Keeps what is still as it was read, with what has come since."""
    for prior in reading.priors:
        early_stop.keep_prior(tx, reading.sweep.id, reading.bracket, prior.run, prior.curve)
    for each in (reading.own, *reading.rivals):
        if _mark(tx, each.run) == each.mark:
            _add_later(tx, each, reading.config)
            early_stop.keep(tx, each.run, reading.config, each.curve, each.limit)


def _add_later(tx: sqlite3.Connection, read: _Read, config: SweepConfig) -> None:
    later = history_queries.rows_from(tx, read.run.id, read.run.history_lines)
    if config.metric and (read.limit is None or len(read.curve) < read.limit):
        read.curve.extend(values(later.values(), config.metric.name))


def _compare(tx: sqlite3.Connection, reading: _Reading, now_s: float) -> None:
    own = reading.own
    run = queries.run_numbered(tx, own.run.id)
    if run is None or run.state != own.run.state or run.stop_requested_at_s is not None or _mark(tx, run) != own.mark:
        return
    # What others have written over meanwhile is for the next time.
    if early_stop.is_soon_read(tx, run, reached(reading.config, len(own.curve)), 0):
        early_stop.compare(tx, run, reading.config, own.curve, now_s)
