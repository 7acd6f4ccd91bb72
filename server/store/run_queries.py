"""Named reads of a run's page: where it stands among the others of its sweep."""

import sqlite3

from server.store.kept_rows import rows_kept
from server.store.queries import HAS_RESULT
from server.store.rows import Sweep


@rows_kept
def metrics(connection: sqlite3.Connection, sweep_id: int) -> tuple[float, ...]:
    """The metric of each run whose value is a result."""
    sql = f"SELECT metric FROM run WHERE sweep_id = ? AND {HAS_RESULT}"
    return tuple(value for (value,) in connection.execute(sql, (sweep_id,)))


def rank(connection: sqlite3.Connection, sweep: Sweep, value: float) -> tuple[int, int]:
    """The place of a value among the sweep's results, from 1, and how many there are."""
    better = ">" if sweep.goal == "maximize" else "<"
    sql = f"SELECT count(*) FILTER (WHERE metric {better} ?) + 1, count(*) FROM run WHERE sweep_id = ? AND {HAS_RESULT}"
    place, of = connection.execute(sql, (value, sweep.id)).fetchone()
    return int(place), int(of)


def run_of_point(connection: sqlite3.Connection, sweep_id: int, number: int) -> str | None:
    """W&B's id of the run that counts for a point, or of its last one."""
    sql = (
        "SELECT run.name FROM trial JOIN run ON run.id = coalesce(trial.counted_run_id, "
        "(SELECT max(id) FROM run WHERE trial_id = trial.id)) WHERE trial.sweep_id = ? AND trial.number = ?"
    )
    row = connection.execute(sql, (sweep_id, number)).fetchone()
    return None if row is None else str(row[0])
