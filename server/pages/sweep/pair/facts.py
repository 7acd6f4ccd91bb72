"""How two sweeps stand, what each searches and how, and with what its best run was made."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from charts import format
from server.pages.compare.runs import Part, Row
from server.pages.sweep.recipe import PARAMETER_DIGITS, recipe
from server.pages.sweep.search_space import file_of
from server.pages.sweep.view import SweepView
from server.pages.words.facts import counts, kind_of, of_expected
from server.pages.words.look import sweep_look
from server.pages.words.outlook import outlook
from server.pages.words.sent import flattened, written

RANGE: Final = ("min", "max")
# What every two sweeps have each for itself.
OWN: Final = ("name", "description", "parameters")

Texts = Mapping[str, str]


def facts(views: Sequence[SweepView]) -> list[Part]:
    """The parts of the table, each with a column a sweep."""
    spaces = [_space(file_of(view.sweep.config).get("parameters")) for view in views]
    files = [_rest(file_of(view.sweep.config)) for view in views]
    parts = [
        Part("standing", "How far", _rows(list(map(_standing, views)), every=True), ""),
        Part("space", "Search space", _rows(spaces, every=True), ""),
        Part("file", "Rest of the sweep files", _rows(files), _alike(files)),
        Part("best-run", "Best runs", _rows(list(map(_best, views)), every=True), ""),
    ]
    return [part for part in parts if part.rows or part.said]


def _rows(columns: Sequence[Texts], every: bool = False) -> list[Row]:
    """Those that differ, or every one."""
    names = dict.fromkeys(name for column in columns for name in column)
    texts = {name: [column.get(name, format.ABSENT) for column in columns] for name in names}
    rows = [Row(name, row, len(set(row)) == 1) for name, row in texts.items()]
    return [row for row in rows if every or not row.same]


def _alike(columns: Sequence[Texts]) -> str:
    same = sum(row.same for row in _rows(columns, every=True))
    return f"{format.count(same)} {'is' if same == 1 else 'are'} the same" if same else ""


def _standing(view: SweepView) -> Texts:
    sweep, progress, started = view.sweep, view.progress, view.now.past(view.first_start_s)
    goal = "maximise" if sweep.goal == "maximize" else "minimise"
    found = counts(sweep, progress).values()
    return {
        "State": sweep_look(sweep).word,
        "Search": kind_of(sweep),
        "Metric": f"{goal} {sweep.metric_name}" if sweep.metric_name is not None else "none named",
        "Done": f"{format.count(progress.settled)}{of_expected(sweep)}",
        "Trials": ", ".join(f"{count.number} {count.look.word}" for count in found) or format.ABSENT,
        "Agents alive": format.count(view.alive),
        "Started": started.text if started else format.ABSENT,
        "Time": outlook(view).main or format.ABSENT,
    }


def _best(view: SweepView) -> Texts:
    """The best result of all and the values that it was made with."""
    best, metric = view.best, view.sweep.metric_name
    if best is None or metric is None:
        return {}
    return {
        "Run": best.run.display_name or best.run.name,
        metric: format.metric(best.run.metric, view.decimals),
        **dict(recipe(best, view.sweep)),
    }


def _space(parameters: Any, path: tuple[str, ...] = ()) -> Texts:
    """What each parameter may be, by its dotted name; those of nested ones too."""
    found: dict[str, str] = {}
    for name, spec in parameters.items() if isinstance(parameters, dict) else ():
        here = (*path, str(name))
        if isinstance(spec, dict) and "parameters" in spec:
            found.update(_space(spec["parameters"], here))
        else:
            found[".".join(here)] = _said(spec)
    return found


def _said(spec: Any) -> str:
    """ "1e-4 to 0.1, log_uniform_values"; "adam, sgd"; "8"."""
    if not isinstance(spec, dict):
        return written(spec, PARAMETER_DIGITS)
    if "value" in spec:
        return written(spec["value"], PARAMETER_DIGITS)
    ends = " to ".join(_number(spec[end]) for end in RANGE if end in spec)
    values = ", ".join(map(_number, spec["values"])) if isinstance(spec.get("values"), list) else ""
    others = [
        f"{'' if name == 'distribution' else f'{name} '}{_number(value)}"
        for name, value in spec.items()
        if name not in (*RANGE, "values")
    ]
    return ", ".join(filter(None, [values, ends, *others]))


def _number(value: Any) -> str:
    return written(value, PARAMETER_DIGITS)


def _rest(file: Mapping[str, Any]) -> Texts:
    """What a sweep file says beside its parameters."""
    return dict(_leaves({name: value for name, value in file.items() if name not in OWN}))


def _leaves(values: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for path, value in flattened(values):
        whole = json.dumps(value) if isinstance(value, list | dict) else written(value)
        yield ".".join(path), whole
