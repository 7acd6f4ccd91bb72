"""Filters and orders of runs that the database itself can tell exactly; `filters` tells what they mean."""

import math
from collections.abc import Iterator
from typing import Any, Final

from server.protocol.dates import COLUMNS as DATES
from server.protocol.dates import seconds
from server.refusal import RefusalError
from server.store.run_lists import Test

# Seconds beyond are no moments, and no numbers of the database.
FURTHEST_S: Final = 1e15
TEXTS: Final = {
    "name": "name",
    "display_name": "display_name",
    "displayName": "display_name",
    "state": "state",
    "group": "group_name",
    "jobType": "job_type",
    "job_type": "job_type",
    "host": "host",
    "cause": "cause",
    "cause_kind": "cause_kind",
}
LISTS: Final = {"$in": "in", "$nin": "not in"}


class UntoldError(Exception):
    """The database cannot tell this, or not exactly."""


def tests(filters: dict[str, Any]) -> tuple[list[Test], list[str]]:
    """What is asked of columns, and the names of the sweeps that are asked for; all of it must hold.

    Raises:
        UntoldError: something else is asked, or nonsense.
    """
    found: list[Test] = []
    sweeps: list[str] = []
    for name, condition in _clauses(filters):
        if name == "sweep" and isinstance(condition, str):
            sweeps.append(condition)
        elif name in TEXTS:
            found += _of_text(TEXTS[name], condition)
        elif name in DATES:
            found += _of_date(DATES[name], condition)
        else:
            raise UntoldError(name)
    return found, sweeps


def order(text: str) -> tuple[tuple[str, bool], ...]:
    """The columns to sort by, each with whether it descends.

    Raises:
        UntoldError: one is none.
    """
    keys = [(key.strip().lstrip("+-"), key.strip().startswith("-")) for key in text.split(",")]
    columns = TEXTS | DATES
    if not all(name in columns for name, _ in keys if name):
        raise UntoldError(text)
    return tuple((columns[name], descending) for name, descending in keys if name)


def _clauses(filters: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(filters, dict):
        raise UntoldError(str(filters))
    for name, condition in filters.items():
        if name == "$and" and isinstance(condition, list):
            for item in condition:
                yield from _clauses(item)
        else:
            yield name, condition


def _conditions(condition: Any) -> list[tuple[str, Any]]:
    """Operators with their operands, as `filters` takes what stands after a name."""
    if isinstance(condition, dict) and any(key.startswith("$") for key in condition):
        return list(condition.items())
    return [("$eq", condition)]


def _of_text(column: str, condition: Any) -> Iterator[Test]:
    for operator, operand in _conditions(condition):
        if operator in ("$eq", "$ne") and operand is None:
            yield Test(column, "is" if operator == "$eq" else "is not", None)
        elif operator in ("$eq", "$ne") and isinstance(operand, str):
            yield Test(column, "=" if operator == "$eq" else "!=", operand)
        elif operator in LISTS and isinstance(operand, list) and all(isinstance(each, str) for each in operand):
            yield Test(column, "in" if operator == "$in" else "not in", operand)
        elif operator == "$exists":
            yield Test(column, "is not" if operand else "is", None)
        else:
            raise UntoldError(operator)


def _of_date(column: str, condition: Any) -> Iterator[Test]:
    for operator, operand in _conditions(condition):
        try:
            asked_s = seconds(operand)
        except RefusalError as error:
            raise UntoldError(column) from error
        if not -FURTHEST_S < asked_s < FURTHEST_S:
            raise UntoldError(column)
        # To one that asks in whole seconds, a whole second is one moment.
        next_s = asked_s + 1 if asked_s % 1 == 0 else math.nextafter(asked_s, math.inf)
        match operator:
            case "$eq":
                yield Test(column, ">=", asked_s)
                yield Test(column, "<", next_s)
            case "$gt" | "$gte":
                yield Test(column, ">=", next_s if operator == "$gt" else asked_s)
            case "$lt" | "$lte":
                yield Test(column, "<", asked_s if operator == "$lt" else next_s)
            case _:
                raise UntoldError(operator)
