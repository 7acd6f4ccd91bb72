"""Which of a sweep's models is the best so far: the version that has the alias.

Trials end at once, and no backend compares before it moves an alias. So a trial looks at all versions once its own is
there, gives the alias to the best of them, and looks again until it finds it there. The last one to give it away then
looks after every version that came before, and each that comes later looks for itself.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import wandb

from app.training.one_line import one_line
from terms import record, states

LOOKS = 20  # each but the first is there because another trial has moved the alias in between


def may_be(run: Any, metrics: Mapping[str, float]) -> bool:
    """Whether a run's model may be the best: False only if the one that has the alias is as good. One request.

    Args:
        run: of a sweep.
        metrics: that it logged last.
    """
    try:
        best = wandb.Api().artifact(f"{_models(run)}:{record.BEST}", type=record.MODEL_TYPE)
    except Exception:  # there is none yet; whatever else it may be, `settle` meets it too
        return True
    goal = best.metadata.get(record.BEST_BY)
    theirs = _score(best.metadata.get(record.METRICS), goal)
    own = _score(metrics, goal)
    return theirs is None or (own is not None and own > theirs)


def settle(run: Any, metrics: Mapping[str, float]) -> None:
    """Gives the alias to the best version that the sweep of a run has. If that fails, a line says so.

    Of equals it is the one that came first. Versions of runs that failed, were given up or stopped have no claim.

    Args:
        run: whose version is there.
        metrics: that it logged last; without the sweep's among them it leaves the alias alone.
    """
    try:
        _settle(wandb.Api(), run, metrics)
    except Exception as error:
        print(f"The model is kept; whether it is the best of its sweep could not be settled: {one_line(error)}")


def _settle(api: Any, run: Any, metrics: Mapping[str, float]) -> None:
    goal = api.sweep(f"{run.entity}/{run.project}/{run.sweep_id}").config.get("metric")
    if _score(metrics, goal) is None:
        return
    for _ in range(LOOKS):
        best = _best(api, _models(run), goal)
        if best is None or record.BEST in best.aliases:
            return
        best.metadata[record.BEST_BY] = goal
        best.aliases.append(record.BEST)
        best.save()


def _models(run: Any) -> str:
    return f"{run.entity}/{run.project}/{record.models(run.sweep_id)}"


def _best(api: Any, models: str, goal: Any) -> Any | None:
    in_order = sorted(api.artifacts(record.MODEL_TYPE, models), key=_number)
    scores = [(_score(version.metadata.get(record.METRICS), goal), version) for version in in_order]
    ranked = sorted((pair for pair in scores if pair[0] is not None), key=itemgetter(0), reverse=True)
    return next((version for _, version in ranked if _has_claim(version)), None)


def _number(version: Any) -> int:
    return int(version.version.removeprefix("v"))


def _score(metrics: Any, goal: Any) -> float | None:
    """The value of a sweep's metric, larger is better; None if there is none, or no metric."""
    try:
        value = float(metrics[goal["name"]])
    except (KeyError, TypeError, ValueError):
        return None
    return value if goal.get("goal") == "maximize" else -value


def _has_claim(version: Any) -> bool:
    run = version.logged_by()
    return run is not None and run.state in (states.RUNNING, states.FINISHED)
