"""The axes of parallel coordinates: where the runs' values stand on each, in [0, 1] from the foot to the top."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from charts import format
from charts.scale import LARGEST, decades, scale

# Up to so many listed values each is a lane; more of them are a continuous axis.
MOST_LANES: Final = 12
LANES_SHARE: Final = 0.7
# Values that span more than this are read by their size in powers of ten.
LOG_SPAN: Final = 100
# A value that stands alone on a logarithmic axis stands in the middle of so much to both sides.
ALONE: Final = 2
LABEL_DIGITS: Final = 4
LABEL_LENGTH: Final = 14
NUMBERS: Final = frozenset((int, float))


Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Pick:
    """How the reader of a page narrows an axis.

    Attributes:
        field: what the page's address calls the axis.
        ranges: that are chosen, as (low, high); None is no end.
        taken: tells whether a lane's value is chosen by itself.
        toggled: the address with a lane's value taken in, or out again.
    """

    field: str
    ranges: Sequence[Range] = ()
    taken: Callable[[Any], bool] = lambda _: False
    toggled: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Axis:
    """A parameter; what is found out about its thousands of values is kept for the next layout.

    Attributes:
        values: one a run; None where a run did not take it.
        order: of its categories, as the sweep file has them, the first on top; others follow in order of appearance.
        log: whether its scale is logarithmic; None leaves that to the values.
        continuous: whether it takes any number of a range, as the sweep file says; else its values are a list.
        ends: of that range, as far as it is known; values beyond them make the axis longer.
    """

    name: str
    values: Sequence[Any]
    order: Sequence[Any] = ()
    log: bool | None = None
    continuous: bool = False
    ends: tuple[float, float] | None = None

    @cached_property
    def numbers(self) -> list[float]:
        """Its different values, if all of them are numbers; else none."""
        known = [value for value in self.values if value is not None]
        return sorted(set(known)) if all(map(_is_number, known)) else []

    @cached_property
    def keys(self) -> list[Any]:
        """What each run's value is known by."""
        return list(map(_key, self.values))

    @cached_property
    def members(self) -> dict[Any, tuple[int, ...]]:
        """The runs that took a value, by its key."""
        found: dict[Any, list[int]] = {}
        for run, key in enumerate(self.keys):
            found.setdefault(key, []).append(run)
        return {key: tuple(runs) for key, runs in found.items()}

    @cached_property
    def line(self) -> "Layout | None":
        """Its layout if it is continuous, whichever runs are drawn."""
        if not self.numbers or not (self.continuous or len(self.numbers) > MOST_LANES):
            return None
        ends = [self.numbers[0], self.numbers[-1], *(self.ends or ())]
        return _continuous(self, min(ends), max(ends))


@dataclass(frozen=True)
class Lane:
    """One value's part of an axis: the ends of it, and the runs that took the value."""

    value: Any
    label: str
    low: float
    high: float
    runs: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """An axis with its runs on it.

    Attributes:
        kind: under the name: "category", "linear", "log" or "in order", which is evenly spaced and neither; "" for one
            number.
        places: of each run; None where it has none.
        lanes: from the foot up; none on a continuous axis, which has `ticks` instead.
        ticks: place and label.
        ends: the values at the foot and at the top of a continuous axis.
        at: gives the place of a value on a continuous axis.
    """

    name: str
    kind: str
    places: list[float | None]
    lanes: list[Lane]
    ticks: list[tuple[float, str]]
    pick: Pick | None
    ends: tuple[float, float] = (0.0, 1.0)
    at: Callable[[float], float] = float


def lay_out(axis: Axis, drawn: Sequence[int], pick: Pick | None = None) -> Layout:
    """Places the runs.

    Args:
        drawn: numbers of the runs to draw, the worst first: within a lane, better ones stand higher.
        pick: on a page that can be asked for a part of the runs.
    """
    if axis.line is not None:
        return replace(axis.line, pick=pick)
    if not axis.numbers:
        return _in_lanes(axis, "category", _categories(axis), drawn, pick)
    not_set = [None] if None in axis.values else []
    return _in_lanes(axis, _spacing(axis.numbers), [*not_set, *axis.numbers], drawn, pick)


def _in_lanes(axis: Axis, kind: str, upwards: Sequence[Any], drawn: Sequence[int], pick: Pick | None) -> Layout:
    standing: dict[Any, list[int]] = {}
    for run in drawn:
        standing.setdefault(axis.keys[run], []).append(run)
    height, gap = LANES_SHARE / len(upwards), (1 - LANES_SHARE) / max(len(upwards) - 1, 1)
    places: list[float | None] = [None] * len(axis.values)
    lanes = []
    for number, value in enumerate(upwards):
        low = number * (height + gap) if len(upwards) > 1 else (1 - height) / 2
        inside = standing.get(_key(value), [])
        for place, run in enumerate(inside):
            places[run] = low + height * (place + 0.5) / len(inside)
        lanes.append(Lane(value, _label(value), low, low + height, axis.members.get(_key(value), ())))
    return Layout(axis.name, kind, places, lanes, [], pick)


def _continuous(axis: Axis, low: float, high: float) -> Layout:
    log = low > 0 and (high / low >= LOG_SPAN if axis.log is None else axis.log)
    if log and low == high:
        low, high = low / ALONE, high * ALONE
    if log:
        bottom, top = math.log10(low), math.log10(high)
        ticks = [(tick, _label(int(tick) if tick.is_integer() else tick)) for tick in decades(low, high)]

        def place(value: float) -> float:
            return (math.log10(value) - bottom) / (top - bottom) if value > 0 else -math.inf

    else:
        linear = scale(low, high)
        low, high = linear.low, linear.high
        ticks = [(tick, format.metric(tick, linear.decimals)) for tick in linear.ticks]
        place = linear.at
    places = [None if value is None else place(value) for value in axis.values]
    labels = [(place(tick), label) for tick, label in ticks]
    return Layout(axis.name, "log" if log else "linear", places, [], labels, None, (low, high), place)


def _spacing(values: Sequence[float]) -> str:
    """What even spacing makes of these numbers."""
    if len(values) < 2:
        return ""
    steps = [second - first for first, second in pairwise(values)]
    ratios = [second / first if first > 0 else math.nan for first, second in pairwise(values)]
    if all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps):
        return "linear"
    return "log" if all(math.isclose(ratio, ratios[0], rel_tol=1e-6) for ratio in ratios) else "in order"


def _categories(axis: Axis) -> list[Any]:
    """The values there are, the first one last: it stands on top."""
    there = {_key(value): value for value in axis.values}
    known = [value for value in axis.order if _key(value) in there]
    return list({_key(value): value for value in (*known, *there.values())}.values())[::-1]


def _label(value: Any) -> str:
    text = "not set" if value is None else format.parameter(value, LABEL_DIGITS)
    return text if len(text) <= LABEL_LENGTH else f"{text[: LABEL_LENGTH - 1]}…"


def _is_number(value: Any) -> bool:
    # Asked some ten times of each of thousands of runs.
    return type(value) in NUMBERS and -LARGEST <= value <= LARGEST


def _key(value: Any) -> Any:
    """1 and 1.0 are one value; true and "1" are others."""
    return value if _is_number(value) else repr(value)
