"""A sweep whose values a function of its scheduler makes: its parameters are known by what was suggested so far."""

import json
import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import yaml

from server.pages.sweep.search_space import spaceless
from server.pages.words.sent import read_object
from server.store import sweep_queries
from server.store.rows import Sweep

# Values that span more than this are read by their size in powers of ten.
LOG_SPAN: Final = 100


def with_parameters(connection: sqlite3.Connection, sweep: Sweep) -> Sweep:
    """The sweep with a config that names what its points have taken; as it is where its file names its parameters."""
    file = spaceless(sweep.config)
    if file is None:
        return sweep
    values: dict[str, list[Any]] = {}
    for params in sweep_queries.params(connection, sweep.id):
        for name, value in read_object(params).items():
            values.setdefault(name, []).append(value)
    found = {name: _spec(taken) for name, taken in values.items()}
    return replace(sweep, config=yaml.safe_dump({**file, "parameters": found}, sort_keys=False)) if found else sweep


def _spec(taken: Sequence[Any]) -> dict[str, Any]:
    different = list({json.dumps(value, sort_keys=True): value for value in taken}.values())
    if len(different) == 1 or not all(map(_is_number, different)):
        return {"values": different}
    low, high = min(different), max(different)
    if _whole(different):
        return {"distribution": "int_uniform", "min": low, "max": high}
    is_log = low > 0 and high / low >= LOG_SPAN
    return {"distribution": "log_uniform_values" if is_log else "uniform", "min": float(low), "max": float(high)}


def _whole(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int) for value in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
