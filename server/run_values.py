"""Values that runs log, under W&B's names: a name as it is, or the names of nested objects joined by dots."""

from typing import Any


def at_path(values: Any, path: str) -> Any:
    """The value under a name, or under nested names joined by dots; None where there is none."""
    if not isinstance(values, dict):
        return None
    head, _, rest = path.partition(".")
    if path in values or not rest:
        return values.get(path)
    return at_path(values.get(head), rest)


def number(value: object) -> float | None:
    """The value as a float, which may be NaN or infinite; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
