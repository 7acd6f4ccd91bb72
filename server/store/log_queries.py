"""Named reads of a run's console: from a line on or back from one, so that a page costs a page however long it is."""

import re
import sqlite3
from collections.abc import Iterator
from typing import Final

# Colours may stand in the middle of what is looked for: who reads such a line knows more.
ESCAPE: Final = "char(27)"
SPECIAL: Final = re.compile("[!%_]")


def onwards(
    connection: sqlite3.Connection, run_id: int, first: int, *, naming: str = "", only_errors: bool = False
) -> Iterator[tuple[int, str]]:
    """(number, text) of the lines from one on, as far as they are taken.

    Args:
        naming: lines are left out that cannot show this text, in whatever case.
        only_errors: only what came from stderr.
    """
    where, values = _where(naming, only_errors)
    sql = f"SELECT line, row FROM log WHERE run_id = ? AND line >= ?{where} ORDER BY line"
    return connection.execute(sql, (run_id, first, *values))


def backwards(
    connection: sqlite3.Connection, run_id: int, before: int, *, naming: str = "", only_errors: bool = False
) -> Iterator[tuple[int, str]]:
    """The same of the lines before one, the last of them first."""
    where, values = _where(naming, only_errors)
    sql = f"SELECT line, row FROM log WHERE run_id = ? AND line < ?{where} ORDER BY line DESC"
    return connection.execute(sql, (run_id, before, *values))


def _where(naming: str, only_errors: bool) -> tuple[str, list[str]]:
    where = " AND row LIKE 'ERROR %'" if only_errors else ""
    if not naming or not naming.isascii():  # SQLite knows the cases of no other letters
        return where, []
    pattern = SPECIAL.sub(r"!\g<0>", naming)
    return f"{where} AND (row LIKE ? ESCAPE '!' OR instr(row, {ESCAPE}))", [f"%{pattern}%"]
