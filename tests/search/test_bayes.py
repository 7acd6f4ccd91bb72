"""Bayesian search: a function of config, index, seed and runs that finds minima and minds runs in flight."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from search import bayes
from search.config import SweepConfig, parse
from search.encoding import unit
from search.evidence import Run
from search.suggest import suggest

ROOT = Path(__file__).parents[2]
EVERY_KIND = """
constant: {value: 3}
choice: {values: [relu, null, [1, 2]]}
numbers: {values: [64, 16, 32]}
weighted: {values: [a, b, c], probabilities: [0.5, 0, 0.5]}
whole: {min: -2, max: 9}
uniform: {min: 0.5, max: 2.5}
q_uniform: {distribution: q_uniform, min: 0, max: 10, q: 2}
log_uniform: {distribution: log_uniform, min: -3, max: 1}
inv_log_uniform: {distribution: inv_log_uniform, min: -3, max: 1}
q_log_uniform: {distribution: q_log_uniform, min: 0, max: 5, q: 2}
log_values: {distribution: log_uniform_values, min: 0.001, max: 10}
inv_log_values: {distribution: inv_log_uniform_values, min: 0.001, max: 10}
q_log_values: {distribution: q_log_uniform_values, min: 1, max: 512, q: 8}
normal: {distribution: normal, mu: 2, sigma: 3}
q_normal: {distribution: q_normal, mu: 0, sigma: 3}
log_normal: {distribution: log_normal}
q_log_normal: {distribution: q_log_normal, q: 0.5}
beta: {distribution: beta, a: 2, b: 3}
q_beta: {distribution: q_beta, a: 2, b: 3, q: 0.1}
net: {parameters: {depth: {min: 1, max: 3}}}
"""


def sweep(parameters: str, **metric: Any) -> SweepConfig:
    data = {"method": "bayes", "metric": {"name": "m", **metric}, "parameters": yaml.safe_load(parameters)}
    return parse(yaml.safe_dump(data))


def searched(config: SweepConfig, value: Any, count: int, seed: int = 0) -> list[Run]:
    """The runs of a search by one agent."""
    runs: list[Run] = []
    for index in range(count):
        params = bayes.suggest(config, index, seed, runs)
        runs.append(Run(params, "finished", (value(params),)))
    return runs


def bowl(params: dict[str, Any]) -> float:
    return float((params["x"] - 0.3) ** 2 + (params["y"] - 0.7) ** 2)


BOWL = sweep("{x: {min: 0.0, max: 1.0}, y: {min: 0.0, max: 1.0}}")
SPACE = sweep(EVERY_KIND).space


def test_the_minimum_of_a_bowl_is_found_within_25_trials() -> None:
    assert min(run.history[0] for run in searched(BOWL, bowl, 25)) < 1e-4


def test_noise_does_not_lead_the_search_away() -> None:
    noise = iter(np.random.default_rng(0).normal(0, 0.05, 30).tolist())

    runs = searched(BOWL, lambda params: bowl(params) + next(noise), 30)

    assert np.median([bowl(run.params) for run in runs[15:]]) < 0.1  # of points all over the space: 0.2


def test_the_maximum_is_found_where_more_is_better() -> None:
    config = sweep("{x: {min: 0.0, max: 1.0}, y: {min: 0.0, max: 1.0}}", goal="maximize")

    assert max(run.history[0] for run in searched(config, lambda params: -bowl(params), 25)) > -1e-4


def test_choices_whole_numbers_and_nested_parameters_are_searched_too() -> None:
    config = sweep("{act: {values: [a, b, c, d]}, net: {parameters: {depth: {min: 1, max: 40}}}}")

    def value(params: dict[str, Any]) -> float:
        depth: int = params["net"]["depth"]
        wrong_act = 0 if params["act"] == "c" else 1
        return wrong_act + abs(depth - 17) / 40

    assert min(run.history[0] for run in searched(config, value, 40)) <= 1 / 40


def test_a_suggestion_depends_on_index_seed_and_runs_alone() -> None:
    runs = searched(BOWL, bowl, 12)

    assert bayes.suggest(BOWL, 12, 0, runs) == bayes.suggest(BOWL, 12, 0, list(runs))
    assert bayes.suggest(BOWL, 12, 0, runs) != bayes.suggest(BOWL, 12, 1, runs)
    assert bayes.suggest(BOWL, 12, 0, runs) != bayes.suggest(BOWL, 13, 0, runs)
    assert suggest(BOWL, 12, 0, runs) == bayes.suggest(BOWL, 12, 0, runs)


def test_a_point_in_flight_is_not_crowded() -> None:
    runs = searched(BOWL, bowl, 6)
    alone = bayes.suggest(BOWL, 6, 0, runs)

    beside = bayes.suggest(BOWL, 6, 0, [*runs, Run(alone, "running")])

    assert math.dist(alone.values(), beside.values()) > 0.01


def test_a_point_that_was_tried_is_not_suggested_again_while_others_are_left() -> None:
    config = sweep("{x: {values: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}")

    runs = searched(config, lambda params: float(params["x"]), 9)

    modelled = [run.params["x"] for run in runs[3:]]
    assert len(set(modelled)) == len(modelled)


def test_one_suggestion_in_ten_does_not_look_at_results() -> None:
    runs = searched(BOWL, bowl, 19)
    worse = [Run(run.params, "finished", (-run.history[0],)) for run in runs]

    assert bayes.suggest(BOWL, 19, 0, runs) == bayes.suggest(BOWL, 19, 0, worse)
    assert bayes.suggest(BOWL, 18, 0, runs[:18]) != bayes.suggest(BOWL, 18, 0, worse[:18])


def test_first_suggestions_fill_the_space_evenly() -> None:
    drawn = [bayes.suggest(BOWL, index, 5, []) for index in range(64)]

    cells = {(int(params["x"] * 4), int(params["y"] * 4)) for params in drawn}
    assert len(cells) == 16


def test_every_kind_of_parameter_is_suggested_as_plain_values() -> None:
    config = sweep(EVERY_KIND)
    runs = searched(config, lambda params: abs(params["whole"] - 4) + params["uniform"], 26)

    for run in runs:
        assert yaml.safe_load(yaml.safe_dump(run.params)) == run.params
        assert run.params["weighted"] != "b"
        assert 0.5 <= run.params["uniform"] <= 2.5
        assert type(run.params["whole"]) is type(run.params["net"]["depth"]) is int


@given(st.floats(0.001, 0.999))
def test_each_value_has_its_place_in_the_unit_interval(place: float) -> None:
    for path, parameter in SPACE.items():
        if path != ("constant",):
            value = parameter.at(place)
            again = parameter.at(min(max(unit(parameter, value), 1e-9), 1 - 1e-9))
            assert again == (value if not isinstance(value, float) else pytest.approx(value, rel=1e-6, abs=1e-9))


def test_runs_with_values_of_another_sweep_are_left_out() -> None:
    runs = searched(BOWL, bowl, 12)
    strange = [Run(params, "finished", (-9.0,)) for params in ({}, {"x": "a", "y": 0.5}, {"x": None, "y": 0.1})]

    assert bayes.suggest(BOWL, 12, 0, [*runs, *strange]) == bayes.suggest(BOWL, 12, 0, runs)


@pytest.mark.parametrize("values", [[1.0] * 20, [1e300, -1e300] * 10, [1e-320, 0.0] * 10, [float("nan")] * 20])
def test_results_that_say_nothing_or_too_much_still_give_a_suggestion(values: list[float]) -> None:
    runs = [Run(run.params, "finished", (value,)) for run, value in zip(searched(BOWL, bowl, 20), values, strict=True)]

    params = bayes.suggest(BOWL, 20, 0, runs)

    assert all(0 <= value <= 1 for value in params.values())


def test_the_same_point_twenty_times_still_gives_a_suggestion() -> None:
    runs = [Run({"x": 0.5, "y": 0.5}, "finished", (float(number),)) for number in range(20)]

    assert bayes.suggest(BOWL, 20, 0, runs) != {"x": 0.5, "y": 0.5}


def test_a_thousand_runs_and_a_hundred_in_flight_are_taken_in() -> None:
    rng = np.random.default_rng(0)
    points = [{"x": float(x), "y": float(y)} for x, y in rng.random((1100, 2))]
    runs = [Run(point, "finished", (bowl(point),)) for point in points[:1000]]
    runs += [Run(point, "running") for point in points[1000:]]

    assert bowl(bayes.suggest(BOWL, 1100, 0, runs)) < 0.01


def test_constants_alone_are_suggested_as_they_are() -> None:
    assert bayes.suggest(sweep("{x: {value: 1}}"), 3, 0, []) == {"x": 1}


def test_grid_and_random_search_load_neither_numpy_nor_scipy() -> None:
    program = (
        "import sys; from search.config import parse; from search.suggest import suggest\n"
        "for method in 'grid', 'random':\n"
        "    suggest(parse('method: %s\\nparameters: {x: {values: [1]}}' % method), 0, 0)\n"
        "print({'numpy', 'scipy'} & set(sys.modules))"
    )

    printed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert printed.stdout.strip() == "set()"


def test_a_beta_loads_scipy_without_its_slow_stats() -> None:
    program = (
        "import sys; from search.config import parse; from search.suggest import suggest\n"
        "print(suggest(parse('method: random\\nparameters: {x: {distribution: beta, a: 2, b: 3}}'), 0, 0))\n"
        "suggest(parse('method: bayes\\nmetric: {name: m}\\nparameters: {x: {min: 1, max: 3}}'), 0, 0)\n"
        "print('scipy.stats' in sys.modules)"
    )

    printed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert printed.stdout.splitlines()[1] == "False"
