"""The tutorial's way, its bugs fixed: `wandb.agent(function=...)`, float64 images, Keras' plain `fit`.

    python -m benchmarks.tutorial PROJECT SWEEP_FILE [AGENTS]

Same points, split, metrics and server as the sweep it is compared with; TensorFlow's own thread settings unless the
environment sets others. Each further agent is another process that joins the sweep.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import wandb
import yaml

from app import data
from app.config import TrialConfig

OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
JOIN = "--join"


class Log(keras.callbacks.Callback):
    """Logs each epoch under plain names."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        wandb.log({"epoch": epoch + 1, **(logs or {})})


def network(config: TrialConfig) -> keras.Model:
    """The tutorial's network, compiled, for images between 0 and 1."""
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(config.layer1_size, activation=config.layer1_activation),
            keras.layers.Dropout(config.dropout_rate),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = OPTIMIZERS[config.optimizer](learning_rate=config.learning_rate)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def work(path: str) -> None:
    """Does runs of a sweep in this process until none is left."""
    splits = data.load(TrialConfig.checked({}))
    (x, y), validation = splits.train, (splits.validation[0] / 255.0, splits.validation[1])
    x = x / 255.0

    def train() -> None:
        run = wandb.init()
        config = TrialConfig.checked(dict(run.config))
        run.config.update(config.model_dump())
        network(config).fit(
            x, y, epochs=config.epochs, batch_size=32, validation_data=validation, callbacks=[Log()], verbose=2
        )
        run.finish()

    wandb.agent(path, function=train)


def main(project: str, sweep: str, agents: str = "1") -> None:
    """Registers the sweep and does all of it."""
    config: dict[str, Any] = yaml.safe_load(Path(sweep).read_text())
    del config["command"]
    path = f"{wandb.Api().default_entity}/{project}/{wandb.sweep(config, project=project)}"
    # The client's service belongs to this process alone.
    environment = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
    join = [sys.executable, "-m", "benchmarks.tutorial", JOIN, path]
    others = [subprocess.Popen(join, env=environment) for _ in range(int(agents) - 1)]
    work(path)
    sys.exit(max([other.wait() for other in others], default=0))


if __name__ == "__main__":
    work(sys.argv[2]) if sys.argv[1] == JOIN else main(*sys.argv[1:])
