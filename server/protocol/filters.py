"""Which runs, or other things that have values by name, in which order: the Mongo-like filters of `wandb.Api`.

Source: the forms that W&B's client writes; docs of `wandb.Api.runs(filters=, order=)`.
"""

import json
import math
from collections.abc import Callable, Collection, Iterator
from functools import cached_property, lru_cache
from typing import Any, Final, Protocol, TypeVar

import re2  # type: ignore[import-untyped]

from server.protocol.dates import COLUMNS, Date, iso
from server.protocol.json_values import parse_object
from server.refusal import RefusalError
from server.run_values import at_path, unwrapped
from server.store.rows import Run

Test = Callable[[Any], bool]
MAX_PATTERN = 500
MAX_PARTS: Final = 10_000
MAX_COMPARISONS: Final = 10_000_000
MAX_ORDER_KEYS: Final = 20
DATE, NUMBER, TEXT = "a date", "a number", "a text"
ORDERING: Final = ("$gt", "$gte", "$lt", "$lte")


class Valued(Protocol):
    """What filters and orders ask."""

    def value(self, name: str) -> Any:
        """The value of a name, None where there is none.

        Raises:
            RefusalError: no such name.
        """


View = TypeVar("View", bound=Valued)


class RunView:
    """A run as filters and orders see it: values by name."""

    def __init__(self, run: Run, sweep_name: str | list[str] | None, owner: str) -> None:
        self.run = run
        self._named: dict[str, Any] = {
            "name": run.name,
            "display_name": run.display_name,
            "displayName": run.display_name,
            "state": run.state,
            "sweep": sweep_name,
            "group": run.group_name,
            "jobType": run.job_type,
            "job_type": run.job_type,
            "username": run.user_name or owner,
            "host": run.host,
            "cause": run.cause,
            "cause_kind": run.cause_kind,
        }

    @cached_property
    def config(self) -> dict[str, Any]:
        """As the client sent it, in its envelope."""
        sent: dict[str, Any] = json.loads(self.run.config)
        return sent

    @cached_property
    def config_values(self) -> dict[str, Any]:
        return unwrapped(self.config)

    @cached_property
    def summary(self) -> dict[str, Any]:
        sent: dict[str, Any] = json.loads(self.run.summary)
        return sent

    def value(self, name: str) -> Any:
        """A column, `tags`, a date, `config.<path>` with or without its envelope's `value`, `summary_metrics.<path>`.

        Raises:
            RefusalError: no such name.
        """
        if name in COLUMNS:
            at_s = getattr(self.run, COLUMNS[name])
            return None if at_s is None else Date(at_s)
        if name == "tags":
            return json.loads(self.run.tags)
        head, _, path = name.partition(".")
        if head == "config" and path:
            found = at_path(self.config_values, path)
            return at_path(self.config, path) if found is None else found
        if head in ("summary_metrics", "summaryMetrics", "summary") and path:
            return at_path(self.summary, path)
        if name not in self._named:
            allowed = ", ".join(("config.*", "summary_metrics.*", "tags", *COLUMNS, *self._named))
            raise RefusalError(f"runs cannot be filtered or ordered by {name!r}; allowed: {allowed}")
        return self._named[name]


def passing(views: list[View], filters: dict[str, Any]) -> list[View]:
    """Those that pass.

    Raises:
        RefusalError: the filters are wrong, or compare with an unlike value what each of them has as another type.
    """
    for name, operand in compared(filters):
        refuse_unlike(name, operand, {kind(view.value(name)) for view in views} - {None})
    return [view for view in views if matches(view, filters)]


def compared(filters: dict[str, Any]) -> list[tuple[str, Any]]:
    """What filters compare by size: names, each with what it is compared with."""
    return list(_comparisons(filters))


def matches(view: Valued, filters: dict[str, Any]) -> bool:
    """Whether it passes.

    Raises:
        RefusalError: the filters are wrong.
    """
    return all(_clause(view, key, condition) for key, condition in filters.items())


def _comparisons(filters: Any) -> Iterator[tuple[str, Any]]:
    """What stands after $gt, $gte, $lt and $lte at any depth, with the name before it."""
    for key, condition in filters.items() if isinstance(filters, dict) else ():
        if key.startswith("$"):
            for item in condition if isinstance(condition, list) else [condition]:
                yield from _comparisons(item)
        elif isinstance(condition, dict):
            yield from ((key, operand) for operator, operand in condition.items() if operator in ORDERING)
            yield from _comparisons({key: condition["$not"]} if "$not" in condition else {})


def refuse_unlike(name: str, operand: Any, kinds: Collection[str | None]) -> None:
    """Refuses to compare by size what nothing has as this type.

    Args:
        kinds: all that the values of the name are.

    Raises:
        RefusalError: there are values, and not one that can be compared.
    """
    if kinds and not any(_are_alike(each, operand) for each in kinds):
        raise RefusalError(
            f"filters: {name} is {' or '.join(sorted(map(str, kinds)))} here and cannot be compared with "
            f"{_named_kind(operand)}, {str(operand)[:80]!r}"
        )


def _alike(value: Any, operand: Any) -> bool:
    return _are_alike(kind(value), operand)


def _are_alike(kind_of_value: str | None, operand: Any) -> bool:
    return kind_of_value == DATE or (kind_of_value == kind(operand) and kind_of_value in (NUMBER, TEXT))


def kind(value: Any) -> str | None:
    """What a value is to filters; None for none."""
    return None if value is None else _named_kind(value)


def _named_kind(value: Any) -> str:
    if isinstance(value, Date):
        return DATE
    if isinstance(value, int | float):
        return NUMBER
    return TEXT if isinstance(value, str) else "neither a number nor a text"


