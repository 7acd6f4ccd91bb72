"""Sweeps of every size, filled as W&B programs would fill them, with no program to wait for."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.server.speaker import Speaker

PROJECT = "p"
METRIC = "val_accuracy"
EPOCHS = 4
BRACKET = 2
SPACE: dict[str, Any] = {
    "learning_rate": {"distribution": "log_uniform_values", "min": 0.0001, "max": 0.1},
    "dropout": {"min": 0.1, "max": 0.5},
    "units": {"values": [32, 64, 128, 256]},
    "optimizer": {"values": ["adam", "rmsprop"]},
    "epochs": {"value": EPOCHS},
}
CAUSES = ("ValueError: units must be even", "MemoryError", "NaN metric: loss is nan in epoch 2")


@dataclass(frozen=True)
class Filled:
    """The names of sweeps.

    Attributes:
        none: registered, no run yet.
        few: five runs, one of which failed; it is over.
        under_way: five runs, one of which runs.
        many: sixty runs with failures and early stops; it is over.
    """

    none: str
    few: str
    under_way: str
    many: str


def fill_all(program: Speaker) -> Filled:
    none, few, under_way, many = (register(program, cap) for cap in (3, 5, 20, 60))
    carry_out(program, few, program.agent(few), 5)
    agent = program.agent(under_way)
    carry_out(program, under_way, agent, 4)
    _begin(program, under_way, agent)
    carry_out(program, many, program.agent(many), 60)
    return Filled(none, few, under_way, many)


def page_of(sweep: str) -> str:
    return f"/local/{PROJECT}/sweeps/{sweep}"


def path_of(sweep: str) -> str:
    """For `wandb.Api().sweep`."""
    return f"local/{PROJECT}/{sweep}"


def accuracy(params: dict[str, Any]) -> float:
    rate, dropout = math.log10(params["learning_rate"]), float(params["dropout"])
    gain = 0.02 if params["optimizer"] == "adam" else 0
    return 0.9 - 0.05 * (rate + 2.5) ** 2 - 0.1 * dropout + gain


def register(program: Speaker, cap: int) -> str:
    """A random sweep of at most so many runs."""
    document = {
        "name": f"made of {cap}",
        "method": "random",
        "metric": {"name": METRIC, "goal": "maximize"},
        "parameters": SPACE,
        "run_cap": cap,
        "early_terminate": {"type": "hyperband", "min_iter": BRACKET, "eta": 2},
        "x-sweep": {"retries": 0, "seed": 7},
    }
    return program.register(document, PROJECT)


def carry_out(program: Speaker, sweep: str, agent: str, runs: int) -> None:
    """Carries out runs, every ninth of which fails."""
    for number in range(runs):
        run, params = _begin(program, sweep, agent)
        if number % 9 == 2:
            _end(program, run, 1, {"_cause": CAUSES[number // 9 % len(CAUSES)]})
        else:
            _log(program, run, accuracy(params))


def _begin(program: Speaker, sweep: str, agent: str) -> tuple[str, dict[str, Any]]:
    command = program.beat(agent)
    assert command is not None
    run = str(command["run_id"])
    program.begin(run, sweep)
    return run, {name: each["value"] for name, each in command["args"].items()}


def _log(program: Speaker, run: str, last: float) -> None:
    """Logs up to the bracket, and the rest if the server lets the run go on."""
    rows = [{"_step": epoch - 1, "epoch": epoch, METRIC: last - 0.2 / epoch + 0.05} for epoch in range(1, EPOCHS + 1)]
    stopped = program.log(run, 0, *rows[:BRACKET]).json()
    if stopped:
        _end(program, run, 255, rows[BRACKET - 1])
    else:
        _end(program, run, 0, rows[-1], rows[BRACKET:])


def _end(program: Speaker, run: str, code: int, summary: dict[str, Any], rows: Sequence[dict[str, Any]] = ()) -> None:
    """The last request of a run."""
    files = {
        "wandb-history.jsonl": {"offset": BRACKET, "content": [json.dumps(row) for row in rows]},
        "wandb-summary.json": {"offset": 0, "content": [json.dumps(summary)]},
    }
    program.stream(run, files=files, complete=True, exitcode=code)
