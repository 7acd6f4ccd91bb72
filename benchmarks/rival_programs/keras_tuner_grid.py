"""A sweep's grid by KerasTuner's GridSearch: `python -m benchmarks.rival_programs.keras_tuner_grid SWEEP_FILE`.

In one process: its parallel mode wants a chief and workers that are started by hand.
"""

import sys
from pathlib import Path
from typing import Any

import keras_tuner

from app.config import TrialConfig
from benchmarks.rival_programs import trial


def main(sweep: str, workers: str = "1") -> None:
    """Does the whole grid."""
    space, config = trial.grid(sweep), TrialConfig.checked({})

    def build(chosen: keras_tuner.HyperParameters) -> Any:
        return trial.build({name: chosen.Choice(name, space[name]) for name in space})

    tuner = keras_tuner.GridSearch(
        build, objective="val_accuracy", directory=Path.cwd(), project_name="keras_tuner", seed=0
    )
    train, validation = trial.splits()
    tuner.search(*train, epochs=config.epochs, batch_size=config.batch_size, validation_data=validation, verbose=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
