"""Whether larger models gain too, and by which threads: `python -m benchmarks.bigger_models [--rounds 3]`.

The example, the CNN of `docs/own-model.md` and a CNN of 2.4 million weights, each also with a callback that is called
for every batch, by `app/training/fit.py` and by Keras' plain `fit`: the same uint8 images, batches and threads, taking
turns epoch by epoch in one process a round. Prints a table in Markdown: CPU and wall seconds of an epoch with its
validation, the first left out, and of how many times as much Keras' own takes the median over pairs of turns.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import product

import click

from benchmarks import main_job
from benchmarks.one_training import BATCH, NAMES, Seconds

KINDS = ("CPU s an epoch", "wall s an epoch")

Took = dict[str, list[Seconds]]


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How many processes for each model.")
@click.option("--rows", default=3200, show_default=True, help="Images to train with; a fifth as many measure.")
@click.option("--epochs", default=5, show_default=True, help="Of each training.")
@click.option("--threads", default=f"1,{os.cpu_count()}", show_default=True, help="TensorFlow's, of each pool.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="These models; all by default.")
def main(rounds: int, rows: int, epochs: int, threads: str, only: tuple[str, ...]) -> None:
    """Measure models of several sizes by both loops."""
    print(f"{main_job.machine()}; {rows} images, batches of {BATCH}, {rounds} rounds of {epochs} epochs\n")
    print(row("model", "threads", *(cell for kind in KINDS for cell in (kind, "Keras' `fit`", "ratio"))))
    print(row(*["---"] * (2 + 3 * len(KINDS))))
    for name, count in product(only or NAMES, threads.split(",")):
        took = [in_a_process(name, count, rows, epochs) for _ in range(rounds)]
        print(row(name, count, *cells(took)), flush=True)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


def row(*values: str) -> str:
    return f"| {' | '.join(values)} |"


def cells(rounds: list[Took]) -> Iterator[str]:
    """Both sides' seconds and their ratio, kind by kind."""
    for kind in range(len(KINDS)):
        ours, keras = ([epoch[kind] for took in rounds for epoch in took[side][1:]] for side in ("ours", "keras"))
        ratios = [theirs / own for own, theirs in zip(ours, keras, strict=True)]
        yield from map(spread, (ours, keras, ratios))


def spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def pools(threads: str) -> dict[str, str]:
    return dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), threads)


def in_a_process(name: str, threads: str, rows: int, epochs: int) -> Took:
    """One training by each side; its threads are settled when TensorFlow starts."""
    command = [sys.executable, "-m", "benchmarks.one_training", name, str(rows), str(epochs)]
    environment = os.environ | pools(threads) | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{name} failed:\n{done.stderr[-2000:]}")
    took: Took = json.loads(done.stdout.splitlines()[-1])
    return took


if __name__ == "__main__":
    main()
