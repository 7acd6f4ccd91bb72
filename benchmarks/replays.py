"""How many replays are identical: `python -m benchmarks.replays`. On 2 cores 20 of them take about 7 minutes.

Trains the same points under each of `CONDITIONS`, then replays every run, two at a time. Prints the verdict of each
replay and a count for each condition; exits with 1 unless all are identical.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import click
import wandb
import yaml

from app import data

ROOT = Path(__file__).parents[1]
SIZES = [32, 64, 128, 256]
EPOCHS = 4
REPLAYS_AT_ONCE = 2
NOT_WARM = "not started warm"
WAIT_S = 300


@dataclass(frozen=True)
class Condition:
    """How the runs of a sweep are made.

    Attributes:
        warm: trials start from the warm server, else each in a process of its own.
        stopped: all is stopped in the middle of trials and taken up again, until about each has been.
    """

    agents: int
    warm: bool
    stopped: bool = False

    @property
    def name(self) -> str:
        start = "warm" if self.warm else "cold"
        agents = "1 agent" if self.agents == 1 else f"{self.agents} agents"
        return f"{agents}, {start} start{', stopped and resumed' if self.stopped else ''}"

    @property
    def project(self) -> str:
        return self.name.replace(",", "").replace(" ", "-")


CONDITIONS = (
    Condition(1, warm=False),
    Condition(3, warm=False),
    Condition(1, warm=True),
    Condition(3, warm=True),
    Condition(2, warm=True, stopped=True),
)


class Place:
    """A data directory with a server that runs, and the programs that use it."""

    def __init__(self, folder: Path, points: int, batch_size: int) -> None:
        self.folder, self.points, self.not_warm = folder, points, 0
        fixed = {"epochs": {"value": EPOCHS}, "batch_size": {"value": batch_size}}
        sweep = {
            "method": "grid",
            "parameters": {"layer1_size": {"values": SIZES[:points]}, **fixed},
            "command": ["${env}", "${interpreter}", "-I", "-S", "app/trial.py", "-m", "app.train", "${args}"],
        }
        (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep))
        (folder / "empty.env").touch()

    def start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        """Starts a module with its arguments; its output is to be read."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        places = {"DATA_DIR": self.folder, "ENV_FILE": self.folder / "empty.env", "SWEEP": self.folder / "sweep.yaml"}
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=kept | {name: str(path) for name, path in places.items()} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @contextmanager
    def server(self) -> Iterator[None]:
        process = self.start("server", "--data", str(self.folder / "server"), "--port", "0")
        try:
            wait_for(lambda: (self.folder / "server" / "server.json").exists())
            yield
        finally:
            process.terminate()
            process.wait()

    def train(self, condition: Condition) -> None:
        """Trains all points to their end."""
        variables = {"WARM": str(int(condition.warm)), "WANDB_PROJECT": condition.project}
        for _ in range(ceil(self.points / condition.agents) if condition.stopped else 0):
            up = self.start("app", "up", AGENTS=str(condition.agents), **variables)
            wait_for(self.more_epochs(condition.agents + 1))  # by then each trial has ended one
            up.send_signal(signal.SIGTERM)
            up.communicate()
        up = self.start("app", "up", AGENTS=str(condition.agents), **variables)
        output, _ = up.communicate()
        if up.returncode:
            raise click.ClickException(f"the sweep failed:\n{output}")

    def more_epochs(self, count: int) -> Callable[[], bool]:
        """Gives what says whether so many epochs have ended since then."""
        seen = self.said(" - val_loss: ")
        return lambda: self.said(" - val_loss: ") >= seen + count

    def said(self, text: str) -> int:
        """How often the trials so far have said it."""
        return sum(log.read_text().count(text) for log in (self.folder / "logs").glob("*/agent-*.log"))

    def runs(self, condition: Condition) -> list[str]:
        """The paths of its finished runs."""
        folder = self.folder / "server"
        url, key = json.loads((folder / "server.json").read_text())["url"], (folder / "api-key").read_text().strip()
        api = wandb.Api(overrides={"base_url": url}, api_key=key)
        found = api.runs(f"local/{condition.project}", filters={"state": "finished"})
        return [f"local/{condition.project}/{run.id}" for run in found]

    def replay(self, run: str) -> bool:
        process = self.start("app", "replay", run)
        output, _ = process.communicate()
        self.not_warm += output.count(NOT_WARM)
        verdict = [line for line in output.splitlines() if line.startswith(("identical", "differs"))]
        print(f"{run}: {verdict[0] if verdict else output}", flush=True)
        return process.returncode == 0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise click.ClickException(f"nothing happened for {WAIT_S} s")
        time.sleep(0.1)


@click.command()
@click.option("--points", default=len(SIZES), show_default=True, help="Runs under each condition.")
@click.option("--conditions", default="0,1,2,3,4", show_default=True, help="Which of them, by number.")
@click.option("--batch-size", default=32, show_default=True, help="Of every run; larger ones train sooner.")
def main(points: int, conditions: str, batch_size: int) -> None:
    """Count the replays that are identical."""
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        print(data.prepare({**os.environ, "DATA_DIR": folder}), flush=True)
        place = Place(Path(folder), points, batch_size)
        with place.server(), ThreadPoolExecutor(REPLAYS_AT_ONCE) as pool:
            for condition in (CONDITIONS[int(number)] for number in conditions.split(",")):
                place.train(condition)
                verdicts = list(pool.map(place.replay, place.runs(condition)))
                counts[condition.name] = (sum(verdicts), len(verdicts))
        resumed, not_warm = place.said("Going on after epoch "), place.said(NOT_WARM) + place.not_warm
    for name, (identical, total) in counts.items():
        print(f"{name}: {identical} of {total}")
    print(f"trials that went on from a checkpoint: {resumed}")
    print(f"processes that could not start warm: {not_warm}")
    identical, total = map(sum, zip(*counts.values(), strict=True))
    print(f"{identical} of {total} replays are identical")
    sys.exit(0 if identical == total == points * len(counts) else 1)


if __name__ == "__main__":
    main()
