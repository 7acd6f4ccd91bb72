"""The model that a run keeps: a version of its sweep's artifact, on any backend."""

import math
from pathlib import Path
from typing import Any

import wandb

from app.training import best_model
from app.training.one_line import one_line
from terms import record


def keep(path: Path, run: Any) -> None:
    """Logs a model and waits until it is there; if it is the best of its sweep so far, it gets the alias.

    A backend that takes no artifacts gets it as a file of the run, and a line says so. Of an offline run, `wandb sync`
    brings it.

    Args:
        path: in the run's own folder.
        run: of W&B, with its metrics logged.
    """
    metrics = _metrics(run)
    try:
        version = _log(path, run, metrics)
        if run.offline:
            return
        may_be_best = bool(run.sweep_id) and best_model.may_be(run, metrics)  # while W&B's client uploads
        version.wait()  # it tells nobody else of a refusal
    except Exception as error:
        print(f"The model is kept as a file of the run, not as an artifact: {one_line(error)}")
        run.save(str(path), base_path=run.dir, policy="now", glob=False)
        return
    if may_be_best:
        best_model.settle(run, metrics)


def _log(path: Path, run: Any, metrics: dict[str, float]) -> Any:
    name = record.models(run.sweep_id or run.id)
    metadata = {"run": run.id, "sweep": run.sweep_id, record.METRICS: metrics}
    version = wandb.Artifact(name, record.MODEL_TYPE, metadata=metadata)
    # It is sent from where it lies: W&B's client makes no copy of it, before or after.
    version.add_file(str(path), record.MODEL_FILE, policy="immutable", skip_cache=True)
    return run.log_artifact(version)


def _metrics(run: Any) -> dict[str, float]:
    """The numbers that the run logged last."""
    logged = dict(run.summary)
    return {name: value for name, value in logged.items() if not name.startswith("_") and _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
