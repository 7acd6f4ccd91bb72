"""How good the Bayesian search is, with W&B's engine beside it after `oracle.sh`:

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.regret

For each function and number of agents, 60 evaluations with each of 20 seeds; from them the regret, which is how far the
true value of the point that looked best lies above the minimum, where 1 is the mean of the space and 0 the minimum. It
all takes half an hour of one core. The functions:

branin, hartmann6: the usual ones, in 2 and 6 dimensions.
trials: this trainer's own validation error after an epoch, from `trials.csv` (see `trial_table`), by the five nearest
recorded trials. Its minimum is the lowest value of 20,000 random points.
"""

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
import yaml
from numpy.typing import NDArray

from search import bayes
from search.config import SweepConfig, parse
from search.encoding import Encoding
from search.evidence import Run
from search.suggest import suggest

HERE = Path(__file__).parent
ORACLE = HERE / ".oracle" / "bin" / "python"
OURS, WANDB = "this engine", "W&B's engine"
EVALUATIONS = 60
NEAREST = 5

Params = dict[str, Any]
Engine = Callable[[SweepConfig, int, int, list[Run]], Params]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """A function to minimise.

    Attributes:
        config: its space.
        value: the function.
        least: its minimum.
        mean: over the space.
        noise: standard deviation of an observation of it, where there is to be noise.
    """

    config: SweepConfig
    value: Callable[[Params], float]
    least: float
    mean: float
    noise: float


@click.command()
@click.option("--seeds", default=20, show_default=True)
@click.option("--functions", default="branin,hartmann6,trials", show_default=True)
@click.option("--agents", default="1,4", show_default=True)
@click.option("--noise", default="noisy,exact", show_default=True, help="Whether an observation has noise.")
@click.option("--first-seed", default=0, show_default=True, help="To tune by other seeds than those reported.")
def main(seeds: int, functions: str, agents: str, noise: str, first_seed: int) -> None:
    """Print regrets, ours beside W&B's."""
    print(f"{'function':<17}{'agents':>7}{'':3}{'engine':<15}{'mean':>9}{'median':>9}{'ms/ask':>8}  against W&B's")
    cells = product(noise.split(","), functions.split(","), map(int, agents.split(",")))
    with engines() as sides:
        for kind, name, count in cells:
            compare(f"{kind} {name}", PROBLEMS[name](), count, range(first_seed, first_seed + seeds), sides)


def compare(name: str, problem: Problem, agents: int, seeds: range, sides: dict[str, Engine]) -> None:
    noisy = name.startswith("noisy")
    regrets: dict[str, Array] = {}
    for side, engine in sides.items():
        begin_s = time.monotonic()
        regrets[side] = np.array([regret(problem, engine, agents, seed, noisy) for seed in seeds])
        ask_ms = (time.monotonic() - begin_s) / len(seeds) / EVALUATIONS * 1000
        line = f"{name:<17}{agents:>7}{'':3}{side:<15}{regrets[side].mean():>9.5f}{np.median(regrets[side]):>9.5f}"
        print(f"{line}{ask_ms:>8.1f}  {against(regrets) if side == OURS else ''}", flush=True)


def against(regrets: dict[str, Array]) -> str:
    """The ratio of the mean regrets and the paired difference with its 95% interval (bootstrap over seeds)."""
    if WANDB not in regrets:
        return "not installed: benchmarks/oracle.sh"
    differences = regrets[OURS] - regrets[WANDB]
    draws = np.random.default_rng(0).choice(differences, (10_000, len(differences))).mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    ratio = regrets[OURS].mean() / regrets[WANDB].mean()
    wins = int((differences < 0).sum())
    return f"ratio {ratio:.2f}, {differences.mean():+.5f} [{low:+.5f}, {high:+.5f}], better in {wins}"


