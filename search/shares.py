"""The measuring behind `search.importance`, which has the sources: groups of runs, their ranks, resampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.importance import Direction, Importance, key

# Up to so many different numbers each is a group of its own, as every category is.
MOST_GROUPS: Final = 12
BINS: Final = 6
RUNS_A_BIN: Final = 8
RESAMPLES: Final = 500
LEVEL: Final = 0.95

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def ranked(varying: Mapping[str, Sequence[Any]], goodness: Sequence[float], seed: int) -> tuple[Importance, ...]:
    """Measures parameters that differ between runs, the most important first.

    Args:
        varying: the values of each, one a run.
        goodness: of each run, larger is better.
    """
    ranks = _ranks(np.asarray(goodness, float))
    drawn, shuffled = _resampling(len(goodness), seed)
    left = {name: _groups(column) for name, column in varying.items()}
    unexplained = ranks - ranks.mean()
    found: list[Importance] = []
    while left:
        measured = [
            _measured(name, varying[name], groups, unexplained, ranks, drawn, shuffled) for name, groups in left.items()
        ]
        first = max(measured, key=lambda each: (each.told, each.share))
        if not first.told:
            return (*found, *sorted(measured, key=lambda each: -each.share))
        found.append(first)
        unexplained = unexplained - _means(left.pop(first.name), unexplained)
    return tuple(sorted(found, key=lambda each: -each.share))


def _resampling(runs: int, seed: int) -> tuple[Ints, Ints]:
    """Rows of run numbers: drawn with replacement, and put in another order."""
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, runs, (RESAMPLES, runs))
    return drawn, chance.permuted(np.tile(np.arange(runs), (RESAMPLES, 1)), axis=1)


def _measured(
    name: str,
    column: Sequence[Any],
    groups: Ints,
    unexplained: Floats,
    goodness: Floats,
    drawn: Ints,
    shuffled: Ints,
) -> Importance:
    share = float(_shares(groups[None], unexplained[None], goodness[None])[0])
    by_chance = _shares(np.broadcast_to(groups, shuffled.shape), unexplained[shuffled], goodness[shuffled])
    likely = 1 + np.sum(by_chance >= share - 1e-12) < (1 - LEVEL) * (RESAMPLES + 1)
    again = _shares(groups[drawn], unexplained[drawn], goodness[drawn])
    low, high = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - (again.mean() - share)
    share, low, high = (float(min(max(each, 0.0), 1.0)) for each in (share, low, high))
    told = bool(likely) and low > 0
    direction, value = _better(column, groups, unexplained) if told else (None, None)
    return Importance(name, share, low if told else 0.0, max(high, share), told, direction, value)


def _shares(groups: Ints, unexplained: Floats, goodness: Floats) -> Floats:
    """Epsilon squared of each row: (total − within × (n − 1) / (n − groups)) / whole; 0 for rows without differences.

    `total` and `within` are sums of squares of what is unexplained so far, `whole` is that of the ranks themselves.
    """
    rows, runs = goodness.shape
    width = int(groups.max()) + 1
    places = (groups + width * np.arange(rows)[:, None]).ravel()
    counts = np.bincount(places, minlength=rows * width).reshape(rows, width)
    sums = np.bincount(places, weights=unexplained.ravel(), minlength=rows * width).reshape(rows, width)
    within = (unexplained**2).sum(axis=1) - (sums**2 / np.maximum(counts, 1)).sum(axis=1)
    freedom = runs - (counts > 0).sum(axis=1)
    total, whole = (runs * table.var(axis=1) for table in (unexplained, goodness))
    # A group for each run explains everything and nothing.
    sound = (freedom > 0) & (whole > 0)
    shares = (total - within * (runs - 1) / np.maximum(freedom, 1)) / np.where(sound, whole, 1.0)
    return np.where(sound, shares, 0.0)


def _means(groups: Ints, numbers: Floats) -> Floats:
    """For each run the mean of its group."""
    return np.asarray((np.bincount(groups, numbers) / np.bincount(groups))[groups], float)


def _groups(column: Sequence[Any]) -> Ints:
    """A number for each run's group: one a value, or a slice of the ordered numbers where they are many."""
    keys = {key(value): None for value in column}
    if _ordered(column) and len(keys) > MOST_GROUPS:
        bins = max(2, min(BINS, len(column) // RUNS_A_BIN))
        return np.asarray((_ranks(np.asarray(column, float)) - 0.5) * bins // len(column), np.int64)
    numbers = {key: number for number, key in enumerate(keys)}
    return np.asarray([numbers[key(value)] for value in column], np.int64)


def _better(column: Sequence[Any], groups: Ints, unexplained: Floats) -> tuple[Direction, Any]:
    best = groups[np.argmax(_means(groups, unexplained))]
    values = [value for value, group in zip(column, groups, strict=True) if group == best]
    if not _ordered(column):
        return "value", values[0]
    value = sorted(values)[len(values) // 2]
    correlation = float(np.corrcoef(_ranks(np.asarray(column, float)), _ranks(unexplained))[0, 1])
    # Spearman's coefficient of unrelated columns is about normal with variance 1 / (n − 1).
    if abs(correlation) * (len(column) - 1) ** 0.5 > 1.96:
        return ("higher" if correlation > 0 else "lower"), value
    return ("near" if len(set(groups.tolist())) < len(set(column)) else "value"), value


def _ranks(numbers: Floats) -> Floats:
    """Ranks from 1, equal numbers share their mean rank."""
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], float)


def _ordered(column: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) for value in column)
