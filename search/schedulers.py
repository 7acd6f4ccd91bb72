"""Rules of sweeps whose suggestions W&B's own engines make (`wandb sweep-scheduler`), over a sweep file's plain data.

What an engine does not take its scheduler would only tell once agents wait for it. Source: `wandb.sdk.sweeps.scheduler`
of wandb 0.31.0.
"""

from collections.abc import Iterator
from typing import Any

from search import rules
from search.document import Problem
from search.wording import Path, dotted, shown

_METHODS = {"wandb": ("grid", "random", "bayes"), "optuna": ("custom",), "ax": ("custom",)}
_TAKEN = "`value`, `values`, int_uniform, uniform, q_uniform, log_uniform_values, q_log_uniform_values"
_NOT_TAKEN = {
    *("log_uniform", "q_log_uniform", "inv_log_uniform", "inv_log_uniform_values"),
    *("normal", "q_normal", "log_normal", "q_log_normal", "beta", "q_beta", "categorical_w_probabilities"),
}


def problems(data: dict[str, Any]) -> Iterator[Problem]:
    """Each broken rule of a `scheduler`, and of what stands beside it."""
    section = rules.section(data, "scheduler")
    if not section:
        return
    yield from _method(data, section)
    yield from _source(section)
    yield from _beside(data)
    # Where this names a function of the user's, the engine does not look at `parameters`.
    own = {"optuna": "search_space", "ax": "optimizer"}
    engine = section.get("engine")
    if isinstance(engine, str) and engine in own and own[engine] not in section:
        yield from _space(data, engine)


def warnings(data: dict[str, Any]) -> Iterator[Problem]:
    """What is allowed and surely not meant. For valid data only."""
    section = rules.section(data, "scheduler")
    if not section:
        return
    engine = section["engine"]
    # What `optimizer` names may know when the search is done.
    if data["method"] == "custom" and not {"optimizer", "run_cap"} & {*data, *section}:
        yield Problem(("method",), f"a sweep of the engine {engine} without `run_cap` never ends by itself.")
    if engine != "optuna" and "search_space" in section:
        yield Problem(
            ("scheduler", "search_space"), f"`scheduler.search_space` is heeded by optuna alone, not by {engine}."
        )
    for name, spec in data.get("parameters", {}).items():
        if data["method"] == "custom" and rules.kind(spec) == "categorical_w_probabilities":
            place = ("parameters", name, "probabilities")
            yield Problem(place, f"`{dotted(place)}` are not heeded by {engine}: leave them out.")


def _method(data: dict[str, Any], section: dict[str, Any]) -> Iterator[Problem]:
    methods = _METHODS.get(str(section.get("engine")))
    if methods and data.get("method") not in methods:
        engine = section["engine"]
        yield Problem(("scheduler", "engine"), f"`scheduler.engine: {engine}` needs `method`: {' or '.join(methods)}.")


def _source(section: dict[str, Any]) -> Iterator[Problem]:
    for key in ("optimizer", "search_space"):
        if key in section and "source" not in section:
            yield Problem(
                ("scheduler", "source"),
                f"`scheduler.source` is missing: the file in which `{key}` finds {shown(section[key])}.",
            )


def _beside(data: dict[str, Any]) -> Iterator[Problem]:
    if "early_terminate" in data:
        yield Problem(("early_terminate",), "`early_terminate` stands beside `scheduler`, which stops runs itself.")
    if rules.section(data, "controller").get("type") == "local":
        yield Problem(("controller",), "`controller: {type: local}` stands beside `scheduler`: only one can suggest.")


def _space(data: dict[str, Any], engine: str) -> Iterator[Problem]:
    given = data.get("parameters")
    for name, spec in given.items() if isinstance(given, dict) else ():
        path, kind = ("parameters", name), rules.kind(spec)
        if kind == rules.GROUP:
            yield Problem(path, f"`{dotted(path)}` is nested, which {engine} does not take.{_instead(engine)}")
        elif kind in _NOT_TAKEN and "distribution" in spec:
            place = (*path, "distribution")
            yield Problem(place, f"`{dotted(place)}` is {kind}, which {engine} does not take.{_instead(engine)}")
        elif engine == "ax":
            yield from _not_for_ax(path, spec)


def _not_for_ax(path: Path, spec: Any) -> Iterator[Problem]:
    values = spec.get("values") if isinstance(spec, dict) else None
    if rules.kind(spec) == "q_log_uniform_values" and spec.get("q", 1) != 1:
        yield Problem((*path, "q"), f"`{dotted((*path, 'q'))}` is {shown(spec['q'])}: ax has log steps of 1 alone.")
    if isinstance(values, list) and len({_sort(value) for value in values}) > 1:
        place = (*path, "values")
        yield Problem(place, f"`{dotted(place)}` are of several types, which ax does not take: use those of one.")


def _sort(value: Any) -> type:
    return float if type(value) is int else type(value)


def _instead(engine: str) -> str:
    own = ", or a function of your own as `scheduler.search_space`" if engine == "optuna" else ""
    return f" Allowed: {_TAKEN}{own}."
