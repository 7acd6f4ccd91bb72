"""One training, as `bigger_models` starts it: `python -m benchmarks.one_training MODEL (ours | keras) ROWS EPOCHS`.

Prints CPU and wall seconds of the whole training and of an epoch with its validation, the first left out, as JSON.
"""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import keras

from app import data, model
from app.config import TrialConfig
from app.optimizers import fused
from app.training import fit, reproduce
from app.training.fit import Part

BATCH = 64
PER_BATCH = " with a callback per batch"


@dataclass(frozen=True)
class Took:
    """CPU and wall seconds: of all of a training, and the median of its epochs but the first."""

    cpu_s: float
    wall_s: float
    epoch_cpu_s: float
    epoch_wall_s: float


class Clock(keras.callbacks.Callback):
    """What CPU and wall clock say at the start and after each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = [now()]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.seen.append(now())

    def took(self) -> Took:
        (cpu_s, wall_s), *_, (end_cpu_s, end_s) = self.seen
        later = zip(self.seen[1:], self.seen[2:], strict=False)
        epochs = [(after[0] - before[0], after[1] - before[1]) for before, after in later]
        return Took(end_cpu_s - cpu_s, end_s - wall_s, *(statistics.median(each) for each in zip(*epochs, strict=True)))


class PerBatch(keras.callbacks.Callback):
    """Is called after each batch, as a user's may be."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        pass


def now() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


def example() -> keras.Model:
    return model.build(TrialConfig.checked({"learning_rate": 0.001}))


def small_cnn() -> keras.Model:
    """That of `docs/own-model.md`, with 54,000 weights."""
    layers = keras.layers
    return compiled([layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()])


def large_cnn() -> keras.Model:
    """Two convolutions and a wide layer, 2.4 million weights."""
    layers = keras.layers
    convolutions = [layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(64, 3, activation="relu")]
    rest = [layers.MaxPooling2D(), layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dropout(0.5)]
    return compiled([*convolutions, *rest])


def compiled(hidden: Sequence[keras.layers.Layer]) -> keras.Model:
    layers = keras.layers
    images = [keras.Input((28, 28), dtype="uint8"), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    network = keras.Sequential([*images, *hidden, layers.Dense(10, activation="softmax")])
    network.compile(fused(keras.optimizers.Adam(0.001)), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


NETWORKS = {"example": example, "CNN of 54 thousand": small_cnn, "CNN of 2.4 million": large_cnn}
NAMES = [*NETWORKS, *(f"{name}{PER_BATCH}" for name in [*NETWORKS][:2])]


def train(name: str, side: str, rows: int, epochs: int) -> Took:
    """Trains a model of `NAMES` by `app/training/fit.py`, or by Keras' plain `fit` with its own optimizer."""
    reproduce.seed(0)
    splits = data.load(TrialConfig.checked({}))
    network = NETWORKS[name.removesuffix(PER_BATCH)]()
    callbacks = [PerBatch()] if name.endswith(PER_BATCH) else []
    clock = Clock()
    way = ours if side == "ours" else by_keras
    training, validation = part(splits.train, rows), part(splits.validation, rows // 5)
    way(network, training, validation, epochs, [*callbacks, clock])
    return clock.took()


def part(whole: Part, rows: int) -> Part:
    inputs, labels = whole
    return inputs[:rows], labels[:rows]


def ours(
    network: keras.Model, train: Part, validation: Part, epochs: int, callbacks: list[keras.callbacks.Callback]
) -> None:
    fit.fit(network, train, validation, batch_size=BATCH, epochs=epochs, seed=0, callbacks=callbacks)


def by_keras(
    network: keras.Model, train: Part, validation: Part, epochs: int, callbacks: list[keras.callbacks.Callback]
) -> None:
    del network.optimizer.update_step  # Keras' own again
    options = {"batch_size": BATCH, "epochs": epochs, "callbacks": callbacks, "verbose": 2}
    network.fit(*train, validation_data=validation, **options)


if __name__ == "__main__":
    print(json.dumps(asdict(train(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))))
