"""Sweeps that nobody ran, for reports of any size: one learning rate is good, one diverges, a few runs fail."""

import math
import random
from collections.abc import Mapping
from itertools import product
from typing import Any

from app.commands.report.findings import Facts, Findings
from app.commands.results import Results, RunResult
from charts.learning_curves import LearningCurve

PARAMETERS: dict[str, list[Any]] = {
    "layer1_size": [32, 64, 96, 128, 256],
    "layer1_activation": ["relu", "sigmoid"],
    "dropout_rate": [0.1, 0.2, 0.3, 0.4, 0.5],
    "optimizer": ["adam", "rmsprop"],
    "learning_rate": [0.1, 0.01, 0.001],
}
PROVENANCE = {
    "seed": 1,
    "data_sha256": "41f2" * 16,
    "code_sha256": "9c0a" * 16,
    "git_commit": "3f9c1ab0" * 5,
    "git_dirty": False,
    "packages": {"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6", "wandb": "0.31.0"},
    "python": "3.11.7",
    "device": "a processor",
    "threads": 1,
}


def made_up(runs: int, seed: int = 0, continuous: bool = False, state: str = "FINISHED", **more: Any) -> Findings:
    """A sweep of so many runs; `more` goes into its results."""
    chance = random.Random(seed)
    points = [dict(zip(PARAMETERS, values, strict=True)) for values in product(*PARAMETERS.values())]
    chance.shuffle(points)
    taken = [_random(chance) if continuous or number >= len(points) else points[number] for number in range(runs)]
    made = [_run(number, values, chance) for number, values in enumerate(taken, start=1)]
    facts = {run.id: _facts(run, chance) for run in made}
    results = Results(
        **{
            "path": "local/practice/7f3k2m9q",
            "name": "full_grid #3f9a2c",
            "url": "http://127.0.0.1:8080/local/practice/sweeps/7f3k2m9q",
            "state": state,
            "metric": "val_accuracy",
            "maximize": True,
            "expected": runs,
            "runs": tuple(made),
            **more,
        }
    )
    config = {"method": "grid", "parameters": {name: {"values": values} for name, values in PARAMETERS.items()}}
    best = Findings(results, config, facts).best[:5]
    curves = tuple(LearningCurve(run.name, _curve(run.metric or 0.0, chance)) for run in best)
    return Findings(results, config, facts, curves, "epoch", (1, 3))


def _random(chance: random.Random) -> dict[str, Any]:
    return {
        "layer1_size": 32 * round(2 ** chance.uniform(0, 4)),
        "layer1_activation": chance.choice(PARAMETERS["layer1_activation"]),
        "dropout_rate": chance.uniform(0.1, 0.5),
        "optimizer": chance.choice(PARAMETERS["optimizer"]),
        "learning_rate": 10 ** chance.uniform(-4, -1),
    }


def _run(number: int, values: Mapping[str, Any], chance: random.Random) -> RunResult:
    fate = chance.random()
    if number > 1 and fate < 0.03:
        cause = chance.choice(["out of memory (killed by SIGKILL)", "NaN metric: loss is nan in epoch 2"])
        return RunResult(f"r{number}", f"trial {number}", "failed", values, cause=cause, cause_kind="exception")
    rate = math.log10(values["learning_rate"])
    value = 0.883 - 0.012 * (rate + 3) ** 2 + 0.008 * (values["optimizer"] == "adam") - 0.04 * values["dropout_rate"]
    value += 0.005 * math.log2(values["layer1_size"] / 64) + chance.gauss(0, 0.003)
    if values["learning_rate"] > 0.05 and chance.random() < 0.8:
        value = chance.choice([0.1, 0.3 + 0.2 * chance.random()])
    if value < 0.84 and fate > 0.4:
        early = "stopped early: rank 21 of 30 at epoch 1; 10 go on"
        return RunResult(f"r{number}", f"trial {number}", "killed", values, value - 0.03, 1, early)
    return RunResult(f"r{number}", f"trial {number}", "finished", values, value, 5)


def _facts(run: RunResult, chance: random.Random) -> Facts:
    tested = {"test_accuracy": run.metric - 0.006} if run.metric and run.state == "finished" else {}
    return Facts(
        url=f"http://127.0.0.1:8080/local/practice/runs/{run.id}",
        started="2026-11-20T14:05:09Z",
        took_s=chance.uniform(3, 8),
        summary={"val_accuracy": run.metric, **tested},
        provenance=PROVENANCE,
        values={**run.values, "epochs": 5, "batch_size": 32, "seed": 1},
    )


def _curve(last: float, chance: random.Random) -> list[tuple[float, float]]:
    return [(epoch, last - 0.08 * math.exp(-epoch / 1.2) + chance.gauss(0, 0.001)) for epoch in range(1, 6)]
