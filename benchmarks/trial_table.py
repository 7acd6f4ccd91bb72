"""Records short trials of this trainer: `python -m benchmarks.trial_table --trials 300 > benchmarks/trials.csv`.

One row a trial, in this process: the model of `app/model.py`, one epoch on 10,000 images of the training part, with
values drawn at random from `trials.yaml`; `error` is the fraction of 5,000 validation images that it gets wrong.
`regret` turns the table into a function of the parameters.
"""

import csv
import sys
from pathlib import Path
from typing import Any

import click
import keras

from app import data, model
from app.config import TrialConfig
from search.config import parse
from search.suggest import suggest

TRAIN_IMAGES = 10_000
VALIDATION_IMAGES = 5_000
SWEEP = Path(__file__).with_name("trials.yaml")


@click.command()
@click.option("--trials", default=300, show_default=True, help="How many trials to record.")
@click.option("--seed", default=0, show_default=True, help="Decides which.")
def main(trials: int, seed: int) -> None:
    """Print a table of short trials as CSV."""
    config, splits = parse(SWEEP.read_text()), data.load(TrialConfig.checked({}))
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow([path[-1] for path in config.space] + ["error"])
    for index in range(trials):
        params = suggest(config, index, seed) or {}
        table.writerow([*params.values(), round(error(params, index, splits), 4)])
        sys.stdout.flush()


def error(params: dict[str, Any], seed: int, splits: data.Splits) -> float:
    keras.utils.set_random_seed(seed)
    keras.backend.clear_session()
    network = model.build(TrialConfig.checked(params))
    images, labels = (array[:TRAIN_IMAGES] for array in splits.train)
    network.fit(images, labels, batch_size=params["batch_size"], verbose=0)
    images, labels = (array[:VALIDATION_IMAGES] for array in splits.validation)
    return 1 - float(network.evaluate(images, labels, batch_size=1000, verbose=0)[1])


if __name__ == "__main__":
    main()
