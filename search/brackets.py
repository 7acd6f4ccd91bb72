"""Hyperband's brackets: after how many values of the metric runs are compared."""

from __future__ import annotations

from collections.abc import Iterator

from search.fields import LARGEST_WHOLE

DEFAULT_ETA = 3
_MOST_UPWARDS = 100
_MOST_DOWNWARDS = 10_000


def from_above(max_iter: float, eta: float, s: int) -> tuple[int, ...]:
    """`s` brackets from `max_iter` down, each the one before divided by `eta`; in ascending order, each once."""
    return tuple(sorted(set(_downwards(max_iter, eta, s))))


def from_below(min_iter: float, eta: float) -> tuple[int, ...]:
    """Brackets from `min_iter` up by `eta`, each once; those that no run reaches (beyond 2**53) are left out."""
    return tuple(sorted(set(_upwards(min_iter, eta))))


def _downwards(bracket: float, eta: float, count: int) -> Iterator[int]:
    for _ in range(min(count, _MOST_DOWNWARDS)):
        bracket /= eta
        if bracket < 1:
            return
        yield int(bracket)


def _upwards(bracket: float, eta: float) -> Iterator[int]:
    for _ in range(_MOST_UPWARDS):
        if bracket > LARGEST_WHOLE:
            return
        yield int(bracket)
        bracket *= eta
