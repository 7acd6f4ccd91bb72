"""Rules between the keys of a sweep file, over its plain data, so that they speak even while other keys are wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from search.brackets import DEFAULT_ETA, from_above
from search.document import Problem
from search.wording import Path, dotted, respelt, shown

GROUP = "nested parameters"
"""What `kind` calls a mapping that holds further parameters; no distribution has blanks in its name."""

_MOST_TOLD = 9
_USUAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_IN_A_GRID = {"constant", "categorical", "int_uniform", "q_uniform"}


def kind(spec: Any) -> str | None:
    """A parameter's distribution as given, or as W&B infers it from the keys; None where they say nothing."""
    if not isinstance(spec, dict):
        return None
    if "distribution" in spec:
        return str(spec["distribution"])
    if "parameters" in spec:
        return GROUP
    if "value" in spec:
        return "constant"
    if "values" in spec:
        return "categorical_w_probabilities" if "probabilities" in spec else "categorical"
    return _kind_between([spec[key] for key in ("min", "max") if key in spec])


def _kind_between(bounds: list[Any]) -> str | None:
    if not bounds:
        return None
    return "int_uniform" if all(type(bound) is int for bound in bounds) else "uniform"


def problems(data: dict[str, Any]) -> Iterator[Problem]:
    """Each broken rule between keys. Keys of the wrong type are passed over: their own problem says enough."""
    yield from _missing_parameters(data)
    yield from _missing_metric(data)
    yield from _metrics(data)
    yield from _early_terminate(data)
    for path, spec in _leaves(data):
        yield from _mixed_bounds(path, spec)
        if data.get("method") == "grid":
            yield from _in_a_grid(path, spec)


def empties(data: dict[str, Any], path: Path = ()) -> Iterator[Problem]:
    """Keys that stand without a value, in the sweep and its sections; a parameter's value may well be null."""
    for key, value in data.items():
        if value is None:
            yield Problem((*path, key), f"`{dotted((*path, key))}` is empty: give it a value or leave it out.")
        elif isinstance(value, dict) and key != "parameters":
            yield from empties(value, (*path, key))


def warnings(data: dict[str, Any]) -> Iterator[Problem]:
    """What is allowed and surely not meant. For valid data only."""
    if data["method"] in ("random", "bayes") and "run_cap" not in data:
        yield Problem(("method",), f"a {data['method']} sweep without `run_cap` never ends by itself.")
    yield from _brackets_from_both_ends(section(data, "early_terminate"))
    yield from _unusual_names(data)
    for path, spec in _leaves(data):
        yield from _texts_like_numbers(path, spec)
        yield from _exponents(path, spec)


