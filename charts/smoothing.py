"""Curves without their noise: an exponential moving average."""

import math
from collections.abc import Sequence

Point = tuple[float, float]


def smoothed(points: Sequence[Point], weight: float) -> list[Point]:
    """Each value as the mean of itself and those before it, which count the less the longer ago they are.

    Args:
        points: (x, value); a value that is not finite stays as it is and counts in no other.
        weight: of what came before, from 0 (nothing changes) to below 1. The first values are not drawn towards zero:
            the mean is divided by the sum of its weights, as Adam does (Kingma & Ba, arXiv:1412.6980, section 3).
    """
    mean, told = 0.0, 0.0
    found = []
    for x, value in points:
        if math.isfinite(value):
            mean, told = weight * mean + (1 - weight) * value, weight * told + 1 - weight
            value = mean / told
        found.append((x, value))
    return found
