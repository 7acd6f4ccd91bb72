"""Two runs side by side, and only what is not the same."""

import sqlite3
from dataclasses import dataclass

from charts import format
from server.pages.sweep.runs_table import recipe
from server.pages.words.how_long import epochs, run_time
from server.pages.words.look import run_look
from server.pages.words.times import Now
from server.store import page_queries, queries
from server.store.rows import Run, Sweep


@dataclass(frozen=True)
class Difference:
    """What a name stands for in the one run and in the other."""

    name: str
    first: str
    second: str


def differences(connection: sqlite3.Connection, sweep: Sweep, names: list[str], now: Now) -> list[Difference]:
    """Compares the first two of some runs.

    Args:
        names: W&B's ids.

    Returns:
        Parameters first, then what came of them; [] for fewer than two runs.
    """
    found = [queries.run_of_sweep(connection, sweep.id, name) for name in names[:2]]
    runs = [run for run in found if run is not None]
    if len(runs) < 2:
        return []
    decimals = format.metric_decimals(page_queries.best_values(connection, sweep))
    first, second = (_facts(connection, sweep, run, decimals, now) for run in runs)
    return [
        Difference(name, first.get(name, format.ABSENT), second.get(name, format.ABSENT))
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    ]


def _facts(connection: sqlite3.Connection, sweep: Sweep, run: Run, decimals: int, now: Now) -> dict[str, str]:
    metric = {} if sweep.metric_name is None else {sweep.metric_name: format.metric(run.metric, decimals)}
    ended = {"state": run_look(run).word, "epochs done": epochs(run), "time": run_time(run, now)}
    return {**dict(recipe(page_queries.attempt(connection, run), sweep)), **metric, **ended}
