"""How near the training comes to bare arithmetic: `python -m benchmarks.floor [--layer1-size 128]`.

The floor is the five matrix products of a step (two forward, three backward) over the whole training part, in the same
batches, by numpy on one core. Beside it stand an epoch of `app/training/fit.py` and one of Keras' plain `fit` on
floats, without their first epochs, as CPU seconds and as multiples of the floor. Runs with one thread whatever the
environment says.
"""

import os
import time

for pool in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[pool] = "1"

import click  # noqa: E402 - numpy and TensorFlow read the above when they start
import keras  # noqa: E402
import numpy as np  # noqa: E402

from app import data  # noqa: E402
from app.config import TrialConfig  # noqa: E402
from app.training import reproduce  # noqa: E402
from benchmarks import both_ways, main_job  # noqa: E402

PIXELS, CLASSES = 784, 10


class Epochs(keras.callbacks.Callback):
    """CPU seconds of each epoch, without its validation."""

    def __init__(self) -> None:
        super().__init__()
        self.took_s: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._begin_s = time.process_time()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self.took_s.append(time.process_time() - self._begin_s)


@click.command()
@click.option("--layer1-size", default=128, show_default=True, help="Width of the hidden layer.")
@click.option("--epochs", default=4, show_default=True, help="Per side; the first is left out.")
@click.option("--bare", is_flag=True, help="Only the products' CPU seconds, as a number.")
def main(layer1_size: int, epochs: int, bare: bool) -> None:
    """Measure an epoch against the arithmetic in it."""
    config = TrialConfig.checked({"layer1_size": layer1_size, "epochs": epochs})
    splits = data.load(config)
    bare_s = min(products(config, len(splits.train[0])) for _ in range(3))
    if bare:
        print(bare_s)
        return
    sides = {
        "app/training/fit.py": epoch_s(both_ways.ours, config, splits),
        "Keras' fit, float64": epoch_s(both_ways.by_keras, config, both_ways.as_floats(splits)),
    }
    print(f"\n{main_job.machine()}, one thread, width {layer1_size}, batches of {config.batch_size}")
    print(f"{'products alone':22}{bare_s:6.2f} CPU s an epoch")
    for name, took_s in sides.items():
        print(f"{name:22}{took_s:6.2f} CPU s an epoch, {took_s / bare_s:.1f} times the floor")


def products(config: TrialConfig, rows: int) -> float:
    """CPU seconds of an epoch's matrix products."""
    random = np.random.default_rng(0)
    x, hidden, out, first, second = (
        random.random(shape, np.float32)
        for shape in (
            (config.batch_size, PIXELS),
            (config.batch_size, config.layer1_size),
            (config.batch_size, CLASSES),
            (PIXELS, config.layer1_size),
            (config.layer1_size, CLASSES),
        )
    )
    begin_s = time.process_time()
    for _ in range(rows // config.batch_size):
        x @ first, hidden @ second, out @ second.T, hidden.T @ out, x.T @ hidden
    return time.process_time() - begin_s


def epoch_s(way: both_ways.Way, config: TrialConfig, splits: data.Splits) -> float:
    """CPU seconds of the cheapest epoch but the first."""
    reproduce.seed(0)
    epochs = Epochs()
    way(config, splits, [epochs])
    return min(epochs.took_s[1:])


if __name__ == "__main__":
    main()
