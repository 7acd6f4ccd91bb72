"""A sweep's grid by Optuna's GridSampler: `python -m benchmarks.rival_programs.optuna_grid SWEEP_FILE WORKERS`.

Workers are processes that share a study in a SQLite file, as Optuna's documentation advises for Keras.
"""

import subprocess
import sys

import optuna

from benchmarks.rival_programs import trial

STUDY, STORAGE = "grid", "sqlite:///optuna.db"


def main(sweep: str, workers: str, role: str = "first") -> None:
    """Does the whole grid."""
    space = trial.grid(sweep)

    def objective(suggested: optuna.Trial) -> float:
        return trial.val_accuracy({name: suggested.suggest_categorical(name, space[name]) for name in space})

    sampler = optuna.samplers.GridSampler(space, seed=0)
    study = optuna.create_study(
        study_name=STUDY, storage=STORAGE, sampler=sampler, direction="maximize", load_if_exists=True
    )
    join = [sys.executable, "-m", "benchmarks.rival_programs.optuna_grid", sweep, workers, "join"]
    others = [subprocess.Popen(join) for _ in range(int(workers) - 1)] if role == "first" else []
    study.optimize(objective)
    sys.exit(max([other.wait() for other in others], default=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
