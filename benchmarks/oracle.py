"""W&B's engine as a filter, run by the Python of `oracle.sh`: a question a line in, an answer a line out, both JSON.

{"ask": "bayes", "seed": 0, "config": {...}, "runs": [...]} is answered with params, "stop" with the positions of the
runs to stop, "objectives" with objectives, those of the results only, "grid" with all points, and "draw" with the
parameter's value at each of "units".
"""

# The project is checked where none of this is installed.
# mypy: ignore-errors
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from sweeps.bayes_search import _construct_gp_data, bayes_baseline_validate_and_fill
from sweeps.params import HyperParameterSet

from sweeps import RunState, SweepRun, next_run, stop_runs


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answer(question), default=float), flush=True)


def answer(question: dict[str, Any]) -> Any:
    config = question["config"]
    runs = [run(config["metric"]["name"], each) for each in question["runs"]]
    match question["ask"]:
        case "stop":
            stopped = {id(each) for each in stop_runs(config, runs)}
            return [position for position, each in enumerate(runs) if id(each) in stopped]
        case "objectives":
            return list(_construct_gp_data(runs, bayes_baseline_validate_and_fill(config))[3])
        case "grid":
            return list(grid(config))
        case "draw":
            (parameter,) = HyperParameterSet.from_config(config["parameters"])
            return [parameter.ppf(unit) for unit in question["units"]]
    np.random.seed(question["seed"])
    return params(next_run(config, runs))


def grid(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    runs: list[SweepRun] = []
    while (run := next_run(config, runs)) is not None:
        runs.append(run)
        yield params(run)


def params(run: SweepRun) -> dict[str, Any]:
    return {name: each["value"] for name, each in run.config.items()}


def run(metric: str, each: dict[str, Any]) -> SweepRun:
    summary = {} if each.get("summary") is None else {metric: each["summary"]}
    return SweepRun(
        config={name: {"value": value} for name, value in each["params"].items()},
        state=RunState(each["state"]),
        history=[{metric: value} for value in each["history"]],
        summary_metrics=summary,
    )


if __name__ == "__main__":
    main()
