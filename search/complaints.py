"""What pydantic finds wrong with a sweep's plain data, in words: what, where, what is allowed, what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from search.document import Problem
from search.schema import PARAMETER_KINDS, Controller, EarlyTerminate, Extension, Group, Metric, Scheduler, SweepConfig
from search.wording import Path, dotted, nearest, shown, suggestion

_DUE = {
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "bool_type": "true or false",
}
_DISTRIBUTIONS = {name: model for name, model in PARAMETER_KINDS.items() if model is not Group}
_PARAMETER_KEYS = {key: None for model in PARAMETER_KINDS.values() for key in model.model_fields}  # an ordered set


def complaints(error: ValidationError, data: dict[str, Any]) -> Iterator[Problem]:
    """Puts each of pydantic's errors about `data` into one sentence."""
    for details in error.errors(include_url=False):
        path = _without_kinds(details["loc"])
        match details["type"]:
            case "union_tag_not_found":
                yield from _says_no_distribution(path, details["input"])
            case "union_tag_invalid":
                path = (*path, "distribution")
                yield Problem(path, _not_allowed(path, details["input"]["distribution"], _DISTRIBUTIONS))
            case "extra_forbidden":
                yield _not_a_key(path, details["loc"], data)
            case "literal_error":
                yield Problem(path, _not_allowed(path, details["input"], _quoted(details["ctx"]["expected"])))
            case "missing":
                yield Problem(path, f"`{dotted(path)}` is missing.{_choices(details['loc'])}")
            case _:
                yield Problem(path, f"`{dotted(path)}` {_predicate(details)}")


def _without_kinds(loc: Path) -> Path:
    """Takes out what pydantic puts behind each parameter's name: the kind it chose, or a mark for the name itself."""
    return (*loc[:2], *_without_kinds(loc[3:])) if loc[0:1] == ("parameters",) else loc


def _model(loc: Path) -> type[BaseModel]:
    """The class of the mapping in which an error's key stands."""
    match loc[:-1]:
        case ():
            return SweepConfig
        case (*_, "parameters", _, str(kind)):
            return PARAMETER_KINDS[kind]
        case ("metric",) | ("metrics", _):
            return Metric
        case ("early_terminate",):
            return EarlyTerminate
        case ("scheduler",):
            return Scheduler
        case ("x-sweep",):
            return Extension
    return Controller


def _says_no_distribution(path: Path, spec: Any) -> Iterator[Problem]:
    if not isinstance(spec, dict):
        key = "values" if isinstance(spec, list) else "value"
        yield Problem(path, f"`{dotted(path)}` is {shown(spec)}: a mapping is due, as in {{{key}: {shown(spec)}}}.")
    elif unknown := spec.keys() - _PARAMETER_KEYS.keys():
        yield from (_unknown_key((*path, key), _PARAMETER_KEYS) for key in unknown)
    else:
        yield Problem(
            path,
            f"`{dotted(path)}` does not say what to draw: give `value`, `values`, `min` and `max`, `parameters`"
            f" or a `distribution`.{_fitting(spec)}",
        )


def _not_a_key(path: Path, loc: Path, data: dict[str, Any]) -> Problem:
    key, model = loc[-1], _model(loc)
    if key not in _PARAMETER_KEYS or model not in _DISTRIBUTIONS.values():
        return _unknown_key(path, (field.alias or name for name, field in model.model_fields.items()))
    hint = _fitting(_at(data, path[:-1])) or f" Allowed here: {', '.join(model.model_fields)}."
    return Problem(path, f"`{dotted(path)}` does not go with {loc[-2]}.{hint}")


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data[key]
    return data


def _unknown_key(path: Path, allowed: Iterable[str]) -> Problem:
    key, allowed = path[-1], list(allowed)
    match = nearest(key, allowed)
    return Problem(
        path,
        f"unknown key `{dotted(path)}`.{suggestion(key, allowed)} Allowed here: {', '.join(allowed)}.",
        meant=(*path[:-1], match) if match else None,
    )


def _fitting(spec: dict[str, Any]) -> str:
    """Which distributions take all the keys that are there."""
    keys = [key for key in spec if key != "distribution"]
    fitting = [name for name, model in _DISTRIBUTIONS.items() if keys and model.model_fields.keys() >= set(keys)]
    return f" With {', '.join(keys)} go: {', '.join(fitting)}." if fitting else ""


def _not_allowed(path: Path, value: object, allowed: Iterable[str]) -> str:
    allowed = list(allowed)
    if not isinstance(value, str) and shown(value) in allowed:
        return f"`{dotted(path)}` is {shown(value)}, which is not text: write it in quotes, '{shown(value)}'."
    return f"`{dotted(path)}` is {shown(value)}.{suggestion(value, allowed)} Allowed: {', '.join(allowed)}."


def _quoted(expected: str) -> list[str]:
    return re.findall(r"'(.*?)'", expected)


def _choices(loc: Path) -> str:
    """A sentence " Allowed: ..." for a key that takes one of a few words."""
    key = str(loc[-1])
    words = [word for word in get_args(_model(loc).model_fields[key].annotation) if isinstance(word, str)]
    return f" Allowed: {', '.join(words)}." if words else ""


def _predicate(details: ErrorDetails) -> str:
    value = details["input"]
    match details["type"]:
        case "value_error":
            return str(details["ctx"]["error"])
        case "too_short":
            actual, least = details["ctx"]["actual_length"], details["ctx"]["min_length"]
            return f"has too few entries: {actual}, and the least is {least}."
        case "string_type" if isinstance(value, bool | int | float):
            return f"is {shown(value)}: text is due; write it in quotes, '{shown(value)}'."
        case "list_type" if not isinstance(value, dict):
            return f"is {shown(value)}: a list is due, as in [{shown(value)}]."
        case kind if kind in _DUE:
            return f"is {shown(value)}: {_DUE[kind]} is due."
    # pydantic's own words, for a kind of mistake that no model here can be told of.
    return f"is {shown(value)}: {details['msg']}."  # pragma: no cover
