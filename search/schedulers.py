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
    *("normal", "q_normal", "log_normal", "q_log_normal", "beta", "q_beta"),
}


def problems(data: dict[str, Any]) -> Iterator[Problem]:
    """Each broken rule of a `scheduler`, and of what stands beside it."""
    section = rules.section(data, "scheduler")
    if not section:
        return
    yield from _method(data, section)
    yield from _source(section)
    yield from _beside(data)
    if section.get("engine") in ("optuna", "ax") and "search_space" not in section:
        yield from _space(data, section["engine"])


def warnings(data: dict[str, Any]) -> Iterator[Problem]:
    """What is allowed and surely not meant: a search that nothing bounds; what `optimizer` names may. Of valid data."""
    section = rules.section(data, "scheduler")
    if section and data["method"] == "custom" and not {"optimizer", "run_cap"} & {*data, *section}:
        yield Problem(("method",), f"a sweep of the engine {section['engine']} without `run_cap` never ends by itself.")


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
    if section.get("engine") in ("wandb", "ax") and "search_space" in section:
        yield Problem(
            ("scheduler", "search_space"),
            f"`scheduler.search_space` is heeded by the engine optuna alone, not by {section['engine']}, which takes"
            " `parameters`.",
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
        elif kind == "categorical_w_probabilities":
            place = (*path, "probabilities")
            yield Problem(place, f"`{dotted(place)}` is not heeded by {engine}: leave it out.{_instead(engine)}")
        elif kind in _NOT_TAKEN:
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