def regret(problem: Problem, engine: Engine, agents: int, seed: int, noisy: bool) -> float:
    """Searches with so many agents, each of which takes as long for every trial."""
    noise = np.random.default_rng(seed).normal(0, problem.noise if noisy else 0, EVALUATIONS)
    in_flight: list[Params] = []
    ended: list[Run] = []
    for index in range(EVALUATIONS + agents - 1):
        if index < EVALUATIONS:
            in_flight.append(
                engine(problem.config, index, seed, [*ended, *(Run(each, "running") for each in in_flight)])
            )
        if index >= agents - 1:
            params = in_flight.pop(0)
            ended.append(Run(params, "finished", (problem.value(params) + float(noise[len(ended)]),)))
    chosen = min(ended, key=lambda run: run.history[0])
    return (problem.value(chosen.params) - problem.least) / (problem.mean - problem.least)


@contextmanager
def engines() -> Iterator[dict[str, Engine]]:
    if not ORACLE.exists():
        yield {OURS: bayes.suggest}
        return
    command = [str(ORACLE), str(HERE / "oracle.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield {WANDB: asking(process), OURS: bayes.suggest}
        process.terminate()


def asking(process: "subprocess.Popen[str]") -> Engine:
    def ask(config: SweepConfig, index: int, seed: int, runs: list[Run]) -> Params:
        asked = [{"params": run.params, "state": run.state, "history": run.history} for run in runs]
        question = {"ask": "bayes", "seed": seed * 1000 + index, "config": config.raw, "runs": asked}
        print(json.dumps(question), file=process.stdin, flush=True)
        if process.stdout is None or not (line := process.stdout.readline()):
            sys.exit("W&B's engine ended early")
        return dict(json.loads(line))

    return ask


def branin() -> Problem:
    def value(params: Params) -> float:
        x, y = params["x"], params["y"]
        bend = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
        return float(bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)

    config = minimising("{x: {min: -5.0, max: 10.0}, y: {min: 0.0, max: 15.0}}")
    return Problem(config, value, least=0.397887, mean=sample(config, value, 2_000).mean(), noise=2)


def hartmann6() -> Problem:
    steepness = np.array(
        [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    )
    centres = np.array(
        [
            [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
            [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
            [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
            [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
        ]
    )

    def value(params: Params) -> float:
        point = np.array([params[f"x{axis}"] for axis in range(6)])
        return -float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(steepness * (point - centres) ** 2).sum(1)))

    axes = ", ".join(f"x{axis}: {{min: 0.0, max: 1.0}}" for axis in range(6))
    config = minimising(f"{{{axes}}}")
    return Problem(config, value, least=-3.32237, mean=sample(config, value, 2_000).mean(), noise=0.2)


def trials() -> Problem:
    config = parse((HERE / "trials.yaml").read_text().replace("method: random", "method: bayes"))
    names = [path[0] for path in config.space]
    rows = np.genfromtxt(HERE / "trials.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    encoding = Encoding.of(config)
    known = encoding.columns(np.array([encoding.units({name: plain(row[name]) for name in names}) for row in rows]))

    def value(params: Params) -> float:
        squares = ((known - encoding.columns(np.array([encoding.units(params)]))) ** 2).sum(1)
        nearest = np.argpartition(squares, NEAREST)[:NEAREST]
        return float(np.average(rows["error"][nearest], weights=1 / (squares[nearest] + 1e-3)))

    values = sample(config, value, 20_000)
    return Problem(config, value, least=values.min(), mean=values.mean(), noise=0.01)


def minimising(parameters: str) -> SweepConfig:
    return parse(f"method: bayes\nmetric: {{name: loss}}\nparameters: {parameters}\n")


def sample(config: SweepConfig, value: Callable[[Params], float], count: int) -> Array:
    """The function at random points."""
    points = parse(yaml.safe_dump(config.raw | {"method": "random"}))
    return np.array([value(suggest(points, index, 0) or {}) for index in range(count)])


def plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


PROBLEMS: dict[str, Callable[[], Problem]] = {"branin": branin, "hartmann6": hartmann6, "trials": trials}

if __name__ == "__main__":
    main()
