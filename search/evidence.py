"""What a search and early termination see of a sweep's runs, and the objective that W&B's rules give each of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.schema import Metric
from terms import states


@dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes:
        params: the values that it was given, nested as the sweep's parameters are.
        state: one of `terms.states.RUN_STATES`.
        history: the metric's values in the order in which they were logged; NaN and infinities count as not logged.
        summary: the metric's value in the run's summary, if there is one.
    """

    params: dict[str, Any]
    state: str
    history: tuple[float, ...] = ()
    summary: float | None = None


@dataclass(frozen=True)
class Evidence:
    """A sweep's runs as its search takes them.

    Attributes:
        results: runs with their objective, the metric signed so that smaller is better; in the order of the runs.
        in_flight: runs of which only the point is known.
    """

    results: list[tuple[Run, float]] = field(default_factory=list)
    in_flight: list[Run] = field(default_factory=list)


def finite(values: Iterable[float]) -> list[float]:
    """The values that count: neither NaN nor infinite."""
    return [value for value in values if math.isfinite(value)]


def condensed(values: Iterable[float]) -> tuple[float, ...]:
    """The lowest, the highest and the last value that counts: as a run's history the same evidence as all of them."""
    logged = finite(values)
    return (min(logged), max(logged), logged[-1]) if logged else ()


def needs_history(metric: Metric, state: str) -> bool:
    """Whether it makes a difference what a run in this state has logged."""
    return state in states.ENDED or (state == states.RUNNING and metric.impute_while_running != "false")


def evidence(metric: Metric, runs: Sequence[Run]) -> Evidence:
    """Gives each run its objective by `metric.impute` and `metric.impute_while_running`.

    A finished run's is the best value that it ever logged. A failed, crashed or killed run's is, by `impute`, the worst
    value of any ended run, or its own best or latest. Others are in flight, running ones unless `impute_while_running`
    says what they count for: their best so far.

    Where W&B's engine takes 0.0, since a run that counts for its own values has none, the worst value of any ended run
    is taken, as a 0.0 would pass for a perfect loss; where there is none either, only the run's point is known.

    Source: W&B's package `sweeps` 0.3.0, `bayes_search._construct_gp_data`.
    """
    sign = -1.0 if metric.goal == "maximize" else 1.0
    logged = [[sign * value for value in _logged(run)] for run in runs]
    ended = [values for run, values in zip(runs, logged, strict=True) if run.state in states.ENDED]
    worst = max((max(values) for values in ended if values), default=None)
    seen = Evidence()
    for run, values in zip(runs, logged, strict=True):
        latest = sign * history[-1] if (history := finite(run.history)) else None
        objective = _objective(metric, run.state, min(values, default=None), latest, worst)
        if objective is None:
            seen.in_flight.append(run)
        else:
            seen.results.append((run, objective))
    return seen


def _logged(run: Run) -> list[float]:
    return finite(run.history if run.summary is None else (*run.history, run.summary))


def _objective(
    metric: Metric, state: str, best: float | None, latest: float | None, worst: float | None
) -> float | None:
    match state:
        case states.FINISHED:
            own = latest if best is None and metric.impute == "latest" else best
        case states.FAILED | states.CRASHED | states.KILLED:
            own = {"best": best, "latest": latest, "worst": None}[metric.impute]
        case states.RUNNING if metric.impute_while_running != "false":
            own = best
        case _:
            return None
    return worst if own is None else own
