"""Whether the fast loop learns as well as Keras' own: `python -m benchmarks.accuracy [--seeds 8]`.

The tutorial's network by Keras' plain `fit` on floats, and `app/model.py` by `app/training/fit.py`, on the same split
with the same seeds. Prints the mean over the last three epochs' validation accuracy, which is less noisy than the last
one, for both, and the paired difference with its standard error; besides, the CPU seconds of both trainings.
"""

import statistics
import time

import click
import keras
import numpy as np

from app import data
from app.config import TrialConfig
from app.training import reproduce
from benchmarks import both_ways, main_job

LAST = 3


@click.command()
@click.option("--seeds", default=8, show_default=True, help="How many seeds, from 1.")
@click.option("--layer1-size", default=128, show_default=True, help="Width of the hidden layer.")
@click.option("--learning-rate", default=0.001, show_default=True, help="Of Adam.")
def main(seeds: int, layer1_size: int, learning_rate: float) -> None:
    """Compare the accuracies that both loops reach."""
    values = {"layer1_size": layer1_size, "learning_rate": learning_rate}
    configs = [TrialConfig.checked(values | {"seed": seed}) for seed in range(1, seeds + 1)]
    splits = data.load(configs[0])
    floats = both_ways.as_floats(splits)
    plain: list[tuple[float, float]] = []
    fast: list[tuple[float, float]] = []
    for config in configs:
        plain.append(trained(both_ways.by_keras, config, floats))
        fast.append(trained(both_ways.ours, config, splits))
        print(f"seed {config.seed}: Keras' fit {plain[-1][0]:.4f}, app/training/fit.py {fast[-1][0]:.4f}", flush=True)
    print(f"\n{main_job.machine()}")
    for name, rows in (("Keras' fit, float64", plain), ("app/training/fit.py", fast)):
        print(f"{name:20} {mean_and_spread([row[0] for row in rows])}, ", end="")
        print(f"{statistics.median(row[1] for row in rows):.1f} CPU s a training")
    differences = [ours[0] - theirs[0] for ours, theirs in zip(fast, plain, strict=True)]
    error = statistics.stdev(differences) / len(differences) ** 0.5
    print(f"paired difference {statistics.mean(differences):+.4f} ± {error:.4f} (standard error, {seeds} seeds)")


def trained(way: both_ways.Way, config: TrialConfig, splits: data.Splits) -> tuple[float, float]:
    """Accuracy and CPU seconds of a training."""
    reproduce.seed(config.seed)
    begin_s = time.process_time()
    return reached(way(config, splits, ())), time.process_time() - begin_s


def reached(history: keras.callbacks.History) -> float:
    """Mean validation accuracy of the last epochs."""
    return float(np.mean(history.history["val_accuracy"][-LAST:]))


def mean_and_spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


if __name__ == "__main__":
    main()
