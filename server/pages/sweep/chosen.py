"""Which runs of a sweep the filters of an address leave."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from charts.axis import Range
from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import FILTER_PREFIX, METRIC_FILTER, STATE_FILTERS, TableQuery
from server.pages.words.sent import at, read_object, written
from server.run_values import number
from server.store.rows import Sweep
from server.store.sweep_queries import Brief
from terms.states import FAILURES

NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RANGE: Final = re.compile(rf"({NUMBER})?\s*\.\.\s*({NUMBER})?")

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

    @property
    def count(self) -> int:
        return self.total if self.runs is None else len(self.runs)


def everything(total: int) -> Selection:
    """All runs."""
    return Selection(None, None, None, total)


def select(briefs: Sequence[Brief], sweep: Sweep, query: TableQuery) -> Selection:
    """Chooses of all runs of a sweep, which come in the order in which they were made."""
    fields = dict.fromkeys(field for field, _ in query.filters if field != METRIC_FILTER)
    tests = {_path(field, sweep): _any(query.texts(field)) for field in fields}
    left = [brief for brief in briefs if brief.state in STATE_FILTERS[query.state]]
    if tests:
        left = [brief for brief in left if _hold(tests, read_object(brief.params))]
    runs = list(_by_result(left, briefs, sweep, query))
    valued = [brief for brief in runs if _result(brief) is not None]
    sign = 1 if sweep.goal == "maximize" else -1
    best = max(valued, key=lambda brief: sign * (brief.metric or 0.0), default=None)
    by_settings = frozenset(brief.run for brief in left)
    return Selection(frozenset(brief.run for brief in runs), by_settings, best and best.run, len(briefs))


def range_of(text: str) -> Range | None:
    """The ends of a filter's range, the lower first; None for the text of a value."""
    found = RANGE.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    low, high = (None if end is None else float(end) for end in found.groups())
    return (high, low) if low is not None and high is not None and low > high else (low, high)


def holds(text: str, value: Any) -> bool:
    """Tells whether a value is what a filter's text asks for."""
    ends = range_of(text)
    known = number(value)
    if ends is not None:
        low, high = ends
        return known is not None and (low is None or low <= known) and (high is None or known <= high)
    if known is not None and re.fullmatch(NUMBER, text.strip()):
        return known == float(text)
    return written(value) == text


def _any(texts: Sequence[str]) -> Callable[[Any], bool]:
    return lambda value: any(holds(text, value) for text in texts)


def _hold(tests: dict[tuple[str, ...], Callable[[Any], bool]], values: dict[str, Any]) -> bool:
    return all(test(at(values, path)) for path, test in tests.items())


def _path(field: str, sweep: Sweep) -> tuple[str, ...]:
    """Of the parameter; one that the sweep does not vary is at the path of its whole name."""
    name = field.removeprefix(FILTER_PREFIX)
    return next((path for path in searched(sweep.config) if ".".join(path) == name), (name,))


def _by_result(left: Iterable[Brief], briefs: Sequence[Brief], sweep: Sweep, query: TableQuery) -> Iterable[Brief]:
    texts = query.texts(METRIC_FILTER)
    if texts:
        left = [brief for brief in left if any(holds(text, _result(brief)) for text in texts)]
    if query.top:
        among_best = _among_best(briefs, query.top, sweep.goal == "maximize")
        left = [brief for brief in left if among_best(_result(brief))]
    return left


def _result(brief: Brief) -> float | None:
    """The last value of a run that failed is no result."""
    return None if brief.state in FAILURES else brief.metric


def _among_best(briefs: Sequence[Brief], top: int, maximize: bool) -> Callable[[float | None], bool]:
    """Tells whether a value is one of the best `top` percent of all results."""
    values = sorted((value for value in map(_result, briefs) if value is not None), reverse=maximize)
    if not values:
        return lambda value: False
    last = values[math.ceil(len(values) * top / 100) - 1]
    return lambda value: value is not None and (value >= last if maximize else value <= last)
