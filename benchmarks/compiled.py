"""Whether compiled steps learn as well as others: `python -m benchmarks.compiled [--seeds 10] [--kept FILE]`.

The twenty points of `sweeps/random.yaml`, each trained without XLA and with it from the same seed. Prints the mean
difference of the validation accuracy (mean of the last three epochs, as `accuracy` has it) with its 95 % interval, and
the CPU seconds of both. What is done is kept in a file, with which a later call goes on.
"""

import csv
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from app import data, model, settings
from app.config import TrialConfig
from app.machine import device
from app.training import fit, reproduce
from benchmarks import accuracy, main_job
from search.config import parse
from search.suggest import suggest

SWEEP = Path("sweeps/random.yaml")
POINTS = 20


class Pair(NamedTuple):
    """One point from one seed: accuracies and CPU seconds, without XLA and with it."""

    seed: int
    point: int
    plain: float
    compiled: float
    plain_s: float
    compiled_s: float


@click.command()
@click.option("--seeds", default=10, show_default=True, help="How many seeds, from 1.")
@click.option(
    "--kept", default="compiled.csv", show_default=True, type=click.Path(path_type=Path), help="Pairs so far."
)
def main(seeds: int, kept: Path) -> None:
    """Compare the accuracies that steps reach with XLA and without."""
    pairs = list(_read(kept))
    done = {(pair.seed, pair.point) for pair in pairs}
    device.acquire(settings.read(os.environ, {}), os.environ, TrialConfig.most_threads)
    splits = data.load(TrialConfig.checked({}))
    for seed, point in ((seed, point) for seed in range(1, seeds + 1) for point in range(POINTS)):
        if (seed, point) not in done:
            pairs.append(_pair(seed, point, splits))
            with kept.open("a") as file:
                csv.writer(file, lineterminator="\n").writerow(pairs[-1])
    print(f"\n{main_job.machine()}")
    _tell(pairs)


def _read(kept: Path) -> Iterator[Pair]:
    for row in csv.reader(kept.open()) if kept.exists() else ():
        yield Pair(int(row[0]), int(row[1]), *map(float, row[2:]))


def _pair(seed: int, point: int, splits: data.Splits) -> Pair:
    values = suggest(parse(SWEEP.read_text()), point, 0) or {}
    config = TrialConfig.checked({**values, "seed": seed})
    (plain, plain_s), (compiled, compiled_s) = (_trained(config, splits, xla) for xla in (False, True))
    return Pair(seed, point, plain, compiled, plain_s, compiled_s)


def _trained(config: TrialConfig, splits: data.Splits, xla: bool) -> tuple[float, float]:
    reproduce.seed(config.seed)
    begin_s = time.process_time()
    network = model.build(config)
    network.jit_compile = xla
    history = fit.fit(
        *(network, splits.train, splits.validation),
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=config.seed,
    )
    return accuracy.reached(history), time.process_time() - begin_s


def _tell(pairs: list[Pair]) -> None:
    differences = [pair.compiled - pair.plain for pair in pairs]
    mean, error = statistics.mean(differences), statistics.stdev(differences) / len(differences) ** 0.5
    low, high = mean - 1.96 * error, mean + 1.96 * error
    print(f"{len(pairs)} pairs: compiled minus plain {mean:+.4f} ± {error:.4f}, 95 % from {low:+.4f} to {high:+.4f}")
    plain_s, compiled_s = (statistics.median(getattr(pair, name) for pair in pairs) for name in Pair._fields[-2:])
    print(f"CPU s a training, median: {plain_s:.1f} plain, {compiled_s:.1f} compiled, its program made each time")


if __name__ == "__main__":
    main()
