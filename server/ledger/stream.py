"""What a run sends while it lives: history, system metrics, console, summary, and its end."""

import sqlite3

from server import lifecycle
from server.ledger import clearing, early_stop, files, outlines, points, runs, starts, writers
from server.ledger.chunk import Chunk
from server.ledger.moves import move_run
from server.store import queries, writes
from server.store.rows import Run
from terms import states


def take(tx: sqlite3.Connection, run: Run, chunk: Chunk, now_s: float) -> bool | None:
    """Stores a chunk; the same chunk again changes nothing, and one of a start that another has overwritten neither.

    Returns:
        True if the run should stop: somebody asked for it, or its point went to another run. None: the chunk is to be
        given again, since a long run is to be overwritten, or shared with others, which is done in slices.
    """
    if chunk.writer is not None and not starts.is_announced(run) and not starts.share(tx, run):
        return None
    if chunk.writer is not None or starts.is_shared(run):
        _take(tx, run, writers.placed(tx, run, chunk), now_s, begins=False)
    elif (place := starts.place(tx, run, chunk)) == "makes way" or (place == "begins" and clearing.makes_way(tx, run)):
        return None
    elif place != "late":
        _take(tx, run, chunk, now_s, begins=place == "begins")
    run = queries.by_id(tx, Run, run.id)
    return run.stop_requested_at_s is not None or points.is_fenced(tx, run)


def _take(tx: sqlite3.Connection, run: Run, chunk: Chunk, now_s: float, *, begins: bool) -> None:
    if begins:
        _overwrite(tx, run, now_s)
    stays_ended = starts.stays_ended(run, None, chunk.writer)
    runs.revive(tx, queries.by_id(tx, Run, run.id), now_s, stays_ended=stays_ended)
    _store(tx, queries.by_id(tx, Run, run.id), chunk, now_s)
    run = queries.by_id(tx, Run, run.id)
    if chunk.preempting and run.state == states.RUNNING:
        move_run(tx, run, states.PREEMPTING, now_s, preempting=1)
    if chunk.exit_code is not None:
        _end(tx, queries.by_id(tx, Run, run.id), chunk.exit_code, now_s)


def _overwrite(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Forgets a former start: all that it sent, the files that the new one has not written, the verdicts on it."""
    writes.drop_lines(tx, run.id)
    writes.drop_writers(tx, run.id)
    writes.drop_passed(tx, run.id)
    files.delete_former(tx, run)
    asked_at_s = None if run.early_stop else run.stop_requested_at_s
    verdicts = {"bracket": 0, "curve_length": 0, "early_stop": None, "stop_requested_at_s": asked_at_s}
    writes.update(tx, "run", run.id, start=starts.ALONE, started_at_s=now_s, preempting=0, **verdicts)
    runs.set_summary(tx, queries.by_id(tx, Run, run.id), "{}")


def _store(tx: sqlite3.Connection, run: Run, chunk: Chunk, now_s: float) -> None:
    if chunk.history:
        appended = early_stop.appends(tx, run, chunk)
        outlines.take(tx, run, chunk.history, chunk.steps)
        rows = list(zip(chunk.steps, chunk.history.rows, strict=True))
        (writes.append_history if appended else writes.put_history)(tx, run.id, chunk.history.offset, rows)
        early_stop.consider(tx, run, chunk, now_s, appended=appended)
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
        if lifecycle.failed_itself(state, exit_code):
            runs.note_exception(tx, queries.by_id(tx, Run, run.id))
        runs.end(tx, run, state, exit_code, now_s)
        if state == states.FINISHED and run.early_stop is not None:
            # It was done before it heard that it should stop: the verdict stands, and is no cause of its end.
            runs.forget_cause(tx, queries.by_id(tx, Run, run.id))
