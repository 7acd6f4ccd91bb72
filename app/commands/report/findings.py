"""What a report says of a sweep beyond its table, read from any backend through W&B's own `Api`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from app.commands import client
from app.commands.replay import values
from app.commands.results import Results, RunResult
from charts.learning_curves import LearningCurve
from charts.letter import LETTERS
from search import pareto
from search.config import ConfigError, parse
from search.early_termination import brackets
from search.importance import Importance, TooFew, importance
from search.schema import Metric
from terms.record import PROVENANCE

PAGE = 500  # runs a request
SAMPLES = 500  # of a curve


@dataclass(frozen=True)
class Facts:
    """One run's.

    Attributes:
        started: ISO 8601, as the backend says it; "" if it does not.
        took_s: from its start to the last value that it logged; None before that.
        summary: the last value of everything that it logged.
        provenance: what decided its result; empty for another program's run.
        values: all that it took, the sweep's parameters and the defaults.
    """

    url: str = ""
    started: str = ""
    took_s: float | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """A sweep as its report tells it.

    Attributes:
        config: the sweep file.
        facts: by the id of the run.
        curves: of the best runs, the best first; by `unit`, "epoch" or "step".
        rungs: where early termination compared runs.
        python: as in the commands that it tells.
    """

    results: Results
    config: Mapping[str, Any]
    facts: Mapping[str, Facts]
    curves: tuple[LearningCurve, ...] = ()
    unit: str = "epoch"
    rungs: tuple[int, ...] = ()
    python: str = "python"

    @property
    def goal(self) -> str:
        return "maximize" if self.results.maximize else "minimize"

    @cached_property
    def failed(self) -> frozenset[str]:
        """The ids of the runs whose point got no result."""
        return frozenset(run.id for run in self.results.failed)

    @cached_property
    def ended(self) -> list[RunResult]:
        """A run for each point that is settled, in the order of their start."""
        settled = self.failed | {run.id for run in self.results.finished}
        return [run for run in self.results.runs if run.id in settled]

    @cached_property
    def best(self) -> list[RunResult]:
        """The runs whose result counts and has a metric, best first."""
        counted = {run.id for run in self.results.finished}
        return [run for run in self.results.best() if run.id in counted]

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """Those of a sweep of several, the first first; none of any other."""
        given = self.config.get("metrics") or ()
        return tuple(Metric(name=each["name"], goal=each.get("goal", "minimize")) for each in given)

    @cached_property
    def measured(self) -> list[tuple[RunResult, tuple[float, ...]]]:
        """Of a sweep of several metrics the results that count and have a value of each, best first."""
        rows = ((run, _finite(self.of(run).summary.get(each.name) for each in self.metrics)) for run in self.best)
        return [(run, values) for run, values in rows if len(values) == len(self.metrics) > 1]

    @cached_property
    def front(self) -> list[RunResult]:
        """Those of `measured` that no other one betters."""
        return [self.measured[place][0] for place in pareto.front([each for _, each in self.measured], self.metrics)]

    @cached_property
    def parameters(self) -> list[str]:
        """Those that differ between runs, in the file's order; all if none does."""
        runs = self.results.runs
        names = list(runs[0].values) if runs else []
        return [name for name in names if len({str(run.values.get(name)) for run in runs}) > 1] or names

    def of(self, run: RunResult) -> Facts:
        return self.facts.get(run.id, Facts())

    @cached_property
    def importance(self) -> tuple[Importance, ...] | TooFew:
        """What each parameter explains of the results that count."""
        runs = self.best
        columns = {name: [run.values.get(name) for run in runs] for name in self.parameters}
        return importance(columns, [run.metric or 0.0 for run in runs], self.goal)


def read(api: Any, results: Results, python: str = "python") -> Findings:
    """Fetches the runs in pages of 500, and the history of the best five alone.

    Args:
        results: the sweep, read just before.
        python: as in the commands that are told.

    Raises:
        BackendError: if the backend does not answer.
    """
    with client.asking():
        api.flush()  # else it answers from memory, without what was not asked for then
        sweep = api.sweep(results.path)
        project = results.path.rpartition("/")[0]
        runs = {run.id: run for run in api.runs(project, filters={"sweep": sweep.id}, per_page=PAGE, lazy=False)}
        found = Findings(results, sweep.config, {name: _facts(run) for name, run in runs.items()})
        best = [run for run in found.best[: len(LETTERS)] if run.id in runs]
        unit, curves = _curves([(run.name, runs[run.id]) for run in best], results.metric)
    return Findings(results, found.config, found.facts, curves, unit, _rungs(found.config), python)


def _facts(run: Any) -> Facts:
    summary = run.summary_metrics or {}
    return Facts(
        url=run.url,
        started=getattr(run, "created_at", None) or "",
        took_s=summary.get("_runtime"),
        summary={name: value for name, value in summary.items() if not name.startswith("_")},
        provenance=run.config.get(PROVENANCE) or {},
        values=values(run),
    )


def _curves(runs: list[tuple[str, Any]], metric: str | None) -> tuple[str, tuple[LearningCurve, ...]]:
    """By epoch if every run has logged one beside its metric, else by W&B's step."""
    if metric is None:
        return "step", ()
    by_epoch = tuple(LearningCurve(name, _points(run, "epoch", metric)) for name, run in runs)
    if all(curve.points for curve in by_epoch):
        return "epoch", by_epoch
    by_step = (LearningCurve(name, _points(run, "_step", metric)) for name, run in runs)
    return "step", tuple(curve for curve in by_step if curve.points)


def _points(run: Any, x: str, metric: str) -> list[tuple[float, float]]:
    rows = run.history(samples=SAMPLES, keys=[x, metric], pandas=False)
    pairs = [(row.get(x), row.get(metric)) for row in rows]
    return sorted((at, value) for at, value in pairs if _is_number(at) and _is_number(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value  # NaN is not


def _finite(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(value for value in values if isinstance(value, int | float) and math.isfinite(value))


def _rungs(config: Mapping[str, Any]) -> tuple[int, ...]:
    try:
        return brackets(parse(yaml.safe_dump(dict(config))))
    except (ConfigError, yaml.YAMLError):  # a sweep of another program may be more than this one knows
        return ()
