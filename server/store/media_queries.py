"""Named reads of the media that runs log: rows of a history that have a value of a kind of its own."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

# W&B's client says so in each value that is no plain one.
TYPED: Final = "instr(row, '\"_type\"')"
# In a row without a backslash every name stands as it is.
NAMED: Final = "(instr(row, ?) OR instr(row, '\\'))"
# A row of all gradients' histograms of a large network takes some hundred kB.
LONGEST: Final = 2_000_000


def lines_naming(connection: sqlite3.Connection, run_id: int, key: str) -> list[int]:
    """The lines of rows that may have media under a key, by their steps."""
    where = f"run_id = ? AND {TYPED} AND {NAMED} ORDER BY step, line"
    found = connection.execute(f"SELECT line FROM history WHERE {where}", (run_id, _name(key)))
    return [line for (line,) in found]


def rows_at(connection: sqlite3.Connection, run_id: int, lines: Sequence[int]) -> dict[int, str]:
    """Rows by their lines; none that is too long."""
    sql = (
        "SELECT line, row FROM history WHERE run_id = ? AND line IN (SELECT value FROM json_each(?)) "
        f"AND length(row) <= {LONGEST}"
    )
    return dict(connection.execute(sql, (run_id, json.dumps(list(lines)))))


def last_naming(connection: sqlite3.Connection, run_id: int, key: str, step: int, most: int) -> list[str]:
    """The last rows up to a step that may have media under a key, the last one first."""
    where = f"run_id = ? AND step <= ? AND {TYPED} AND {NAMED} AND length(row) <= {LONGEST}"
    sql = f"SELECT row FROM history WHERE {where} ORDER BY step DESC, line DESC LIMIT ?"
    return [row for (row,) in connection.execute(sql, (run_id, step, _name(key), most))]


def steps_beside(connection: sqlite3.Connection, run_ids: Sequence[int], step: int) -> tuple[int | None, int | None]:
    """The steps next before and next after one at which any of some runs has media."""
    sides = (("<", "max"), (">", "min"))
    sql = "SELECT {}(step) FROM history WHERE run_id IN (SELECT value FROM json_each(?)) AND step {} ? AND {}"
    of = json.dumps(list(run_ids))
    before, after = (connection.execute(sql.format(end, sign, TYPED), (of, step)).fetchone()[0] for sign, end in sides)
    return before, after


def _name(key: str) -> str:
    """As it stands in a row; a key with dots may be one of nested objects, of which the first begins so."""
    head, dot, _ = key.partition(".")
    return f'"{head}' if dot else f'"{key}"'
