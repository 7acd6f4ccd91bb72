"""Whether larger models gain too, and by which threads: `python -m benchmarks.bigger_models [--rounds 3]`.

The example, the CNN of `docs/own-model.md`, a CNN of 2.4 million weights, and the two small ones with a callback that
is called for every batch, by `app/training/fit.py` and by Keras' plain `fit`: the same uint8 images, batches and
threads, each training in a process of its own, the sides alternating. Prints a table in Markdown: CPU and wall
seconds of an epoch with its validation, the first left out, and how many times as much Keras' own takes.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product

import click

from benchmarks import main_job
from benchmarks.one_training import BATCH, NAMES, Took

SIDES = ("ours", "keras")
COLUMNS = ("CPU s an epoch", "wall s an epoch", "wall s, whole")
KINDS = ("epoch_cpu_s", "epoch_wall_s", "wall_s")


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each side is run.")
@click.option("--rows", default=6400, show_default=True, help="Images to train with; a fifth as many measure.")
@click.option("--epochs", default=4, show_default=True, help="Of each training.")
@click.option("--threads", default=f"1,{os.cpu_count()}", show_default=True, help="TensorFlow's, of each pool.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="These models; all by default.")
def main(rounds: int, rows: int, epochs: int, threads: str, only: tuple[str, ...]) -> None:
    """Measure models of several sizes by both loops."""
    print(f"{main_job.machine()}; {rows} images, batches of {BATCH}, medians of {rounds} (smallest to largest)\n")
    print(row("model", "threads", *(cell for each in COLUMNS for cell in (each, "Keras' `fit`", "ratio"))))
    print(row(*["---"] * (2 + 3 * len(COLUMNS))))
    for name, count in product(only or NAMES, threads.split(",")):
        took: dict[str, list[Took]] = {side: [] for side in SIDES}
        for _, side in product(range(rounds), SIDES):
            took[side].append(in_a_process(name, side, count, rows, epochs))
        print(row(name, count, *cells(took)), flush=True)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


def row(*values: str) -> str:
    return f"| {' | '.join(values)} |"


def cells(took: dict[str, list[Took]]) -> Iterator[str]:
    """Both sides' seconds and their ratio, kind by kind."""
    for kind in KINDS:
        ours, keras = ([getattr(each, kind) for each in took[side]] for side in SIDES)
        yield from (spread(ours), spread(keras), f"{statistics.median(keras) / statistics.median(ours):.2f}")


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def in_a_process(name: str, side: str, threads: str, rows: int, epochs: int) -> Took:
    """One training; its threads are settled when TensorFlow starts."""
    pools = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), threads)
    command = [sys.executable, "-m", "benchmarks.one_training", name, side, str(rows), str(epochs)]
    environment = os.environ | pools | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{name} by {side} failed:\n{done.stderr[-2000:]}")
    return Took(**json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
