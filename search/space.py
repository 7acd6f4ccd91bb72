"""A sweep's parameters: the keys that each of W&B's distributions takes, and its value at each point of (0, 1).

The laws, their defaults and their rounding are those of W&B's own engine (package `sweeps` 0.3.0), but for what it
leaves behind a step's last decimal. Values are plain: int, float or what the file says.
"""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from bisect import bisect_right
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from statistics import NormalDist
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict

from search.fields import (
    AboveMin,
    Exponent,
    NotNegative,
    Number,
    OneForEachValue,
    Positive,
    Resolving,
    Values,
    Whole,
    WithinExponents,
)

_STANDARD_NORMAL = NormalDist()


class Parameter(BaseModel):
    """One searched parameter: a distribution's class, whose fields are the keys that it takes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    distribution: str

    @abstractmethod
    def at(self, unit: float) -> Any:
        """The value at a point of the unit interval, 0 < unit < 1: the inverse of the cumulative distribution."""


class Constant(Parameter):
    value: Any
    distribution: Literal["constant"] = "constant"

    def at(self, unit: float) -> Any:
        return self.value


class Categorical(Parameter):
    values: Values
    distribution: Literal["categorical"] = "categorical"

    def at(self, unit: float) -> Any:
        return self.values[_position(unit, len(self.values))]

    @cached_property
    def distinct(self) -> list[Any]:
        """The values without repeats as W&B's grid counts them: the first one's position, the last one's spelling."""
        return list({identity(value): value for value in self.values}.values())


class WeightedCategorical(Parameter):
    values: Values
    probabilities: Annotated[list[NotNegative], OneForEachValue]
    distribution: Literal["categorical_w_probabilities"] = "categorical_w_probabilities"

    def at(self, unit: float) -> Any:
        cumulative = list(accumulate(self.probabilities))
        return self.values[min(bisect_right(cumulative, unit * cumulative[-1]), len(self.values) - 1)]


class IntUniform(Parameter):
    min: Whole
    max: Annotated[Whole, AboveMin]
    distribution: Literal["int_uniform"] = "int_uniform"

    def at(self, unit: float) -> int:
        return self.min + _position(unit, self.max - self.min + 1)


class _Bounded(Parameter):
    min: Number
    max: Annotated[Number, AboveMin]


class Uniform(_Bounded):
    distribution: Literal["uniform"] = "uniform"

    def at(self, unit: float) -> float:
        return _between(self.min, self.max, unit)


class QUniform(_Bounded):
    q: Annotated[Positive, Resolving] = 1.0
    distribution: Literal["q_uniform"]

    def at(self, unit: float) -> float:
        return _quantised(_between(self.min, self.max, unit), self.q)


class _ExponentBounded(Parameter):
    """`min` and `max` are exponents of e; W&B calls these distributions deprecated and still draws from them."""

    min: Exponent
    max: Annotated[Exponent, AboveMin]


class LogUniform(_ExponentBounded):
    distribution: Literal["log_uniform"]

    def at(self, unit: float) -> float:
        return math.exp(_between(self.min, self.max, unit))


class InvLogUniform(_ExponentBounded):
    distribution: Literal["inv_log_uniform"]

    def at(self, unit: float) -> float:
        return math.exp(-_between(self.min, self.max, 1 - unit))


class QLogUniform(_ExponentBounded):
    q: Positive = 1.0
    distribution: Literal["q_log_uniform"]

    def at(self, unit: float) -> float:
        return _quantised(math.exp(_between(self.min, self.max, unit)), self.q)


class _PositiveBounded(Parameter):
    min: Positive
    max: Annotated[Number, AboveMin]


class LogUniformValues(_PositiveBounded):
    distribution: Literal["log_uniform_values"]

    def at(self, unit: float) -> float:
        return _log_between(self.min, self.max, unit)


class InvLogUniformValues(_PositiveBounded):
    distribution: Literal["inv_log_uniform_values"]

    def at(self, unit: float) -> float:
        return _log_between(self.min, self.max, unit)


class QLogUniformValues(_PositiveBounded):
    q: Positive = 1.0
    distribution: Literal["q_log_uniform_values"]

    def at(self, unit: float) -> float:
        return _quantised(_log_between(self.min, self.max, unit), self.q)


class Bell(Parameter):
    mu: Number = 0.0
    sigma: NotNegative = 1.0

    def _deviate(self, unit: float) -> float:
        return self.mu + self.sigma * _STANDARD_NORMAL.inv_cdf(unit)


class Normal(Bell):
    distribution: Literal["normal"]

    def at(self, unit: float) -> float:
        return self._deviate(unit)


class QNormal(Bell):
    q: Positive = 1.0
    distribution: Literal["q_normal"]

    def at(self, unit: float) -> float:
        return _quantised(self._deviate(unit), self.q)


class _LogBell(Bell):
    sigma: Annotated[NotNegative, WithinExponents] = 1.0


class LogNormal(_LogBell):
    distribution: Literal["log_normal"]

    def at(self, unit: float) -> float:
        return math.exp(self._deviate(unit))


class QLogNormal(_LogBell):
    q: Positive = 1.0
    distribution: Literal["q_log_normal"]

    def at(self, unit: float) -> float:
        return _quantised(math.exp(self._deviate(unit)), self.q)


class _BetaShaped(Parameter):
    a: Positive = 1
    b: Positive = 1

    def _drawn(self, unit: float) -> float:
        # Here alone, since every program that reads a sweep file would else wait for scipy.
        from scipy.special import betaincinv  # type: ignore[import-untyped]

        return float(betaincinv(self.a, self.b, unit))


class Beta(_BetaShaped):
    distribution: Literal["beta"]

    def at(self, unit: float) -> float:
        return self._drawn(unit)


class QBeta(_BetaShaped):
    q: Positive = 1.0
    distribution: Literal["q_beta"]

    def at(self, unit: float) -> float:
        return _quantised(self._drawn(unit), self.q)


def varies(parameter: Parameter) -> bool:
    """Tells whether a parameter is searched at all: a constant is not, nor a list of one value."""
    if isinstance(parameter, Categorical | WeightedCategorical):
        return len(parameter.values) > 1
    return not isinstance(parameter, Constant)


def _position(unit: float, count: int) -> int:
    return min(max(math.ceil(unit * count) - 1, 0), count - 1)


def _between(lower: float, upper: float, unit: float) -> float:
    return lower + unit * (upper - lower)


def _log_between(lower: float, upper: float, unit: float) -> float:
    return math.exp(_between(math.log(lower), math.log(upper), unit))


def _quantised(value: float, q: float) -> float:
    """A multiple of `q`, half to even as numpy rounds; an int where `q` is one."""
    return with_decimals_of(q, round(value / q) * q)


def with_decimals_of(step: float, value: float, start: float = 0) -> float:
    """A number of steps from a start, with no more decimals than these have: 0.3 for three times 0.1, whose product is
    0.30000000000000004. An int stays one."""
    return round(value, max(_decimals(step), _decimals(start)))


def _decimals(number: float) -> int:
    """Behind the point, as Python writes the number."""
    exponent = Decimal(repr(number)).as_tuple().exponent
    return max(0, -int(exponent))


def identity(value: Any) -> str:
    """Equal for values that W&B counts as one: 3 and 3.0, NaN and NaN, mappings in any order; not True and 1."""
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value, sort_keys=True)
