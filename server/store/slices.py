"""Much is deleted in slices, each a transaction of its own, so that nobody waits long for the one writer."""

import sqlite3
from collections.abc import Mapping
from typing import Any


def drop_some(
    tx: sqlite3.Connection, table: str, key: str, where: str, given: Mapping[str, object], most: int, told: str = "1"
) -> list[Any]:
    """Deletes so many rows of a table at most, and returns an expression of each.

    Args:
        key: the columns of its primary key.
        where: which rows may go, the first of them first; `given` are its values.
        told: the expression.
    """
    some = f"SELECT {key} FROM {table} WHERE {where} LIMIT :most"
    sql = f"DELETE FROM {table} WHERE ({key}) IN ({some}) RETURNING {told}"
    return [value for (value,) in tx.execute(sql, {**given, "most": most})]
