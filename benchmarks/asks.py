"""What a suggestion costs: `python -m benchmarks.asks` prints milliseconds of CPU time, half a minute in all.

Bayesian search is asked with 1,000 ended runs and 8 in flight, grid and random search with 10,000 runs, each in a fresh
process that keeps its linear algebra to one thread, as the server's does. Ended runs have values from random search.
"""

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

from search.config import parse
from search.evidence import Run
from search.suggest import suggest
from server.bayes_worker import BLAS_THREADS

PARAMETERS = {
    "layer1_size": {"distribution": "q_log_uniform_values", "min": 8, "max": 512, "q": 8},
    "activation": {"values": ["relu", "sigmoid", "tanh"]},
    "dropout_rate": {"min": 0.0, "max": 0.8},
    "optimizer": {"values": ["adam", "rmsprop"]},
    "learning_rate": {"distribution": "log_uniform_values", "min": 0.0001, "max": 0.1},
    "layers": {"min": 1, "max": 8},
}
IN_FLIGHT = 8
POINTS = {name: {"values": list(range(6))} for name in "abcdef"}


class Case(NamedTuple):
    """A search with its runs, how often to ask it, and the CPU time within which an answer is due."""

    method: str
    runs: int
    asks: int
    limit_ms: float


CASES = (Case("bayes", 1_000, 20, 100), Case("grid", 10_000, 1_000, 1), Case("random", 10_000, 1_000, 1))


def main() -> None:
    """Print the cost of a suggestion for each kind of search."""
    # Read by the linear algebra of the processes below when they load it.
    os.environ.update(dict.fromkeys(BLAS_THREADS, "1"))
    print(f"{'search':<8}{'runs':>8}{'first, ms':>11}{'mean, ms':>11}{'most, ms':>11}{'limit, ms':>11}")
    for case in CASES:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            costs_ms = process.submit(measured, case).result()
        mean_ms = sum(costs_ms) / len(costs_ms)
        row = "".join(f"{each:>11.3f}" for each in (costs_ms[0], mean_ms, max(costs_ms), case.limit_ms))
        print(f"{case.method:<8}{case.runs:>8}{row}", flush=True)


def measured(case: Case) -> list[float]:
    """Milliseconds of CPU time of each ask; loading numpy and scipy is left out, as it is paid once a server."""
    config = parse(json.dumps({"method": case.method, "metric": {"name": "loss"}, "parameters": searched(case)}))
    runs = so_far(case.runs)
    suggest(config, 0, 0, runs[:20])
    costs_ms = []
    for number in range(case.asks):
        begin_s = time.process_time()
        suggest(config, case.runs + number, 0, runs)
        costs_ms.append((time.process_time() - begin_s) * 1000)
    return costs_ms


def searched(case: Case) -> object:
    return POINTS if case.method == "grid" else PARAMETERS


def so_far(count: int) -> list[Run]:
    """Runs with values drawn at random, the last few without a result yet."""
    config = parse(json.dumps({"method": "random", "parameters": PARAMETERS}))
    points = [suggest(config, index, 1) or {} for index in range(count)]
    finished = [Run(each, "finished", (loss(each),)) for each in points[:-IN_FLIGHT]]
    return [*finished, *(Run(each, "running") for each in points[-IN_FLIGHT:])]


def loss(params: dict[str, Any]) -> float:
    return float(abs(params["dropout_rate"] - 0.2) + params["layers"] / 100 + params["learning_rate"])


if __name__ == "__main__":
    main()
