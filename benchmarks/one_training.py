"""One model by both loops, as `bigger_models` starts it: `python -m benchmarks.one_training MODEL ROWS EPOCHS`.

Both train in one process and take turns, an epoch each, so that what else the machine does meets both. Prints the CPU
and wall seconds of their epochs with validation as JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

import keras

from app import data, model
from app.config import TrialConfig
from app.data import Splits
from app.optimizers import fused
from app.training import fit, reproduce
from app.training.fit import Part

BATCH = 64
PER_BATCH = " with a callback per batch"

Seconds = tuple[float, float]  # of CPU, and of the clock on the wall
Way = Callable[[keras.Model, Part, Part, int, list[keras.callbacks.Callback]], None]


class Turns(keras.callbacks.Callback):
    """Takes a turn for each epoch, and keeps what it took; the first has the start of the training in it."""

    def __init__(self, own: Semaphore, other: Semaphore) -> None:
        super().__init__()
        self._own, self._other = own, other
        self.took: list[Seconds] = []

    def __enter__(self) -> "Turns":
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._other.release()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.took.append((time.process_time() - self._cpu_s, time.monotonic() - self._wall_s))
        self._other.release()
        self._begin()

    def _begin(self) -> None:
        self._own.acquire()
        self._cpu_s, self._wall_s = time.process_time(), time.monotonic()


class PerBatch(keras.callbacks.Callback):
    """Is called after each batch, as a user's may be."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        pass


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


def dense() -> keras.Model:
    """Two wide layers, 1.9 million weights, where taking an optimizer's step is as much as learning from a batch."""
    layers = keras.layers
    return compiled([layers.Flatten(), *(layers.Dense(1024, activation="relu") for _ in range(2))])


def compiled(hidden: Sequence[keras.layers.Layer]) -> keras.Model:
    layers = keras.layers
    images = [keras.Input((28, 28), dtype="uint8"), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    network = keras.Sequential([*images, *hidden, layers.Dense(10, activation="softmax")])
    network.compile(fused(keras.optimizers.Adam(0.001)), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


NETWORKS = {
    "example": example,
    "CNN of 54 thousand": small_cnn,
    "CNN of 2.4 million": large_cnn,
    "dense, 1.9 million": dense,
}
NAMES = [*NETWORKS, *(f"{name}{PER_BATCH}" for name in NETWORKS)]


def in_turn(name: str, rows: int, epochs: int) -> dict[str, list[Seconds]]:
    """Trains a model of `NAMES` by `app/training/fit.py`, and by Keras' plain `fit` with its own optimizer."""
    reproduce.seed(0)
    splits = data.load(TrialConfig.checked({}))
    first, second = Semaphore(1), Semaphore(0)
    sides: dict[str, tuple[Way, Turns]] = {
        "ours": (ours, Turns(first, second)),
        "keras": (by_keras, Turns(second, first)),
    }
    with ThreadPoolExecutor() as threads:
        done = {side: threads.submit(train, name, *each, splits, rows, epochs) for side, each in sides.items()}
        return {side: each.result() for side, each in done.items()}


def train(name: str, way: Way, turns: Turns, splits: Splits, rows: int, epochs: int) -> list[Seconds]:
    with turns:
        network = NETWORKS[name.removesuffix(PER_BATCH)]()
        callbacks = [PerBatch()] if name.endswith(PER_BATCH) else []
        training, validation = part(splits.train, rows), part(splits.validation, rows // 5)
        way(network, training, validation, epochs, [*callbacks, turns])
    return turns.took


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
    print(json.dumps(in_turn(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