def _leaves(data: dict[str, Any], above: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every parameter that is no group, with its path."""
    parameters = data.get("parameters")
    for name, spec in parameters.items() if isinstance(parameters, dict) else ():
        path = (*above, "parameters", name)
        if kind(spec) == GROUP:
            yield from _leaves(spec, path)
        elif isinstance(spec, dict):
            yield path, spec


def _unusual_names(data: dict[str, Any], above: Path = ()) -> Iterator[Problem]:
    for name, spec in data.get("parameters", {}).items():
        path = (*above, "parameters", name)
        if not _USUAL_NAME.fullmatch(name):
            yield Problem(
                path,
                f"`{dotted(path)}` is an unusual name: W&B's client complains of it, too, and runs it. Usual are a"
                f" letter or _, then letters, digits, _ . and -. ${{args}} writes {shown(f'--{name}=...')},"
                " ${args_no_hyphens} leaves out the hyphens.",
            )
        if kind(spec) == GROUP:
            yield from _unusual_names(spec, path)


def section(data: dict[str, Any], key: str) -> dict[str, Any]:
    """The mapping under a key; empty where there is none."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _missing_parameters(data: dict[str, Any]) -> Iterator[Problem]:
    if "parameters" not in data and "search_space" not in section(data, "scheduler"):
        yield Problem(("parameters",), "`parameters` is missing: it says what to search.")


def _missing_metric(data: dict[str, Any]) -> Iterator[Problem]:
    if "metric" in data:
        return
    # A scheduler suggests by what its own program says.
    askers = ["`method: bayes`"] if data.get("method") == "bayes" and "scheduler" not in data else []
    askers += ["`early_terminate`"] if "early_terminate" in data else []
    if askers:
        yield Problem(
            ("metric",),
            f"`metric` is missing: needed by {' and '.join(askers)}, as in {{name: val_loss, goal: minimize}}.",
        )


def _metrics(data: dict[str, Any]) -> Iterator[Problem]:
    if "metrics" not in data:
        return
    path, method = ("metrics",), data.get("method")
    if isinstance(data["metrics"], dict):
        yield Problem(path, "`metrics` lists several goals: for one, the key is `metric`.")
    elif twice := _twice(data["metrics"]):
        yield Problem(path, f"`metrics` has {shown(twice)} twice: each metric is one goal.")
    elif "metric" in data:
        yield Problem(path, "`metrics` stands beside `metric`: several goals take `metrics`, one takes `metric`.")
    elif method in ("grid", "random", "bayes"):
        yield Problem(
            path,
            f"`metrics` needs `method: custom` and `scheduler: {{engine: optuna}}`, or ax, not {method}; for one goal"
            " the key is `metric`.",
        )


def _twice(metrics: Any) -> str | None:
    """A name that stands more than once."""
    given = [each.get("name") for each in metrics if isinstance(each, dict)] if isinstance(metrics, list) else []
    names = [name for name in given if isinstance(name, str)]
    return next((name for name in names if names.count(name) > 1), None)


def _early_terminate(data: dict[str, Any]) -> Iterator[Problem]:
    given = section(data, "early_terminate")
    if given and "min_iter" not in given and not {"max_iter", "s"} <= given.keys():
        path = ("early_terminate", "s" if "max_iter" in given else "min_iter")
        yield Problem(path, "`early_terminate` needs `min_iter`, or `max_iter` and `s`.")


def _brackets_from_both_ends(section: dict[str, Any]) -> Iterator[Problem]:
    if {"min_iter", "max_iter", "s"} <= section.keys():
        brackets = from_above(section["max_iter"], section.get("eta", DEFAULT_ETA), section["s"])
        yield Problem(
            ("early_terminate", "min_iter"),
            f"`early_terminate.min_iter` is {section['min_iter']} and counts for nothing beside `max_iter` and `s`,"
            f" by which {_compared_at(brackets)}; leave out `min_iter`, or `max_iter` and `s`.",
        )


def _compared_at(brackets: tuple[int, ...]) -> str:
    if not brackets:
        return "runs are never compared"
    more = ", ..." if len(brackets) > _MOST_TOLD else ""
    return f"runs are compared after {', '.join(map(str, brackets[:_MOST_TOLD]))}{more} values of the metric"


def _mixed_bounds(path: Path, spec: dict[str, Any]) -> Iterator[Problem]:
    lower, upper = spec.get("min"), spec.get("max")
    # The client refuses these, at the first level only.
    if len(path) == 2 and "distribution" not in spec and {type(lower), type(upper)} == {int, float}:
        yield Problem(
            path,
            f"`{dotted(path)}` goes from {shown(lower)} to {shown(upper)}: one is whole, one is not;"
            " write both with a point, or both without, or give a `distribution`.",
        )


def _in_a_grid(path: Path, spec: dict[str, Any]) -> Iterator[Problem]:
    distribution = kind(spec)
    place = (*path, "distribution") if "distribution" in spec else path
    if distribution == "categorical_w_probabilities":
        yield Problem((*path, "probabilities"), f"`{dotted(path)}` has `probabilities`: a grid takes every value once.")
    elif distribution and distribution not in _IN_A_GRID:
        yield Problem(
            place,
            f"`{dotted(path)}` is drawn from {distribution}, which has no list of values for a grid:"
            " use `values`, whole `min` and `max`, q_uniform, or another `method`.",
        )


def _texts_like_numbers(path: Path, spec: dict[str, Any]) -> Iterator[Problem]:
    for place, text in listed(path, spec):
        if isinstance(text, str) and (number := respelt(text)):
            yield Problem(
                place,
                f"`{dotted(path)}` may be the text {shown(text)}: YAML reads no number in this form; write {number}.",
            )


def listed(path: Path, spec: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The values that a parameter names one by one, each with its path."""
    if "value" in spec:
        yield (*path, "value"), spec["value"]
    values = spec.get("values")
    for position, value in enumerate(values if isinstance(values, list) else ()):
        yield (*path, "values", position), value


def _exponents(path: Path, spec: dict[str, Any]) -> Iterator[Problem]:
    distribution = kind(spec)
    if distribution in ("log_uniform", "q_log_uniform", "inv_log_uniform"):
        ends = sorted(math.exp(spec[key] * (-1 if distribution.startswith("inv") else 1)) for key in ("min", "max"))
        yield Problem(
            (*path, "distribution"),
            f"`{dotted(path)}` is drawn from {distribution}, whose `min` and `max` are exponents of e: its values lie"
            f" between {ends[0]:.4g} and {ends[1]:.4g}; {distribution}_values takes the limits themselves.",
        )
