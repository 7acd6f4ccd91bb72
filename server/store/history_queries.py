"""Named reads of what a run has logged: its rows in the order of their steps, by index, and what is kept of them."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from server.store.queries import all_rows, one_row
from server.store.rows import KeptOutline

ORDER = "ORDER BY step, line"


def history(
    connection: sqlite3.Connection,
    run_id: int,
    *,
    min_step: int | None = None,
    end_step: int | None = None,
    naming: Iterable[str] = (),
) -> Iterator[str]:
    """History rows with `min_step <= _step < end_step`, in the order logged; read as they are taken.

    Args:
        naming: rows are left out that cannot have a key that begins with each of these, a first letter in quotes.
    """
    where, values = _between(run_id, min_step, end_step)
    for name in naming:
        # In a row without a backslash every name stands as it is.
        where += " AND (instr(row, ?) OR instr(row, '\\'))"
        values.append(f'"{name}')
    return (row for (row,) in connection.execute(f"SELECT row FROM history WHERE {where} {ORDER}", values))


def places(
    connection: sqlite3.Connection, run_id: int, min_step: int | None = None, end_step: int | None = None
) -> Sequence[int]:
    """The lines of such rows, in the same order."""
    kept = outline(connection, run_id)
    where, values = _between(run_id, min_step, end_step)
    if kept is not None and kept.in_order and (kept.text is not None or kept.too_long):
        ends = (_line(connection, f"{where} {by}", values) for by in (ORDER, "ORDER BY step DESC, line DESC"))
        first, last = ends if min_step is not None or end_step is not None else (0, kept.row_count - 1)
        return range(0) if first is None or last is None else range(first, last + 1)
    return [line for (line,) in connection.execute(f"SELECT line FROM history WHERE {where} {ORDER}", values)]


def _line(connection: sqlite3.Connection, where: str, values: list[object]) -> int | None:
    found = connection.execute(f"SELECT line FROM history WHERE {where} LIMIT 1", values).fetchone()
    return None if found is None else int(found[0])


def _between(run_id: int, min_step: int | None, end_step: int | None) -> tuple[str, list[object]]:
    bounds = (("run_id = ?", run_id), ("step >= ?", min_step), ("step < ?", end_step))
    given = [(test, value) for test, value in bounds if value is not None]
    return " AND ".join(test for test, _ in given), [value for _, value in given]


def rows_at(connection: sqlite3.Connection, run_id: int, lines: Sequence[int]) -> list[str]:
    """The rows at some lines, in the order in which these are given."""
    sql = "SELECT line, row FROM history WHERE run_id = ? AND line IN (SELECT value FROM json_each(?))"
    found = dict(connection.execute(sql, (run_id, json.dumps(list(lines)))))
    return [found[line] for line in lines]


def rows_from(connection: sqlite3.Connection, run_id: int, first: int, limit: int = -1) -> dict[int, str]:
    """Rows by their lines, from a line on; `limit` lines at most, where it is not -1."""
    sql = "SELECT line, row FROM history WHERE run_id = ?1 AND line >= ?2 AND (?3 < 0 OR line < ?2 + ?3) ORDER BY line"
    return dict(connection.execute(sql, (run_id, first, limit)))


def order(connection: sqlite3.Connection, run_id: int) -> tuple[int, bool]:
    """How many rows there are, and whether in the order of their steps they stand at the lines 0, 1, 2 and so on."""
    sql = f"SELECT line FROM history WHERE run_id = ? {ORDER}"
    count, in_order = 0, True
    for (line,) in connection.execute(sql, (run_id,)):
        in_order = in_order and line == count
        count += 1
    return count, in_order


def outline(connection: sqlite3.Connection, run_id: int) -> KeptOutline | None:
    return one_row(connection, KeptOutline, "WHERE run_id = ?", run_id)


def outlines(connection: sqlite3.Connection, run_ids: Iterable[int]) -> list[KeptOutline]:
    where = "WHERE run_id IN (SELECT value FROM json_each(?))"
    return all_rows(connection, KeptOutline, where, json.dumps(list(run_ids)))


def outline_in_doubt(connection: sqlite3.Connection, after_run_id: int) -> KeptOutline | None:
    """The next outline, by the numbers of the runs, that has to be made anew; those of deleted runs wait."""
    there = "EXISTS (SELECT 1 FROM run WHERE run.id = outline.run_id)"
    where = f"WHERE text IS NULL AND NOT too_long AND run_id > ? AND {there} ORDER BY run_id LIMIT 1"
    return one_row(connection, KeptOutline, where, after_run_id)


def last_step(connection: sqlite3.Connection, run_id: int) -> int | None:
    """The highest step of a run's history."""
    step: int | None = connection.execute("SELECT max(step) FROM history WHERE run_id = ?", (run_id,)).fetchone()[0]
    return step
