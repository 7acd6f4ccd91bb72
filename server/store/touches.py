"""Tells whoever wants to know, while it is written, of what heartbeats hang on: an agent, a run or a point is another.

By triggers of the writing connection, so that no write can forget it. What is rolled back has been told as well.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

Touched = Callable[[str, int | None], None]
"""Takes what was touched, `agent`, `run`, `trial` or `sweep`, and its number; None for none."""

COLUMNS: Final = {
    "agent": ("sweep_id", "left_at_s"),
    "run": ("name", "sweep_id", "trial_id", "agent_id", "state", "stop_requested_at_s", "missing_since_s"),
    "trial": ("outcome", "counted_run_id"),
    "hidden_run": ("id",),
    "hidden_sweep": ("id",),
}
# What a row of each stands for, by its columns.
STANDS_FOR: Final = {
    "agent": {"agent": "id"},
    "run": {"run": "id", "trial": "trial_id", "agent": "agent_id"},
    "trial": {"trial": "id"},
    "hidden_run": {"run": "id"},
    "hidden_sweep": {"sweep": "id"},
}
SIDES: Final = {"INSERT": ("new",), "UPDATE": ("old", "new"), "DELETE": ("old",)}


def tell(connection: sqlite3.Connection, touched: Touched) -> None:
    """Tells of each touch by this connection from now on, in the thread that writes."""
    connection.create_function("touched", 2, touched)
    for table in COLUMNS:
        for move, sides in SIDES.items():
            connection.execute(_trigger(table, move, sides))


def other_writers(connection: sqlite3.Connection) -> int:
    """A number that is another one when another connection, of another program, has written."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _trigger(table: str, move: str, sides: tuple[str, ...]) -> str:
    calls = ", ".join(
        f"touched('{kind}', {side}.{column})" for side in sides for kind, column in STANDS_FOR[table].items()
    )
    changed = " OR ".join(f"old.{name} IS NOT new.{name}" for name in COLUMNS[table])
    when = f"WHEN {changed}" if move == "UPDATE" else ""
    return f"CREATE TEMP TRIGGER {table}_{move}_touches AFTER {move} ON main.{table} {when} BEGIN SELECT {calls}; END"
