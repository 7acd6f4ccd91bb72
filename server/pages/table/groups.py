"""Runs that share the values of some fields, taken as one: seeds of one setting, or all of a tag."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any, Final

from charts import format
from server.pages.table import fields
from server.pages.words.facts import Segment
from server.pages.words.sent import written

SHOWN: Final = 100


@dataclass(frozen=True)
class Group:
    """What its runs share, and how they ended.

    Attributes:
        key: a value for each field that is grouped by; None for runs that lack it.
        runs: W&B's ids.
        results: run and value, of those that have a result.
    """

    key: tuple[Any, ...]
    runs: tuple[str, ...]
    results: tuple[tuple[str, float], ...]

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.results]

    @property
    def mean(self) -> float | None:
        return fmean(self.values) if self.results else None

    @property
    def error(self) -> float | None:
        """The standard error of the mean; None of fewer than two values."""
        return stdev(self.values) / math.sqrt(len(self.results)) if len(self.results) > 1 else None

    def best(self, maximize: bool) -> str | None:
        """The run with the best value."""
        return (max if maximize else min)(self.results, key=lambda each: each[1])[0] if self.results else None


@dataclass(frozen=True)
class GroupRow:
    """A group in the table; `url` shows its runs alone, None where no filter can tell them.

    Attributes:
        n: of runs with a result, `of` as " of 6" where others have none.
        best: of its runs, name and address.
        letter: of its curve; "" for most.
    """

    key: list[str]
    url: str | None
    n: str
    of: str
    mean: str
    spread: str
    best: tuple[str, str] | None
    letter: str = ""


@dataclass(frozen=True)
class Groups:
    """What the template is given: heads of the fields, rows, how many more there are, how the spread is told.

    Attributes:
        said: how many groups there are, in which order.
    """

    heads: list[str]
    rows: list[GroupRow]
    said: str
    more: str
    spreads: list[Segment]
    spread: str
    without_url: str


@dataclass(frozen=True)
class GroupMenu:
    """What can be grouped by: links, and what a form for any other field sends along and may name.

    Attributes:
        metrics: of what the mean can be: (field, name, whether it is now); [] where that is settled.
    """

    choices: list[Segment]
    kept: list[tuple[str, str]]
    names: list[str]
    chosen: str
    metrics: list[tuple[str, str, bool]]


def grouped(keys: Mapping[str, tuple[Any, ...]], results: Mapping[str, float | None], maximize: bool) -> list[Group]:
    """The groups, that of the best mean first, those without a result last.

    Args:
        keys: of each run the values of the fields that are grouped by; of a list, it is in the group of each of them.
        results: of the runs that count, each with its result.
    """
    members: dict[str, list[str]] = {}
    known: dict[str, tuple[Any, ...]] = {}
    for run in results:
        for key in _spread(keys.get(run, ())):
            name = json.dumps(key, sort_keys=True)
            known.setdefault(name, key)
            members.setdefault(name, []).append(run)
    found = [_group(known[name], runs, results) for name, runs in members.items()]
    sign = -1 if maximize else 1
    return sorted(found, key=lambda group: math.inf if group.mean is None else sign * group.mean)


def tabled(
    found: Sequence[Group],
    row: Callable[[Group], GroupRow],
    address: Callable[..., str],
    *,
    heads: list[str],
    order: str,
    by_error: bool,
    letters: Sequence[str],
) -> Groups:
    """The groups as the template takes them.

    Args:
        row: of a group.
        address: of the page with these changes to what its address asks for.
        order: in which the groups stand, in words.
        by_error: whether the spread is told as the standard error.
        letters: of the curves of the first groups.
    """
    every = [*letters, *[""] * SHOWN]
    return Groups(
        heads=heads,
        rows=[replace(row(group), letter=letter) for group, letter in zip(found[:SHOWN], every, strict=False)],
        said=f"{format.counted(len(found), 'group')}, {order}",
        more=format.count(len(found) - SHOWN) if len(found) > SHOWN else "",
        spreads=[
            Segment("Min to max", address(by_error=False), not by_error),
            Segment("Standard error", address(by_error=True), by_error),
        ],
        spread="Standard error" if by_error else "Min to max",
        without_url=address(by=()),
    )


def group_row(
    group: Group, by: Iterable[str], decimals: int, by_error: bool, *, url: str | None, best: tuple[str, str] | None
) -> GroupRow:
    """A group as the template takes it."""
    results = len(group.results)
    return GroupRow(
        key=[text for _, text in said(group, by)],
        url=url,
        n=format.count(results),
        of=f" of {format.count(len(group.runs))}" if len(group.runs) > results else "",
        mean=format.metric(group.mean, decimals),
        spread=spread(group, decimals, by_error),
        best=best,
    )


def said(group: Group, by: Iterable[str]) -> list[tuple[str, str]]:
    """What a group's runs share, for people: name and value."""
    return [
        (fields.title(name), format.ABSENT if value is None else written(value, fields.DIGITS, fields.LONGEST))
        for name, value in zip(by, group.key, strict=True)
    ]


def spread(group: Group, decimals: int, as_error: bool) -> str:
    """From the least to the largest value, or the standard error; "–" where there are not two."""
    if as_error:
        return format.ABSENT if group.error is None else f"± {format.metric(group.error, decimals)}"
    if len(group.results) < 2:
        return format.ABSENT
    return f"{format.metric(min(group.values), decimals)} to {format.metric(max(group.values), decimals)}"


def _spread(key: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    """A key with lists in it as several; tags are such."""
    found: list[tuple[Any, ...]] = [()]
    for value in key:
        each = (value or [None]) if isinstance(value, list) else [value]
        found = [(*before, one) for before in found for one in each]
    return found


def _group(key: tuple[Any, ...], runs: list[str], results: Mapping[str, float | None]) -> Group:
    valued = ((run, results[run]) for run in runs)
    return Group(key, tuple(runs), tuple((run, value) for run, value in valued if value is not None))
