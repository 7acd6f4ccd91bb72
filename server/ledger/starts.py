"""Starts of a run: one that takes nothing over from the one before overwrites it, as W&B means `resume=None`.

W&B's client (0.28.2 and 0.31.0, read off the wire) gives a start no name, neither in headers nor in bodies. It tells:

- only the first call of a start names its program, and one that resumes names the run's node id beside it;
- who takes nothing over numbers lines from 0; each line of history and system metrics holds the moment it was logged.

So a start is announced by its first call, and takes the run over with its first lines; until then nothing is forgotten.
A request that is sent again repeats what is stored, so it takes nothing over. A request of a former start that comes
late finds a gap before it, or other lines in its place. Where it falls exactly behind the last line it is stored, and
gives way to the lines of the new start that come to stand there: each tells when its start began.

A program that writes a run together with others (`writers`) overwrites nothing by its start, and revives no run that
one of them has ended.
"""

import json
import sqlite3
from collections.abc import Iterator
from typing import Final, Literal

from server.ledger import writers
from server.ledger.chunk import Chunk, Lines
from server.ledger.clearing import SLICE
from server.run_values import at_path, number
from server.store import queries, writes
from server.store.rows import Run
from terms import states

How = Literal["anew", "resumed"]
"""How a start begins: over what there is, or behind it."""

Place = Literal["begins", "goes on", "late", "makes way"]
"""What a chunk is to its run: a start's first, one of the start that has the run, or a former one's."""

ANNOUNCED: Final = "announced"
ALONE: Final = "alone"
SHARED: Final = "shared"


def announce(tx: sqlite3.Connection, run: Run, how: How, writer: str | None) -> None:
    """Notes a start's first call; `writer` is its name if it writes the run together with others."""
    if writer is not None:
        share(tx, run)  # a long run becomes one of several with the first lines that are theirs
    elif how == "anew" and not _is_blank(run):
        writes.update(tx, "run", run.id, start=ANNOUNCED)
        writes.mark_files_former(tx, run.id)
    else:
        writes.update(tx, "run", run.id, start=None)


def share(tx: sqlite3.Connection, run: Run) -> bool:
    """Notes that several programs write a run; whether that is done, or, of a long run, to be asked for again."""
    # The lines of a start that is announced only are still to come, numbered as those of the former one.
    done = is_shared(run) or is_announced(run) or writers.open_to_others(tx, run)
    if done and not is_shared(run):
        writes.update(tx, "run", run.id, start=SHARED)
    return done


def is_shared(run: Run) -> bool:
    """Whether several programs write a run, also if they have been one so far."""
    return run.start == SHARED


def stays_ended(run: Run, how: How | None, writer: str | None) -> bool:
    """Whether a run that one of its writers has ended stays so, whatever another one says or sends.

    Args:
        how: how a start begins with it; None if none does.
        writer: the name of who says it; None for one that writes alone.
    """
    if writer is None or run.exit_code is None or how == "resumed":
        return False
    # What is added to a finished run, by an evaluation that joins it, makes it no unfinished one.
    return how is None or run.state == states.FINISHED


def is_announced(run: Run) -> bool:
    """Whether a start has made its first call over what a former one has left, and sent no line yet."""
    return run.start == ANNOUNCED


def place(tx: sqlite3.Connection, run: Run, chunk: Chunk) -> Place:
    """Says whose a chunk is, and takes back an announcement that it belies; `run` as it was before.

    Where a former start's lines stand in its way, they go in slices, and it is to be asked again ("makes way").
    """
    parts = [part for part in (chunk.history, chunk.events, *chunk.logs) if part and part.rows]
    if not parts and chunk.summary is None:
        return "goes on"
    found = [(stream, lines, _fit(tx, run, stream, lines)) for stream, lines in _dated(chunk)]
    fits = {fit for _, _, fit in found}
    if is_announced(run) and any(part.offset for part in parts):
        # A first call that was sent again and came late, or a client that resumes without a node id.
        writes.update(tx, "run", run.id, start=None)
        return "goes on"
    if is_announced(run):
        return "goes on" if "same" in fits else "begins"
    if "newer" in fits:
        return "begins"
    if run.start == ALONE and fits & {"gap", "other"}:
        return "late"
    for stream, lines, fit in found:
        if fit == "astray":
            if writes.cut_some_lines(tx, stream, run.id, lines.offset, SLICE):
                return "makes way"
            writes.drop_passed(tx, run.id)
    return "goes on"


def _is_blank(run: Run) -> bool:
    return run.summary == "{}" and not (run.history_lines or run.event_lines or run.log_lines)


def _dated(chunk: Chunk) -> Iterator[tuple[str, Lines]]:
    """Its lines that tell when they were logged, by stream."""
    for stream, lines in (("history", chunk.history), ("event", chunk.events)):
        if lines and lines.rows:
            yield stream, lines


def _fit(tx: sqlite3.Connection, run: Run, stream: str, lines: Lines) -> str:
    """How lines lie to those that are stored."""
    if lines.offset > (run.history_lines if stream == "history" else run.event_lines):
        return "gap"
    stored, sent = queries.line(tx, stream, run.id, lines.offset), lines.rows[0]
    if stored is None:
        return "free"
    if stored == sent:
        return "same"
    if lines.offset:
        first = queries.line(tx, stream, run.id, 0)
        return "astray" if run.start == ALONE and _is_nearer(first, sent, stored) else "other"
    before, after = _logged_at_s(stored), _logged_at_s(sent)
    # A first line that was logged later is that of a later start, whose announcement has been taken for a former's.
    return "newer" if before is not None and after is not None and after > before else "other"


def _is_nearer(first: str | None, sent: str, stored: str) -> bool:
    """Whether a line that was sent is rather of the start that sent the first than the one that stands in its place."""
    began, sent_began, stored_began = (None if row is None else _began_at_s(row) for row in (first, sent, stored))
    if began is None or sent_began is None or stored_began is None:
        return False
    return abs(sent_began - began) < abs(stored_began - began)


def _began_at_s(row: str) -> float | None:
    """When the start began that logged a row, by its own clock; a second or an epoch off, alike for all its rows."""
    logged_at_s, for_s = _logged_at_s(row), number(at_path(json.loads(row), "_runtime"))
    return None if logged_at_s is None or for_s is None else logged_at_s - for_s


def _logged_at_s(row: str) -> float | None:
    return number(at_path(json.loads(row), "_timestamp"))
