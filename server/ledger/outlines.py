"""The outlines of histories, kept as rows are written, so that no answer has to read them all.

Rows that come after all before are added. Whatever else happens to a history (rows written over, cut off, told by an
older server) leaves its outline in doubt: until `settle` has made it anew, who asks reads the rows.
"""

import sqlite3
from collections.abc import Iterable
from itertools import pairwise, takewhile
from typing import Final

from server.ledger.chunk import Lines
from server.ledger.outline import Outline
from server.store import history_queries, queries, writes
from server.store.database import Database
from server.store.rows import KeptOutline, Run

# It is written again with every chunk; a history of thousands of keys has none.
LONGEST: Final = 200_000


def take(tx: sqlite3.Connection, run: Run, history: Lines, steps: tuple[int | None, ...]) -> None:
    """Notes what lines do to a run's history; asked before they are stored.

    Args:
        run: as it was before.
    """
    before, known = history_queries.outline(tx, run.id), _known_rows(tx, run, history)
    rows, steps, offset = history.rows[known:], steps[known:], history.offset + known
    untold = before is None and run.history_lines > 0
    if not rows:
        return
    if untold or offset < run.history_lines or not _ascend(history_queries.last_step(tx, run.id), steps):
        writes.doubt_outline(tx, run.id)
    elif before is None or before.text is not None or before.too_long:
        _add(tx, run.id, before or KeptOutline(run.id, 0, 0, 1, 0, Outline().text()), rows, offset)


def _known_rows(tx: sqlite3.Connection, run: Run, history: Lines) -> int:
    """How many rows at the begin are stored as they are: a request may be sent again."""
    if history.offset >= run.history_lines:
        return 0
    stored = history_queries.rows_from(tx, run.id, history.offset, len(history.rows))
    same = takewhile(lambda pair: stored.get(pair[0]) == pair[1], enumerate(history.rows, history.offset))
    return sum(1 for _ in same)


def _ascend(last_step: int | None, steps: tuple[int | None, ...]) -> bool:
    """Whether rows come after all before; those without a step come before all that have one."""
    return all(
        before is None or (after is not None and before < after) for before, after in pairwise((last_step, *steps))
    )


def _add(tx: sqlite3.Connection, run_id: int, before: KeptOutline, rows: list[str], offset: int) -> None:
    text = before.text
    if text is not None:
        outline = Outline.read(text)
        outline.take(rows)
        text = _kept_text(outline)
    in_order = bool(before.in_order) and offset == before.row_count
    count = before.row_count + len(rows)
    writes.put_outline(tx, run_id, count, in_order=in_order, too_long=text is None, text=text)


def _kept_text(outline: Outline) -> str | None:
    text = outline.text()
    return text if len(text) <= LONGEST else None


def of(connection: sqlite3.Connection, run_id: int) -> Outline:
    """A run's outline as kept, or made of its rows where it is in doubt."""
    known = kept(connection, run_id)
    if known is not None:
        return known[0]
    made = Outline()
    made.take(history_queries.history(connection, run_id))
    return made


def kept(connection: sqlite3.Connection, run_id: int) -> tuple[Outline, int] | None:
    """A run's outline and how many rows it is of, if that is kept and beyond doubt."""
    found = history_queries.outline(connection, run_id)
    return None if found is None or found.text is None else (Outline.read(found.text), found.row_count)


def of_runs(connection: sqlite3.Connection, run_ids: Iterable[int]) -> dict[int, Outline]:
    """The outlines of those of some runs that are kept and beyond doubt."""
    found = history_queries.outlines(connection, run_ids)
    return {each.run_id: Outline.read(each.text) for each in found if each.text is not None}


def settle(database: Database, after_run_id: int) -> int | None:
    """Makes the next outline that is in doubt anew; reads the rows without the lock for writing.

    Returns:
        The number of its run, the next after the one that is given; None if there is none.
    """
    with database.read() as connection:
        before = history_queries.outline_in_doubt(connection, after_run_id)
        if before is None:
            return None
        lines, made = queries.by_id(connection, Run, before.run_id).history_lines, Outline()
        made.take(history_queries.history(connection, before.run_id))
        count, in_order = history_queries.order(connection, before.run_id)
    with database.write() as tx:
        # Whatever puts a row before others is another doubt; what else has come since came after all.
        since = history_queries.rows_from(tx, before.run_id, lines)
        made.take(since.values())
        in_order = in_order and list(since) == list(range(count, count + len(since)))
        text = _kept_text(made)
        settled = {"row_count": count + len(since), "in_order": in_order, "too_long": text is None, "text": text}
        writes.settle_outline(tx, before.run_id, before.doubt, **settled)
    return before.run_id
