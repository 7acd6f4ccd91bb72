"""Records what W&B's engine makes of sweeps drawn at random, for the tests; after `oracle.sh`:

    benchmarks/.oracle/bin/python -m benchmarks.oracle_record > tests/search/oracle.json

Prints the same each time. Left out are runs for which W&B's engine takes the objective 0.0 for want of any value.
"""

import json
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

from benchmarks.oracle import answer

Params = dict[str, Any]

METRIC = "m"
POINT = {"x": 0.5}
SPACE = {"x": {"min": 0.0, "max": 1.0}}
STATES = ("pending", "running", "finished", "failed", "crashed", "killed", "preempted")
CHOICES = (8, 16, 1, 1.0, 2.5, "a", "1", True, None, [1, 2], {"k": 1})


def main() -> None:
    """Print the record as JSON, a case a line."""
    kinds = {"stops": (stops, 300), "objectives": (objectives, 150), "grids": (grids, 100), "draws": (draws, 150)}
    parts = []
    for kind, (cases, count) in kinds.items():
        lines = [json.dumps(case, separators=(",", ":"), default=float) for case in islice(cases(Random(kind)), count)]
        parts.append(f'"{kind}":[\n' + ",\n".join(lines) + "\n]")
    print("{" + ",".join(parts) + "}")


def stops(random: Random) -> Iterator[list[Any]]:
    """Goal, `early_terminate` without its type, runs with state and history, positions of those to stop."""
    while True:
        goal, section = random.choice(["minimize", "maximize"]), hyperband(random)
        runs = [run(random, ("running", "running", "finished", "killed"), 0, 20) for _ in range(random.randint(1, 9))]
        question = {"ask": "stop", "runs": runs}
        metric, terminate = {"goal": goal}, {"early_terminate": {"type": "hyperband", **section}}
        yield [goal, section, [[each["state"], each["history"]] for each in runs], ask(question, metric, terminate)]


def hyperband(random: Random) -> Params:
    from_below = random.random() < 0.5
    section: Params = {"min_iter": random.randint(1, 4)} if from_below else {"max_iter": random.randint(5, 30)}
    if not from_below:
        section["s"] = random.randint(1, 4)
    if random.random() < 0.7:
        section["eta"] = random.choice([1.5, 2, 3, 4])
    if random.random() < 0.6:
        section["strict"] = random.random() < 0.5
    return section


def objectives(random: Random) -> Iterator[list[Any]]:
    """Metric without its name, runs with state, history and summary, objectives of those that have one."""
    while True:
        metric = {"goal": random.choice(["minimize", "maximize"])}
        if random.random() < 0.7:
            metric["impute"] = random.choice(["best", "worst", "latest"])
        if random.random() < 0.6:
            metric["impute_while_running"] = random.choice(["best", "worst", "latest", "false"])
        own = {"best", "latest"} & set(metric.values())
        runs = [run(random, ("finished",), 1, 4)]
        runs += [run(random, STATES, 1 if own else 0, 4) for _ in range(random.randint(0, 6))]
        for each in runs:
            each["summary"] = random.choice([None, round(random.random(), 2)])
        rows = [[each["state"], each["history"], each["summary"]] for each in runs]
        yield [metric, rows, ask({"ask": "objectives", "runs": runs}, metric, {"method": "bayes"})]


def grids(random: Random) -> Iterator[list[Any]]:
    """Parameters and all points of their grid in order."""
    while True:
        parameters = {
            random.choice("abcABC_") + random.choice("xY1"): axis(random) for _ in range(random.randint(1, 3))
        }
        if random.random() < 0.3:
            parameters["net"] = {"parameters": {"depth": axis(random), "Width": axis(random)}}
        yield [parameters, ask({"ask": "grid"}, {}, {"method": "grid", "parameters": parameters})]


def axis(random: Random) -> Params:
    low = random.randint(-3, 3)
    return random.choice(
        [
            {"value": random.choice(CHOICES)},
            {"values": random.choices(CHOICES, k=random.randint(1, 4))},
            {"min": low, "max": low + random.randint(1, 3)},
            {
                "distribution": "q_uniform",
                "min": low,
                "max": low + random.choice([1, 1.5]),
                "q": random.choice([0.5, 1]),
            },
        ]
    )


def draws(random: Random) -> Iterator[list[Any]]:
    """A parameter, places in the unit interval and its values there."""
    while True:
        units = [round(random.uniform(0.01, 0.99), 3) for _ in range(4)]
        parameter = distribution(random)
        config = {"method": "random", "parameters": {"x": parameter}}
        yield [parameter, units, ask({"ask": "draw", "units": units}, {}, config)]


def distribution(random: Random) -> Params:
    low, span = round(random.uniform(0.1, 3), 2), round(random.uniform(0.5, 3), 2)
    bounds, bell, q = {"min": low, "max": low + span}, {"mu": low, "sigma": span}, random.choice([0.1, 0.5, 1, 2])
    kind = random.choice([*("uniform", "log_uniform", "log_uniform_values"), "normal", "log_normal", "beta", "other"])
    if kind == "other":
        return random.choice(
            [
                {"values": random.choices(CHOICES, k=5)},
                {"values": ["a", "b", "c"], "probabilities": [0.25, 0.5, 0.25]},
                {"min": -random.randint(1, 9), "max": random.randint(0, 9)},
                {"distribution": f"inv_log_uniform{random.choice(['', '_values'])}", **bounds},
            ]
        )
    shape = bell if "normal" in kind else {"a": low, "b": span} if kind == "beta" else bounds
    quantised = {"distribution": f"q_{kind}", **shape, "q": q}
    return random.choice([{"distribution": kind, **shape}, quantised])


def run(random: Random, states: tuple[str, ...], shortest: int, longest: int) -> Params:
    history = [round(random.choice([random.random(), random.randint(0, 3) / 2]), 2) for _ in range(longest)]
    return {
        "params": POINT,
        "state": random.choice(states),
        "history": history[: random.randint(shortest, longest)],
    }


def ask(question: Params, metric: Params, config: Params) -> Any:
    usual = {"method": "random", "metric": {"name": METRIC, **metric}, "parameters": SPACE}
    return answer({"runs": [], **question, "config": usual | config})


if __name__ == "__main__":
    main()
