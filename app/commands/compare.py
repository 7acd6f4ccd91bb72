"""Two records of one trial: whether they are the same, bit for bit, where they first differ, and what may be why."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from numbers import Real
from typing import Any

Row = Mapping[str, float]

HASH = re.compile("[0-9a-f]{64}")
HASH_SHOWN = 12
NOT_FINITE = ("NaN", "Infinity", "-Infinity")  # W&B's texts for them
# Only names of the code, whose hash is compared already.
NAMES_OF_CODE = ("git_commit", "git_dirty")


@dataclass(frozen=True)
class Record:
    """What a trial told its run.

    Attributes:
        values: what it took, by name.
        provenance: what else decided its result, as `app.training.reproduce` gives it.
        rows: the numbers that it logged, oldest first; see `rows`.
        weights_sha256: of its final weights; None if it did not say.
        cause: why it failed; None if it did not.
    """

    values: Mapping[str, Any]
    provenance: Mapping[str, Any]
    rows: Sequence[Row] = field(repr=False)
    weights_sha256: str | None = None
    cause: str | None = None


def rows(history: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The numbers of a run's history without W&B's own.

    Rows of the same epoch become one. An epoch that a resumed run did again has its last values.
    """
    kept: dict[tuple[str, float], dict[str, float]] = {}
    for index, row in enumerate(history):
        numbers = dict(_numbers(row))
        if numbers:
            key = ("epoch", numbers["epoch"]) if "epoch" in numbers else ("row", index)
            kept.setdefault(key, {}).update(numbers)
    return list(kept.values())


def first_difference(then: Record, now: Record) -> str | None:
    """Where two records first differ, in the order of the training; None if they are the same."""
    if now.cause:
        return f"the trial failed now: {now.cause}"
    for place, name, before, after in _pairs(then.rows, now.rows):
        if before != after and not _both_nan(before, after):
            return f"{place}: {name} {_shown(before)} then, {_shown(after)} now"
    if then.weights_sha256 not in (None, now.weights_sha256):
        hashes = f"{_shown(then.weights_sha256)} then, {_shown(now.weights_sha256)} now"
        return f"weights {hashes}; every logged metric is the same"
    return None


def surroundings(then: Record, now: Record) -> list[str]:
    """A line for each thing that is known to decide results and is not the same; what `then` did not record is none."""
    before, after = dict(_flat(then.provenance)), dict(_flat(now.provenance))
    if before.get("code_sha256") == after.get("code_sha256"):
        before = {name: value for name, value in before.items() if name not in NAMES_OF_CODE}
    changed = [
        f"{name}: {_shown(value)} then, {_shown(after[name])} now"
        for name, value in before.items()
        if name in after and after[name] != value
    ]
    new = [f"{name}: unknown then, {value} now" for name, value in now.values.items() if name not in then.values]
    return [*changed, *new]


def extent(record: Record) -> str:
    """What there is to compare, in words."""
    count = sum(map(len, record.rows))
    weights = f"weights {_shown(record.weights_sha256)}" if record.weights_sha256 else "no hash of weights was recorded"
    return f"{weights}, {count} values in {len(record.rows)} rows"


def _numbers(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in row.items():
        if not name.startswith("_") and (isinstance(value, Real) or value in NOT_FINITE):
            yield name, float(value)


def _pairs(then: Sequence[Row], now: Sequence[Row]) -> Iterator[tuple[str, str, float | None, float | None]]:
    place = "before the first epoch"
    nothing: Row = {}
    for before, after in zip_longest(then, now, fillvalue=nothing):
        epoch = before.get("epoch", after.get("epoch"))
        if epoch is not None:
            place = f"epoch {epoch:g}"
        for name in sorted({*before, *after}):
            yield place, name, before.get(name), after.get(name)
        if epoch is not None:
            place = f"after epoch {epoch:g}"


def _both_nan(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and math.isnan(before) and math.isnan(after)


def _flat(provenance: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in provenance.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return value[:HASH_SHOWN] if isinstance(value, str) and HASH.fullmatch(value) else str(value)
