"""Grid search: W&B's grid points in W&B's order, each found from its index without listing the others."""

from __future__ import annotations

import math
from typing import Any, Protocol

from search.schema import SweepConfig
from search.shuffling import shuffled
from search.space import Categorical, Constant, IntUniform, Parameter, QUniform, with_decimals_of


class Axis(Protocol):
    """The values of one parameter, in order."""

    def __len__(self) -> int: ...
    def __getitem__(self, position: int, /) -> Any: ...


def size(config: SweepConfig) -> int:
    """The number of grid points."""
    return math.prod(len(axis) for axis in _axes(config))


def values(config: SweepConfig, index: int, seed: int) -> list[Any] | None:
    """The values of point `index`, in the order of `config.space`; None past the last point.

    The last parameter varies fastest, each through its values as listed: the index in mixed radix. With
    `x-sweep: {shuffle: true}` the points come in an order that `seed` decides, else it changes nothing.
    """
    axes = _axes(config)
    count = math.prod(map(len, axes))
    if index >= count:
        return None
    if config.extension.shuffle:
        index = shuffled(index, count, seed)
    chosen: list[Any] = []
    for axis in reversed(axes):
        index, position = divmod(index, len(axis))
        chosen.append(axis[position])
    return chosen[::-1]


def _axes(config: SweepConfig) -> list[Axis]:
    return [_axis(parameter) for parameter in config.space.values()]


def _axis(parameter: Parameter) -> Axis:
    match parameter:
        case Constant():
            return [parameter.value]
        case Categorical():
            return parameter.distinct
        case IntUniform():
            return range(parameter.min, parameter.max + 1)
        case QUniform():
            return _steps(parameter.min, parameter.max, parameter.q)
    raise ValueError(f"a grid takes no {parameter.distribution}")  # pragma: no cover - the config's rules say so first


def _steps(start: float, stop: float, step: float) -> Axis:
    if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int):
        return range(start, stop, step)
    return _Arange(start, stop, step)


class _Arange:
    """`numpy.arange(start, stop, step)` in the decimals of start and step: W&B's grid over q_uniform of floats."""

    def __init__(self, start: float, stop: float, step: float) -> None:
        self._given = step, start
        self._start = float(start)
        self._step = float(start + step) - self._start  # numpy's step: the difference of the first two values
        self._count = max(1, math.ceil((stop - start) / step))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position: int) -> float:
        step, start = self._given
        return with_decimals_of(step, self._start + position * self._step, start)
