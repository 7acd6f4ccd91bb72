"""History as `wandb.Api` reads it: sampled rows, the columns of a spec, what keys there are."""

import json
from collections.abc import Iterable
from typing import Any

from server.protocol.json_values import parse_object, strict
from server.protocol.paging import not_negative
from server.refusal import RefusalError
from server.run_values import at_path
from server.sampling import evenly

DEFAULT_SAMPLES = 500


def sampled(rows: list[Any], samples: int | None) -> list[Any]:
    """At most `samples` of the rows (500 when not said), evenly spaced, the first and the last among them.

    Raises:
        RefusalError: a negative number.
    """
    wanted = DEFAULT_SAMPLES if samples is None else not_negative(samples, "samples")
    return [rows[place] for place in evenly(len(rows), wanted)]


def columns(rows: list[str], spec: str) -> list[dict[str, Any]]:
    """The rows that have all keys of a spec `{"keys", "samples", "minStep", "maxStep"}`, with just these keys.

    `maxStep` is inclusive here. A spec without keys gives nothing.

    Raises:
        RefusalError: the spec is no such object.
    """
    wanted = parse_object(spec, "a history spec")
    keys = wanted.get("keys") or []
    numbers = [wanted.get(name) for name in ("samples", "minStep", "maxStep")]
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or not all(map(_is_whole, numbers)):
        raise RefusalError("a history spec is {keys: a list of names, samples, minStep, maxStep: whole numbers}")
    if not keys:
        return []
    picked = []
    for row in map(json.loads, rows):
        values = {key: at_path(row, key) for key in keys}
        if None not in values.values() and _inside(row.get("_step"), wanted):
            picked.append(strict(values))
    return sampled(picked, wanted.get("samples"))


def keys(rows: Iterable[str]) -> dict[str, Any] | None:
    """What `historyKeys` says: each key with its types and last value, and the last step; None without rows."""
    found: dict[str, dict[str, Any]] = {}
    last_step = -1
    for row in map(json.loads, rows):
        step = row.get("_step")
        last_step = max(last_step, step if isinstance(step, int) else last_step)
        for key, value in _flat(row):
            entry = found.setdefault(key, {"types": {}, "previousValue": None})
            entry["types"][_type(value)] = entry["types"].get(_type(value), 0) + 1
            entry["previousValue"] = strict(value)
    if not found:
        return None
    return {"lastStep": last_step, "keys": {key: _described(entry) for key, entry in found.items()}, "sets": []}


def _is_whole(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _inside(step: Any, spec: dict[str, Any]) -> bool:
    low, high = spec.get("minStep"), spec.get("maxStep")
    if not isinstance(step, int):
        return low is None and high is None
    return (low is None or step >= low) and (high is None or step <= high)


def _described(entry: dict[str, Any]) -> dict[str, Any]:
    counts = [{"type": type, "count": count} for type, count in entry["types"].items()]
    return {"typeCounts": counts, "monotonic": False, "previousValue": entry["previousValue"]}


def _flat(row: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs = []
    for key, value in row.items():
        nested = isinstance(value, dict) and "_type" not in value
        pairs += _flat(value, f"{prefix}{key}.") if nested else [(f"{prefix}{key}", value)]
    return pairs


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return str(value.get("_type", "map"))
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list) else "nil"
