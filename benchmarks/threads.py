"""Whether larger models should share the cores by trials or by threads: `python -m benchmarks.threads [--rounds 8]`.

As many trials at once as there are cores, each with one thread of TensorFlow's, against one with a thread a core, and
one with one, that train as many epochs: the same work, the ways alternating. Prints a table in Markdown: CPU and wall
seconds of a round, and how many times as much as the trials at once the trial with all threads takes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

import click
import keras

from app import data
from app.config import TrialConfig
from app.training import reproduce
from benchmarks import main_job
from benchmarks.bigger_models import pools, row, spread
from benchmarks.one_training import NETWORKS, ours, part

Seconds = tuple[float, float]  # of CPU, and of the clock on the wall


class Asked(keras.callbacks.Callback):
    """Trains an epoch for each line of the standard input, and tells the CPU seconds that all have taken so far."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        print(f"\n{time.process_time()}", flush=True)
        self.model.stop_training = not sys.stdin.readline()


class Trial:
    """A process that trains a model, an epoch when it is asked."""

    def __init__(self, model: str, rows: int, threads: int) -> None:
        command = [sys.executable, "-m", "benchmarks.threads", "--trial", model, "--rows", str(rows)]
        environment = os.environ | pools(str(threads)) | {"TF_CPP_MIN_LOG_LEVEL": "2"}
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, env=environment, text=True, **options)  # type: ignore[call-overload]
        self._cpu_s = self._told()

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self) -> None:
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def cpu_s(self) -> float:
        """Waits for the epoch that was asked for, and returns what it took."""
        before, self._cpu_s = self._cpu_s, self._told()
        return self._cpu_s - before

    def _told(self) -> float:
        for line in self._process.stdout:
            if line.strip().replace(".", "").isdigit():
                return float(line)
        raise click.ClickException("a trial failed")


@click.command()
@click.option("--rounds", default=8, show_default=True)
@click.option("--rows", default=640, show_default=True, help="Images to train with; a fifth as many measure.")
@click.option("--only", multiple=True, type=click.Choice([*NETWORKS]), help="These models; all by default.")
@click.option("--trial", hidden=True)
def main(rounds: int, rows: int, only: tuple[str, ...], trial: str | None) -> None:
    """Compare trials at once with threads in one trial."""
    if trial:
        train(trial, rows)
        return
    cores = os.cpu_count() or 1
    print(f"{main_job.machine()}; {cores} epochs of {rows} images a round, {rounds} rounds\n")
    print(row("model", "", f"{cores} trials, 1 thread each", f"1 trial, {cores} threads", "1 trial, 1 thread", "ratio"))
    print(row(*["---"] * 6))
    for model in only or NETWORKS:
        took = compared(model, rows, cores, rounds)
        for kind, name in enumerate(("CPU s", "wall s")):
            ways = [[a_round[kind] for a_round in way] for way in zip(*took, strict=True)]
            ratios = [threads / trials for trials, threads in zip(*ways[:2], strict=True)]
            print(row(model, name, *map(spread, (*ways, ratios))), flush=True)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


def train(model: str, rows: int) -> None:
    reproduce.seed(0)
    splits = data.load(TrialConfig.checked({}))
    training, validation = part(splits.train, rows), part(splits.validation, rows // 5)
    ours(NETWORKS[model](), training, validation, 10**6, [Asked()])


def compared(model: str, rows: int, cores: int, rounds: int) -> list[list[Seconds]]:
    """What each round takes with a trial a core, with a thread a core, and with one of each."""
    with ExitStack() as running:
        alone, *others = [running.enter_context(Trial(model, rows, 1)) for _ in range(cores)]
        threaded = running.enter_context(Trial(model, rows, cores))
        ways = [[[alone, *others]], [[threaded]] * cores, [[alone]] * cores]
        return [[a_round(way) for way in ways] for _ in range(rounds)]


def a_round(groups: Sequence[Sequence[Trial]]) -> Seconds:
    """Has groups of trials train an epoch one after the other, those of a group at once."""
    began_s, cpu_s = time.monotonic(), 0.0
    for trials in groups:
        for trial in trials:
            trial.ask()
        cpu_s += sum(trial.cpu_s() for trial in trials)
    return cpu_s, time.monotonic() - began_s


if __name__ == "__main__":
    main()
