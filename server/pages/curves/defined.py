"""What `define_metric` said: by what a metric is to be drawn."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from server.pages.words.sent import INTERNAL, read_object
from server.run_values import unwrapped

# W&B's client numbers the fields of a definition, as its protocol does (wandb/proto, MetricRecord).
NAME, GLOB, STEP, STEP_PLACE, OPTIONS = "1", "2", "4", "5", "6"
HIDDEN: Final = 2

Definition = Mapping[str, Any]


def definitions(config: str) -> list[Definition]:
    """The definitions in a run's config, in the order in which they were made."""
    internal = unwrapped(read_object(config)).get(INTERNAL)
    told = internal.get("m") if isinstance(internal, dict) else None
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []


def steps(found: Iterable[Definition]) -> list[tuple[str, str]]:
    """(name or pattern, the metric by which what it fits is drawn), names before patterns."""
    known = list(found)
    pairs = [(str(each.get(NAME) or each.get(GLOB) or ""), _step(each, known)) for each in known]
    return sorted(((name, step) for name, step in pairs if name and step), key=lambda pair: "*" in pair[0])


def step_of(found: Iterable[tuple[str, str]], metric: str) -> str:
    """By what a metric is to be drawn; "" where nothing was said."""
    return next((step for name, step in found if fnmatchcase(metric, name)), "")


def hidden(found: Iterable[Definition]) -> frozenset[str]:
    """The metrics that are to have no drawing."""
    told = [each for each in found if isinstance(each.get(OPTIONS), list) and HIDDEN in each[OPTIONS]]
    return frozenset(str(each[NAME]) for each in told if NAME in each)


def _step(definition: Definition, known: list[Definition]) -> str:
    """By name, or by its place among the definitions, from 1."""
    name, place = definition.get(STEP), definition.get(STEP_PLACE)
    if isinstance(name, str):
        return name
    there = isinstance(place, int) and 1 <= place <= len(known)
    return str(known[place - 1].get(NAME, "")) if there and isinstance(place, int) else ""
