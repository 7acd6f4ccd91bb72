"""Scales: which values an axis shows, and where its ticks stand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low, quantiles
from typing import Final

from charts import format

# Of results, at most this share is left out of scale, and only what lies beyond an outer fence: further from the
# quartiles than three times what is between them (Tukey, Exploratory Data Analysis, 1977).
MOST_LEFT_OUT: Final = 0.05
FENCE: Final = 3.0
# Positive values that span more powers of ten than this are read by their size.
LOG_DECADES: Final = 1.5
# Doubles go to 1.8e308; a span of two such values would be infinite.
LARGEST: Final = 1e300
SLACK: Final = 1e-9  # of a step or a span: what arithmetic adds to a round number
TICK_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
LABEL_DIGITS: Final = 4


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`; `decimals` are those of a linear one's labels.

    Attributes:
        log: whether it is logarithmic; then both ends are positive, and need be on no tick.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    decimals: int
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, 0 at the low end and 1 at the high; beyond them outside of [0, 1]."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else -math.inf
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Tells whether a value is on the axis; ends are on round ticks, which 1 - 0.18 misses by its last digit."""
        slack = SLACK * (self.high - self.low)
        return self.low - slack <= value <= self.high + slack

    def said(self, value: float, more: int = 0) -> str:
        """A value as the axis' labels have it, on a linear one with so many `more` decimals."""
        if self.log:
            return format.parameter(int(value) if value.is_integer() else value, LABEL_DIGITS)
        return format.metric(value, self.decimals + more)


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


def log_scale(low: float, high: float, most: int = 6) -> Scale:
    """Makes a logarithmic axis from one positive value to another, with `most` ticks or fewer."""
    if high / low < 1 + 1e-9:
        low, high = low / 2, high * 2
    ticks = decades(low, high)
    ticks = ticks[:: math.ceil(len(ticks) / most)]
    return Scale(low, high, tuple(ticks), 0, log=True)


def decades(low: float, high: float) -> list[float]:
    """Powers of ten between both; where there are fewer than two, 2 and 5 times them too."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5)):
        ticks = [float(f"{factor}e{power}") for power in powers for factor in factors]
        inside = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(inside) > 1:
            break
    return inside or [low, high]


def wants_log(values: Sequence[float]) -> bool:
    """Tells whether values are read by their size: all positive, over more than `LOG_DECADES` powers of ten.

    Unless a linear axis has room for half of them above its lowest third: accuracies among which one is near zero.
    """
    low, high = min(values, default=0.0), max(values, default=0.0)
    if low <= 0 or math.log10(high) - math.log10(low) <= LOG_DECADES:
        return False
    return median_low(values) - low < (high - low) / 3


def whole_ticks(first: int, last: int, most: int = 6) -> tuple[int, ...]:
    """Whole numbers for an axis of epochs or run numbers: both ends and round numbers between them."""
    if last <= first:
        return (first,)
    step = max(1, round(_step((last - first) / most)))
    inner = range(math.ceil(first / step) * step, last + 1, step)
    # A round number too near to an end would stand in its label.
    return (first, *(tick for tick in inner if tick - first > step / 2 and last - tick > step / 2), last)


def highest_shown(values: Sequence[float]) -> float:
    """The highest value that a scale still shows, so that the few that are far away do not squash the others.

    Args:
        values: `drawable`, at least one.

    Returns:
        The highest after at most `MOST_LEFT_OUT` of all are left out, and of these only what lies beyond the outer
        fence; of values that are read by their size, by their logarithms.
    """
    ordered = sorted(values)
    most = math.floor(MOST_LEFT_OUT * len(ordered))
    if not most:
        return ordered[-1]
    lower, _, upper = quantiles(_places(ordered), n=4)
    # What lies between the quartiles of values that are much the same is nothing; then their size tells what is far.
    fence = upper + FENCE * (upper - lower or abs(upper) or 1.0)
    beyond = sum(place > fence for place in _places(ordered)[-most:])
    return ordered[-1 - beyond]


def _places(ordered: Sequence[float]) -> list[float]:
    return [math.log10(value) for value in ordered] if wants_log(ordered) else list(ordered)


def worst_shown(values: Sequence[float], goal: str) -> float:
    """The worst result that a scale still shows, by the rule of `highest_shown`.

    Args:
        goal: "maximize" or "minimize".
    """
    if goal == "minimize":
        return highest_shown(values)
    if wants_log(values):
        return 1 / highest_shown([1 / value for value in values])
    return -highest_shown([-value for value in values])


def metric_scale(values: Sequence[float], goal: str, whole: bool = False) -> Scale:
    """The axis of a metric, from its best value to the worst that is shown; logarithmic where that suits the values.

    Args:
        values: `drawable` results of ended runs, at least one.
        goal: "maximize" or "minimize".
        whole: down to the worst value in any case.
    """
    worst = math.inf if whole else worst_shown(values, goal)
    return axis_of([value for value in values if whole or (value >= worst if goal == "maximize" else value <= worst)])


def axis_of(values: Sequence[float], log: bool | None = None, intervals: int = 4) -> Scale:
    """An axis that holds all values, at least one; logarithmic as it is asked for, or with None where that suits them.

    A logarithmic one is for positive values; without any of these it is linear all the same.
    """
    positive = [value for value in values if value > 0]
    if positive and (wants_log(values) if log is None else log):
        return log_scale(min(positive), max(positive))
    return scale(min(values), max(values), intervals)


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in TICK_STEPS if step * power >= least * (1 - 1e-9))
