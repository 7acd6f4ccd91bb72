"""Runs of before that a sweep begins with (`wandb sweep --prior_run`).

Its search and early termination learn from them. They stay what they are, settle no point and are no attempt of one. A
grid leaves out the points that they cover.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from search.config import SweepConfig
from search.space import identity
from server.ledger.runs import metric_of
from server.run_values import unwrapped
from server.store import sweep_queries, writes
from server.store.rows import Run, Sweep
from terms import states


def attach(tx: sqlite3.Connection, sweep: Sweep, runs: Iterable[Run]) -> None:
    """Lets runs belong to a sweep; its own do anyway."""
    for run in runs:
        if run.sweep_id != sweep.id:
            writes.attach_prior_run(tx, sweep.id, run.id)


def params_of(run: Run, config: SweepConfig) -> dict[str, Any]:
    """What a run took of a sweep's parameters, nested as they are; those that it lacks are left out."""
    values = unwrapped(json.loads(run.config))
    return {name: values[name] for name in config.parameters if name in values}


def covered(connection: sqlite3.Connection, sweep: Sweep, config: SweepConfig) -> set[str]:
    """The points, as `point` tells them, of which a prior run is a result."""
    results = (run for run in sweep_queries.prior_runs(connection, sweep.id) if run.state in states.RESULTS)
    return {name for run in results if (name := point(params_of(run, config), config)) is not None}


def values(connection: sqlite3.Connection, sweep: Sweep) -> list[float]:
    """What prior runs that gave a result have as the sweep's metric."""
    ended = (run for run in sweep_queries.prior_runs(connection, sweep.id) if run.state in states.RESULTS)
    found = (metric_of(json.loads(run.summary), sweep) for run in ended)
    return [value for value in found if value is not None]


def point(params: dict[str, Any], config: SweepConfig) -> str | None:
    """One text for all spellings of a point's values; None where one is missing."""
    try:
        return json.dumps([identity(_at(params, path)) for path in config.space])
    except (KeyError, TypeError):
        return None


def _at(params: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        params = params[name]
    return params
