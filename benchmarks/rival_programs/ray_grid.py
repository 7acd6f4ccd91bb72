"""A sweep's grid by Ray Tune: `python -m benchmarks.rival_programs.ray_grid SWEEP_FILE WORKERS`."""

import sys
from pathlib import Path
from typing import Any

import ray
from ray import tune

from benchmarks.rival_programs import trial


def objective(values: dict[str, Any]) -> dict[str, float]:
    """One trial, in a process of Ray's."""
    return {"val_accuracy": trial.val_accuracy(values)}


def main(sweep: str, workers: str) -> None:
    """Does the whole grid."""
    ray.init(num_cpus=int(workers), include_dashboard=False, log_to_driver=False)
    space = {name: tune.grid_search(values) for name, values in trial.grid(sweep).items()}
    tuner = tune.Tuner(
        tune.with_resources(objective, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(metric="val_accuracy", mode="max"),
        run_config=tune.RunConfig(storage_path=str(Path.cwd()), verbose=0),
    )
    tuner.fit()


if __name__ == "__main__":
    main(*sys.argv[1:])
