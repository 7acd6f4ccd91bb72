"""The tutorial's way, its bugs fixed: one process, `wandb.agent(function=...)`, float64 images, Keras' plain `fit`.

Same grid, same split, same metrics and same server as the sweep it is compared with; TensorFlow's own thread settings.
"""

import sys

import keras
import wandb

from app import data
from app.config import TrialConfig

GRID = {
    "method": "grid",
    "name": "tutorial",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"layer1_size": {"values": [32, 64, 96, 128, 256]}},
}


class Log(keras.callbacks.Callback):
    """Logs each epoch under plain names."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        wandb.log({"epoch": epoch + 1, **(logs or {})})


def main(project: str) -> None:
    """Registers the grid and does all of it in this process."""
    splits = data.load(TrialConfig.checked({}))
    (x, y), (x_val, y_val) = splits.train, splits.validation
    x, x_val = x / 255.0, x_val / 255.0

    def train() -> None:
        run = wandb.init(config=TrialConfig.checked({}).model_dump())
        model = keras.Sequential(
            [
                keras.Input((28, 28)),
                keras.layers.Flatten(),
                keras.layers.Dense(run.config.layer1_size, activation="relu"),
                keras.layers.Dropout(run.config.dropout_rate),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        optimizer = keras.optimizers.Adam(learning_rate=run.config.learning_rate)
        model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, epochs=5, batch_size=32, validation_data=(x_val, y_val), callbacks=[Log()], verbose=2)
        run.finish()

    wandb.agent(wandb.sweep(GRID, project=project), function=train)


if __name__ == "__main__":
    main(sys.argv[1])
