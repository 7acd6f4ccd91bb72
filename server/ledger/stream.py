"""What a run sends while it lives: history, system metrics, console, summary, and its end."""

import sqlite3
from dataclasses import dataclass

from server import lifecycle
from server.ledger import early_stop, points, runs
from server.ledger.moves import move_run
from server.store import queries, writes
from server.store.rows import Run
from terms import states


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of one stream; `offset` is the number of the first, counted from 0."""

    offset: int
    rows: list[str]


@dataclass(frozen=True)
class Chunk:
    """One request of a run's file stream.

    Attributes:
        steps: `_step` of each history row, None where it has none; as long as `history.rows`.
        summary: the whole summary as JSON, replacing the one before.
        exit_code: of the script, when this is the run's end; else None.
    """

    history: Lines | None = None
    steps: tuple[int | None, ...] = ()
    events: Lines | None = None
    logs: tuple[Lines, ...] = ()
    summary: str | None = None
    preempting: bool = False
    exit_code: int | None = None


def take(tx: sqlite3.Connection, run: Run, chunk: Chunk, now_s: float) -> bool:
    """Stores a chunk; the same chunk again changes nothing.

    Returns:
        True if the run should stop: somebody asked for it, or its point went to another run.
    """
    runs.revive(tx, run, now_s)
    _store(tx, queries.by_id(tx, Run, run.id), chunk, now_s)
    run = queries.by_id(tx, Run, run.id)
    if chunk.preempting and run.state == states.RUNNING:
        move_run(tx, run, states.PREEMPTING, now_s, preempting=1)
    if chunk.exit_code is not None:
        _end(tx, queries.by_id(tx, Run, run.id), chunk.exit_code, now_s)
    return run.stop_requested_at_s is not None or points.is_fenced(tx, queries.by_id(tx, Run, run.id))


def _store(tx: sqlite3.Connection, run: Run, chunk: Chunk, now_s: float) -> None:
    if chunk.history:
        rows = list(zip(chunk.steps, chunk.history.rows, strict=True))
        writes.put_history(tx, run.id, chunk.history.offset, rows)
        early_stop.consider(tx, run, chunk.history.rows[max(run.history_lines - chunk.history.offset, 0) :], now_s)
    if chunk.events:
        writes.put_lines(tx, "event", run.id, chunk.events.offset, chunk.events.rows)
    for lines in chunk.logs:
        writes.put_lines(tx, "log", run.id, lines.offset, lines.rows)
    if chunk.summary is not None:
        runs.set_summary(tx, queries.by_id(tx, Run, run.id), chunk.summary)


def _end(tx: sqlite3.Connection, run: Run, exit_code: int, now_s: float) -> None:
    # The end of a run that was closed before (given up, killed) comes too late to count.
    if run.state in states.LIVE:
        state = lifecycle.state_at_end(exit_code, run.stop_requested_at_s is not None, bool(run.preempting))
        runs.note_nan(tx, run)
        runs.end(tx, run, state, exit_code, now_s)