def parse_filters(text: str | None) -> dict[str, Any]:
    """Reads the client's JSON; none means all.

    Raises:
        RefusalError: no JSON object.
    """
    return parse_object(text or "{}", "filters")


def refuse_costly(
    filters: dict[str, Any], order: str | None, counted: Callable[[], int], at_most: float = math.inf
) -> None:
    """Refuses what would take too long, before it is begun.

    Args:
        counted: tells how many the filters are tried on.
        at_most: there are not more; where that is few enough nobody counts.

    Raises:
        RefusalError: with the cost and the limit.
    """
    parts, keys = _parts(filters), len((order or "").split(","))
    if parts > MAX_PARTS:
        raise RefusalError(f"the filters have {parts:,} parts; at most {MAX_PARTS:,} are tried")
    if parts * at_most > MAX_COMPARISONS and parts * (count := counted()) > MAX_COMPARISONS:
        raise RefusalError(
            f"the filters have {parts:,} parts, tried on {count:,} up to {parts * count:,} comparisons; at most "
            f"{MAX_COMPARISONS:,} are made: give fewer parts, or a `sweep` to look in"
        )
    if keys > MAX_ORDER_KEYS:
        raise RefusalError(f"the order has {keys:,} keys; at most {MAX_ORDER_KEYS} are sorted by")


def _parts(value: Any) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_parts, items))


def sweep_asked_for(filters: dict[str, Any]) -> str | None:
    """The one sweep that the filters allow, when they name it at the top or in its `$and`."""
    joined = filters.get("$and")
    for clause in (filters, *(joined if isinstance(joined, list) else ())):
        if isinstance(clause, dict) and isinstance(clause.get("sweep"), str):
            return str(clause["sweep"])
    return None


def ordered(views: list[View], order: str | None) -> list[View]:
    """Sorts by `+name` or `-name` (several with commas); those that lack the value come last either way."""
    for key in reversed((order or "").split(",")):
        for name in order_names(key):
            views = _sorted_by(views, name, descending=key.strip().startswith("-"))
    return views


def order_names(order: str) -> list[str]:
    """The names that an order sorts by."""
    return [name for key in order.split(",") if (name := key.strip().lstrip("+-"))]


def _sorted_by(views: list[View], name: str, descending: bool) -> list[View]:
    having = [(value, view) for view in views if (value := view.value(name)) is not None and value == value]
    names = {id(view) for _, view in having}
    having.sort(key=lambda pair: _sort_key(pair[0]), reverse=descending)
    return [view for _, view in having] + [view for view in views if id(view) not in names]


def _sort_key(value: Any) -> tuple[int, Any]:
    if isinstance(value, Date):
        return (0, value.at_s)
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def _clause(view: Valued, key: str, condition: Any) -> bool:
    if key in ("$and", "$or", "$nor"):
        if not isinstance(condition, list) or not all(isinstance(item, dict) for item in condition):
            raise RefusalError(f"filters: {key} takes a list of objects")
        results = [matches(view, item) for item in condition]
        return {"$and": all(results), "$or": any(results), "$nor": not any(results)}[key]
    if key == "$not" and isinstance(condition, dict):
        return not matches(view, condition)
    return _holds(view.value(key), condition)


def _holds(value: Any, condition: Any) -> bool:
    if isinstance(condition, dict) and any(key.startswith("$") for key in condition):
        return all(_operator(value, operator, operand) for operator, operand in condition.items())
    return _equal(value, condition)


def _equal(value: Any, operand: Any) -> bool:
    if isinstance(value, Date) and operand is not None:
        mine_s, asked_s = value.beside(operand)
        return mine_s == asked_s
    if isinstance(value, list) and not isinstance(operand, list):
        return operand in value
    return bool(value == operand)


def _operator(value: Any, operator: str, operand: Any) -> bool:
    if operator == "$not":
        return not _holds(value, operand)
    if operator not in OPERATORS:
        raise RefusalError(f"filters: unknown operator {operator!r}; allowed: {', '.join((*OPERATORS, '$not'))}")
    return OPERATORS[operator](value, operand)


def _compared(value: Any, operand: Any, test: Callable[[Any, Any], bool]) -> bool:
    if isinstance(value, Date):
        return test(*value.beside(operand))
    return _alike(value, operand) and test(value, operand)


def _in(value: Any, operand: Any) -> bool:
    if not isinstance(operand, list):
        raise RefusalError("filters: $in and $nin take a list")
    return any(_equal(value, item) for item in operand)


def _regex(value: Any, operand: Any) -> bool:
    if not isinstance(operand, str) or len(operand) > MAX_PATTERN:
        raise RefusalError(f"filters: $regex takes a text of at most {MAX_PATTERN} characters")
    text = iso(value.at_s) if isinstance(value, Date) else value
    return _pattern(operand).search(text) is not None if isinstance(text, str) else False


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:
    """A pattern of RE2, which looks at each character once, whatever the pattern; Python's own may never end."""
    quiet = re2.Options()
    quiet.log_errors = False
    try:
        return re2.compile(text, quiet)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise RefusalError(
            f"filters: {text!r} is no regular expression of RE2 ({reason}); it has no look-around and no references "
            "to groups, and repeats at most 1,000 times"
        ) from error


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, operand: not _equal(value, operand),
    "$gt": lambda value, operand: _compared(value, operand, lambda a, b: a > b),
    "$gte": lambda value, operand: _compared(value, operand, lambda a, b: a >= b),
    "$lt": lambda value, operand: _compared(value, operand, lambda a, b: a < b),
    "$lte": lambda value, operand: _compared(value, operand, lambda a, b: a <= b),
    "$in": _in,
    "$nin": lambda value, operand: not _in(value, operand),
    "$exists": lambda value, operand: (value is not None) is bool(operand),
    "$regex": _regex,
}
