"""A sweep's metric that no run logged under its name: what was probably meant, in words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from search.wording import nearest

MOST_NAMED = 9


def names(logged: Mapping[str, Any]) -> Iterator[str]:
    """The names of a summary's values as a sweep file writes them, nested ones joined by dots; W&B's own left out."""
    for name, value in logged.items():
        if name.startswith("_"):
            continue
        if isinstance(value, Mapping) and "_type" not in value:
            yield from (f"{name}.{inner}" for inner in names(value))
        else:
            yield name


def instead_of(metric: str, logged: Iterable[str]) -> str:
    """A sentence about what was logged instead of a metric that never came as a number; "" if nothing was."""
    logged = sorted({*logged})
    if metric in logged:
        return f"{metric!r} was logged, but never as a finite number."
    near = next((name for name in logged if name.split() == metric.split()), None) or nearest(metric, logged)
    if near is not None:
        blanks = " (mind the blanks)" if near.split() == metric.split() else ""
        return f"The nearest name that was logged is {near!r}{blanks}."
    more = f" and {len(logged) - MOST_NAMED} more" if len(logged) > MOST_NAMED else ""
    return f"Logged were {', '.join(map(repr, logged[:MOST_NAMED]))}{more}." if logged else ""
