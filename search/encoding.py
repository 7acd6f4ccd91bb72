"""Between a sweep's values, points of the unit cube, and the columns of numbers that the Bayesian search models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc  # type: ignore[import-untyped]

from search import space
from search.schema import ParameterPath, SweepConfig
from search.space import Categorical, Constant, IntUniform, Parameter, WeightedCategorical, identity

Array = NDArray[np.float64]

_STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True)
class Encoding:
    """The searched parameters of a sweep: all but its constants.

    Attributes:
        parameters: in the order of the sweep's space.
    """

    parameters: dict[ParameterPath, Parameter]

    @classmethod
    def of(cls, config: SweepConfig) -> Encoding:
        return cls({path: each for path, each in config.space.items() if not isinstance(each, Constant)})

    @property
    def owners(self) -> Array:
        """The position of the parameter to which each column belongs."""
        widths = [self._columns(each, np.full(1, 0.5)).shape[1] for each in self.parameters.values()]
        return np.repeat(np.arange(len(widths)), widths)

    def units(self, params: dict[str, Any]) -> list[float] | None:
        """A run's values as a point of the unit cube; None if it lacks one, or has one that the sweep cannot draw."""
        try:
            units = [unit(each, _at(params, path)) for path, each in self.parameters.items()]
        except (KeyError, TypeError, ValueError):
            return None
        return units if all(map(math.isfinite, units)) else None

    def columns(self, units: Array) -> Array:
        """Points of the unit cube, float64[n, parameters], as the search compares them: equal where values are equal.

        A number is one column. So is a choice among numbers, by their order; any other choice has a column for each
        value, all of them as far apart as the ends of a range.
        """
        parts = [self._columns(each, column) for each, column in zip(self.parameters.values(), units.T, strict=True)]
        return np.hstack(parts)

    @staticmethod
    def _columns(parameter: Parameter, units: Array) -> Array:
        if isinstance(parameter, IntUniform):
            count = parameter.max - parameter.min + 1
            return ((np.clip(np.ceil(units * count), 1, count) - 0.5) / count)[:, None]
        if isinstance(parameter, Categorical | WeightedCategorical):
            positions = np.searchsorted(_ends(parameter), units, side="right")
            return _table(parameter.values)[np.minimum(positions, len(parameter.values) - 1)]
        return units[:, None]


def unit(parameter: Parameter, value: Any) -> float:
    """Where in the unit interval a distribution has this value: the middle, if it is all over some part of it.

    Raises:
        TypeError, ValueError: if the distribution has no such value.
    """
    if isinstance(parameter, Categorical | WeightedCategorical):
        position = [identity(each) for each in parameter.values].index(identity(value))
        ends = [0.0, *_ends(parameter)]
        return float(ends[position] + ends[position + 1]) / 2
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return min(max(_cumulative(parameter, value), 0.0), 1.0)


def _cumulative(parameter: Parameter, value: float) -> float:
    match parameter:
        case IntUniform():
            return (value - parameter.min + 0.5) / (parameter.max - parameter.min + 1)
        case space.Uniform() | space.QUniform():
            return _fraction(parameter.min, parameter.max, value)
        case space.LogUniform() | space.QLogUniform():
            return _fraction(parameter.min, parameter.max, _log(value))
        case space.InvLogUniform():
            return _fraction(-parameter.max, -parameter.min, _log(value))
        case space.LogUniformValues() | space.QLogUniformValues() | space.InvLogUniformValues():
            return _fraction(math.log(parameter.min), math.log(parameter.max), _log(value))
        case space.LogNormal() | space.QLogNormal():
            return _bell(parameter, _log(value))
        case space.Normal() | space.QNormal():
            return _bell(parameter, value)
        case space.Beta() | space.QBeta():
            return float(betainc(parameter.a, parameter.b, min(max(value, 0.0), 1.0)))
    raise TypeError(f"{parameter.distribution} is not searched")  # pragma: no cover - constants are left out before


def _bell(parameter: space.Bell, value: float) -> float:
    return _STANDARD_NORMAL.cdf((value - parameter.mu) / parameter.sigma) if parameter.sigma else 0.5


def _fraction(lower: float, upper: float, value: float) -> float:
    return (value - lower) / (upper - lower)


def _log(value: float) -> float:
    """The logarithm; a quantised value may be 0."""
    return math.log(value) if value > 0 else -1e300


def _ends(parameter: Categorical | WeightedCategorical) -> Array:
    """Where in the unit interval each value ends."""
    if isinstance(parameter, WeightedCategorical):
        return np.cumsum(parameter.probabilities) / sum(parameter.probabilities)
    return np.arange(1, len(parameter.values) + 1) / len(parameter.values)


def _table(values: Sequence[Any]) -> Array:
    """A row of columns for each value of a choice."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        ranks = np.unique(np.array(values, dtype=float), return_inverse=True)[1]
        middles: Array = (ranks + 0.5) / (ranks.max() + 1)
        return middles[:, None]
    kinds = [identity(value) for value in values]
    distinct = list(dict.fromkeys(kinds))
    return np.eye(len(distinct))[[distinct.index(kind) for kind in kinds]] / math.sqrt(2)


def _at(params: Any, path: ParameterPath) -> Any:
    for name in path:
        params = params[name]
    return params
