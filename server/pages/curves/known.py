"""Which metrics there are to draw, in groups: what matters most comes first, counters and constants last."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from server.ledger.outline import Outline

VALIDATION: Final = re.compile(r"(^|[^a-z])(val|valid|validation|eval|test)([^a-z]|$)", re.IGNORECASE)
TRAINING: Final = re.compile(r"(^|[^a-z])(train|training|loss|acc|accuracy)([^a-z]|$)", re.IGNORECASE)
COUNTER: Final = re.compile(r"(^|[/._])(epochs?|step|steps|batch|iteration|iter)$", re.IGNORECASE)
COUNTERS: Final = "counters and constants"
# A curve needs two values; what some run has logged once only comes where nothing else is.
LEAST_VALUES: Final = 2


@dataclass(frozen=True)
class Group:
    """Metrics with the same prefix before the last "/"; "" is none. `folded`: shown when it is asked for."""

    name: str
    metrics: list[str]
    folded: bool = False


def groups(outlines: Sequence[Outline], first: str | None, steps: Iterable[str], hidden: frozenset[str]) -> list[Group]:
    """The metrics that any of these runs has logged.

    Args:
        first: the metric that comes first.
        steps: those by which others are drawn.
        hidden: those that are to have no drawing.
    """
    counts = _counts(outlines)
    names = [name for name in counts if not name.startswith("_") and name not in hidden]
    several = [name for name in names if counts[name] >= LEAST_VALUES] or names
    last = {name for name in several if name != first and (_counts_up(name, steps) or _constant(name, outlines))}
    found: dict[str, list[str]] = {}
    for name in sorted(several, key=lambda name: (name != first, name in last, *importance(name, first))):
        found.setdefault(COUNTERS if name in last else name.rpartition("/")[0], []).append(name)
    return [Group(name, metrics, folded=metrics[0] in last) for name, metrics in found.items()]


def _counts(outlines: Iterable[Outline]) -> dict[str, int]:
    """Of each metric with numbers, how many values the run with most of them has."""
    counts: dict[str, int] = {}
    for outline in outlines:
        for name, key in outline.keys.items():
            if numbers := key.types.get("number", 0):
                counts[name] = max(counts.get(name, 0), numbers)
    return counts


def importance(name: str, first: str | None) -> tuple[bool, int, str]:
    """To sort names by: one metric first, then what was validated, what was trained, others."""
    kind = 0 if VALIDATION.search(name) else 1 if TRAINING.search(name) else 2
    return name != first, kind, name.lower()


def _counts_up(name: str, steps: Iterable[str]) -> bool:
    return name in steps or COUNTER.search(name) is not None


def _constant(name: str, outlines: Iterable[Outline]) -> bool:
    """Whether no run has logged two different values."""
    keys = [outline.keys[name] for outline in outlines if name in outline.keys]
    return all(key.low == key.high for key in keys) and any(key.values >= LEAST_VALUES for key in keys)
