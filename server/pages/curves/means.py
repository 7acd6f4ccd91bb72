"""The mean of several curves, and how far these lie apart, at each place that one of them has a value at."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from server.pages.curves.series import STRONG_POINTS, THIN_POINTS, Points
from server.sampling import evenly

# Of more curves fewer places are enough.
FEW: Final = 30

# (x, low, high), x growing.
Band = list[tuple[float, float, float]]


def mean_of(curves: Sequence[Points], by_error: bool) -> tuple[Points, Band]:
    """Takes the curves that are there at each place: one that has ended before counts no more, none counts too early.

    Args:
        by_error: the band is the mean with its standard error, none where one curve is; else from least to largest.
    """
    places = sorted({x for curve in curves for x, _ in curve})
    points, band = [], []
    for number in evenly(len(places), STRONG_POINTS if len(curves) <= FEW else THIN_POINTS):
        x = places[number]
        values = [value for curve in curves if (value := _at(curve, x)) is not None]
        mean = fmean(values)
        points.append((x, mean))
        if len(values) > 1:
            error = _error(values, mean) if by_error else 0.0
            band.append((x, *((mean - error, mean + error) if by_error else (min(values), max(values)))))
    return points, band


def to_the_end(curves: Sequence[Points]) -> int:
    """How many of them are as long as the longest."""
    ends = [curve[-1][0] for curve in curves if curve]
    return sum(end == max(ends) for end in ends)


def _error(values: Sequence[float], mean: float) -> float:
    """The standard error of the mean; `statistics.stdev` is exact, and a hundred times slower."""
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def _at(curve: Points, x: float) -> float | None:
    """The value at a place, on the straight line between two; None outside of the curve."""
    place = bisect_left(curve, (x, -math.inf))
    if place == len(curve):
        return None
    right, above = curve[place]
    if right == x:
        return above
    if not place:
        return None
    left, below = curve[place - 1]
    return below + (above - below) * (x - left) / (right - left)
