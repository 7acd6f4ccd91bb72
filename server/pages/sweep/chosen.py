"""Which runs of a sweep the filters of an address leave."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import FILTER_PREFIX, METRIC_FILTER, STATE_FILTERS, WHERE_PREFIX, TableQuery
from server.pages.table.conditions import any_of
from server.pages.table.fields import MOMENTS, is_result
from server.pages.words.sent import Path, at, read_object
from server.store.rows import Sweep
from server.store.table_queries import Brief
from terms.states import FAILURES

# W&B's ids; None for all runs.
Chosen = frozenset[str] | None


@dataclass(frozen=True)
class Selection:
    """The runs that are left.

    Attributes:
        runs: by everything that the address asks for.
        by_settings: by all but what it asks of the result; a measure of what the settings do must not see that.
        best: the best of `runs`; None if none of them has a value, and for all runs.
        total: how many runs the sweep has.
    """

    runs: Chosen
    by_settings: Chosen
    best: str | None
    total: int

    def has(self, run: str) -> bool:
        """Whether it is one of those that are left."""
        return self.runs is None or run in self.runs

    @property
    def count(self) -> int:
        return self.total if self.runs is None else len(self.runs)


def everything(total: int) -> Selection:
    """All runs."""
    return Selection(None, None, None, total)


def select(
    briefs: Sequence[Brief], sweep: Sweep, query: TableQuery, values: Mapping[str, tuple[Any, ...]]
) -> Selection:
    """Chooses of all runs of a sweep, which come in the order in which they were made.

    Args:
        values: of each run, by W&B's id, what it has of the fields in `query.asked`.
    """
    parameters = dict.fromkeys(field for field, _ in query.filters if field.startswith(FILTER_PREFIX))
    tests = {_path(field, sweep): any_of(query.texts(field)) for field in parameters}
    left = [brief for brief in briefs if brief.state in STATE_FILTERS[query.state]]
    if tests:
        allowed = _with_parameters(tuple(briefs), tests)
        left = [brief for brief in left if brief.run in allowed]
    left = _by_fields(left, query, values, of_results=False)
    runs = list(_by_result(_by_fields(left, query, values, of_results=True), briefs, sweep, query))
    valued = [brief for brief in runs if result_of(brief) is not None]
    sign = 1 if sweep.goal == "maximize" else -1
    best = max(valued, key=lambda brief: sign * (brief.metric or 0.0), default=None)
    by_settings = frozenset(brief.run for brief in left)
    return Selection(frozenset(brief.run for brief in runs), by_settings, best and best.run, len(briefs))


def _by_fields(
    left: list[Brief], query: TableQuery, values: Mapping[str, tuple[Any, ...]], of_results: bool
) -> list[Brief]:
    """Those that pass what is asked of fields that runs are given, or of those that they come to."""
    for place, field in enumerate(query.asked):
        if is_result(field) == of_results:
            passes = any_of(query.texts(WHERE_PREFIX + field), field in MOMENTS)
            left = [brief for brief in left if brief.run in values and passes(values[brief.run][place])]
    return left


def _with_parameters(briefs: tuple[Brief, ...], tests: dict[Path, Callable[[Any], bool]]) -> set[str]:
    """The runs whose parameters pass all tests."""
    passed = {brief.run for brief in briefs}
    for path, passes in tests.items():
        passed &= {brief.run for brief, value in zip(briefs, _column(briefs, path), strict=True) if passes(value)}
    return passed


@lru_cache(maxsize=16)
def _column(briefs: tuple[Brief, ...], path: Path) -> list[Any]:
    """What the points were given; kept, since each move of a range asks again."""
    return [at(read_object(brief.params), path) for brief in briefs]


def _path(field: str, sweep: Sweep) -> Path:
    """Of the parameter; one that the sweep does not vary is at the path of its whole name."""
    name = field.removeprefix(FILTER_PREFIX)
    return next((path for path in searched(sweep.config) if ".".join(path) == name), (name,))


def _by_result(left: Iterable[Brief], briefs: Sequence[Brief], sweep: Sweep, query: TableQuery) -> Iterable[Brief]:
    texts = query.texts(METRIC_FILTER)
    if texts:
        passes = any_of(texts)
        left = [brief for brief in left if passes(result_of(brief))]
    if query.top:
        among_best = _among_best(briefs, query.top, sweep.goal == "maximize")
        left = [brief for brief in left if among_best(result_of(brief))]
    return left


def result_of(brief: Brief) -> float | None:
    """The last value of a run that failed is no result."""
    return None if brief.state in FAILURES else brief.metric


def _among_best(briefs: Sequence[Brief], top: int, maximize: bool) -> Callable[[float | None], bool]:
    """Tells whether a value is one of the best `top` percent of all results."""
    values = sorted((value for value in map(result_of, briefs) if value is not None), reverse=maximize)
    if not values:
        return lambda value: False
    last = values[math.ceil(len(values) * top / 100) - 1]
    return lambda value: value is not None and (value >= last if maximize else value <= last)
