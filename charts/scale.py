"""Scales: which values an axis shows, and where its ticks stand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

# Fewer results say nothing about what is usual, so none of them is called unusual.
MIN_FOR_EDGE: Final = 8
# Doubles go to 1.8e308; a span of two such values would be infinite.
LARGEST: Final = 1e300
SLACK: Final = 1e-9  # of a step or a span: what arithmetic adds to a round number
TICK_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """A linear axis from `low` to `high`, both on a tick; `decimals` are those of its labels."""

    low: float
    high: float
    ticks: tuple[float, ...]
    decimals: int

    def at(self, value: float) -> float:
        """The place of a value, 0 at the low end and 1 at the high; beyond them outside of [0, 1]."""
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Tells whether a value is on the axis; ends are on round ticks, which 1 - 0.18 misses by its last digit."""
        slack = SLACK * (self.high - self.low)
        return self.low - slack <= value <= self.high + slack


def drawable(value: float) -> bool:
    """Tells whether an axis can hold a value: not NaN, not infinite, not close to the end of doubles."""
    return abs(value) <= LARGEST


def scale(low: float, high: float, intervals: int = 4) -> Scale:
    """Makes an axis that holds both values, each `drawable`, with about `intervals` steps between round ticks."""
    if high - low <= 1e-12 * max(abs(low), abs(high), 1 / LARGEST):
        margin = abs(low) * 0.05 or 0.5
        low, high = low - margin, high + margin
    step = _step((high - low) / intervals)
    first, last = math.floor(low / step + SLACK), math.ceil(high / step - SLACK)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if not math.isclose(round(step, decimals), step, rel_tol=1e-6):
        decimals += 1
    ticks = tuple(round(number * step, decimals) for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks, decimals)


def whole_ticks(first: int, last: int, most: int = 6) -> tuple[int, ...]:
    """Whole numbers for an axis of epochs or run numbers: both ends and round numbers between them."""
    if last <= first:
        return (first,)
    step = max(1, round(_step((last - first) / most)))
    inner = range(math.ceil(first / step) * step, last + 1, step)
    # A round number too near to an end would stand in its label.
    return (first, *(tick for tick in inner if tick - first > step / 2 and last - tick > step / 2), last)


def edge_of_scale(values: Sequence[float], goal: str) -> float | None:
    """The worst value that a scale still shows, so that diverged runs do not squash the others.

    Args:
        values: finite results of ended runs.
        goal: "maximize" or "minimize".

    Returns:
        The nearer to the best of best − 3 × (best − median) and best − 8 × (best − better quartile), mirrored for
        minimize; None if there are fewer than `MIN_FOR_EDGE` values or they do not differ.
    """
    if len(values) < MIN_FOR_EDGE:
        return None
    sign = 1.0 if goal == "maximize" else -1.0
    better = sorted((sign * value for value in values), reverse=True)
    best = better[0]
    reaches = (3 * (best - median(better)), 8 * (best - quantiles(better, n=4)[2]))
    reach = min((reach for reach in reaches if reach > 0), default=0.0)
    return sign * (best - reach) if reach else None


def metric_scale(values: Sequence[float], goal: str, whole: bool = False) -> Scale:
    """The axis of a metric, from its best value to the edge of scale or the worst value, both on ticks.

    Args:
        values: `drawable` results of ended runs, at least one.
        goal: "maximize" or "minimize".
        whole: down to the worst value in any case.
    """
    edge = None if whole else edge_of_scale(values, goal)
    low, high = min(values), max(values)
    if edge is not None and goal == "maximize":
        low = max(low, edge)
    elif edge is not None:
        high = min(high, edge)
    return scale(low, high)


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in TICK_STEPS if step * power >= least * (1 - 1e-9))
