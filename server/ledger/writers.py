"""Several programs that write one run together (`mode="shared"`), as the ranks of a distributed training do.

W&B's client (0.28.2 and 0.31.0, read off the wire) says so in headers, with a name of its own for each program. Each
numbers its lines from 0, and sends its config and summary whole as far as it knows them. Rows of history have no step
(0.28.2) or the program's own (0.31.0): the server is to number the steps.

So a line gets the next place in its run as it comes, and keeps it when it is sent again or written over. Steps are
counted over all rows. Of a config or summary only what its writer has changed is taken over.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from server.ledger.chunk import Chunk, Lines
from server.ledger.clearing import SLICE
from server.ledger.names import require_texts
from server.run_values import with_changes
from server.store import history_queries, queries, writer_queries, writes
from server.store.rows import Run, Writer

STEP: Final = "_step"
# A client that believes to write alone; one of several as soon as another has joined it.
UNNAMED: Final = ""


def open_to_others(tx: sqlite3.Connection, run: Run) -> bool:
    """Lets others write a run that one client has written alone so far, and may go on to.

    Returns:
        Whether they may now; of a long run this is a slice, and it is to be asked again.
    """
    return not writes.put_places_as_they_are(tx, _writer(tx, run, UNNAMED).id, run.id, SLICE)


def placed(tx: sqlite3.Connection, run: Run, chunk: Chunk) -> Chunk:
    """A writer's chunk in the run's own numbers, with the whole summary of the run.

    Lines that are there already are left out, but for those of the console, which may be written over.

    Args:
        run: as it was before.

    Raises:
        RefusalError: the writer's name is too long.
    """
    writer = _writer(tx, run, chunk.writer or UNNAMED)
    rows = _new(tx, writer, "history", chunk.history, run.history_lines)
    events = _new(tx, writer, "event", chunk.events, run.event_lines)
    last_step = history_queries.last_step(tx, run.id)
    first = 0 if last_step is None else last_step + 1
    steps = range(first, first + len(rows))
    return replace(
        chunk,
        history=Lines(run.history_lines, list(map(_with_step, rows, steps))) if rows else None,
        steps=tuple(steps),
        events=Lines(run.event_lines, events) if events else None,
        logs=tuple(_blocks(tx, writer, chunk.logs, run.log_lines)),
        summary=None if chunk.summary is None else _summary(tx, run, writer, chunk.summary, steps.stop - 1),
    )


def config(tx: sqlite3.Connection, run: Run, name: str, text: str) -> str:
    """A run's config with what a writer has changed in it, as JSON.

    Args:
        text: JSON of the whole config, as the writer knows it.

    Raises:
        RefusalError: the writer's name is too long.
    """
    writer = _writer(tx, run, name)
    writes.update(tx, "writer", writer.id, config=text)
    return json.dumps(with_changes(*map(json.loads, (run.config, writer.config, text))))


def _writer(tx: sqlite3.Connection, run: Run, name: str) -> Writer:
    require_texts({"writer": name})
    found = writer_queries.writer(tx, run.id, name)
    return found or queries.by_id(tx, Writer, writes.insert(tx, "writer", run_id=run.id, name=name))


def _places(tx: sqlite3.Connection, writer: Writer, stream: str, lines: Lines, end: int) -> list[tuple[int, str]]:
    """(place in the run, text) of lines; those that have none yet get the next from `end` on."""
    numbers = range(lines.offset, lines.offset + len(lines.rows))
    known = writer_queries.places(tx, writer.id, stream, numbers.start, numbers.stop)
    new = {number: end + count for count, number in enumerate(number for number in numbers if number not in known)}
    writes.put_places(tx, writer.id, stream, new)
    places = known | new
    return [(places[number], text) for number, text in zip(numbers, lines.rows, strict=True)]


def _new(tx: sqlite3.Connection, writer: Writer, stream: str, lines: Lines | None, end: int) -> list[str]:
    found = _places(tx, writer, stream, lines, end) if lines else []
    return [text for place, text in found if place >= end]


def _blocks(tx: sqlite3.Connection, writer: Writer, logs: Iterable[Lines], end: int) -> list[Lines]:
    """Lines of the console, those that stand together in the run in one."""
    blocks: list[Lines] = []
    for lines in logs:
        for place, text in _places(tx, writer, "log", lines, end):
            if not blocks or place != blocks[-1].offset + len(blocks[-1].rows):
                blocks.append(Lines(place, []))
            blocks[-1].rows.append(text)
            end = max(end, place + 1)
    return blocks


def _with_step(row: str, step: int) -> str:
    return json.dumps({**json.loads(row), STEP: step})


def _summary(tx: sqlite3.Connection, run: Run, writer: Writer, text: str, last_step: int) -> str:
    writes.update(tx, "writer", writer.id, summary=text)
    summary = with_changes(*map(json.loads, (run.summary, writer.summary, text)))
    return json.dumps(summary | ({STEP: last_step} if last_step >= 0 else {}))
