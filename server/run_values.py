"""Values that runs send, under W&B's names: a name as it is, or the names of nested objects joined by dots."""

import math
from collections.abc import Mapping
from typing import Any


def unwrapped(config: Mapping[str, Any]) -> dict[str, Any]:
    """A run's config without W&B's envelope: {"lr": {"value": 0.1}} gives {"lr": 0.1}; what has none stays as it is.

    Source: `Run.config` of `wandb.apis.public`, which opens it by the same rule.
    """
    return {
        name: entry["value"] if isinstance(entry, dict) and "value" in entry else entry
        for name, entry in config.items()
    }


def at_path(values: Any, path: str) -> Any:
    """The value under a name, or under nested names joined by dots; None where there is none."""
    if not isinstance(values, dict):
        return None
    head, _, rest = path.partition(".")
    if path in values or not rest:
        return values.get(path)
    return at_path(values.get(head), rest)


def metric_in(summary: Any, name: str, goal: str) -> float | None:
    """The value of a metric in a run's summary; None where it has none, or none that is finite.

    Args:
        goal: "maximize" or "minimize".
    """
    value = at_path(summary, name)
    if isinstance(value, dict):
        # `define_metric(summary="max")` stores {"max": ...} in place of the last value.
        value = value.get("max" if goal == "maximize" else "min", value.get("last"))
    found = number(value)
    return found if found is not None and math.isfinite(found) else None


def number(value: object) -> float | None:
    """The value as a float, which may be NaN or infinite; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def with_changes(whole: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """`whole` with what is other in `after` than in `before`; nested objects are compared name by name."""
    changed = {name: value for name, value in whole.items() if name in after or name not in before}
    for name, value in after.items():
        there, was = changed.get(name), before.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            changed[name] = with_changes(there, was if isinstance(was, dict) else {}, value)
        elif name not in before or was != value:
            changed[name] = value
    return changed
