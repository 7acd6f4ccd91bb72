"""Suggestions of a sweep: grid points in W&B's order, random draws that depend on their address alone."""

import json
import subprocess
import sys
from decimal import Decimal
from itertools import count, takewhile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from search.config import ConfigError, SweepConfig, parse
from search.suggest import ensure_supported, size, suggest

RECORD = json.loads(Path(__file__).with_name("oracle.json").read_text())


def sweep(method: str, **parameters: Any) -> SweepConfig:
    return parse(yaml.safe_dump({"method": method, "parameters": parameters}, sort_keys=False))


def points(config: SweepConfig) -> list[Any]:
    return list(takewhile(lambda point: point is not None, (suggest(config, index, 0) for index in count())))


def listed(*values: Any) -> list[Any]:
    """The values that a grid over one parameter takes, in its order."""
    return [point["x"] for point in points(sweep("grid", x={"values": list(values)}))]


def test_the_last_name_varies_fastest_and_capitals_come_first() -> None:
    config = sweep("grid", b={"values": [1, 2]}, a={"values": ["x", "y"]}, Z={"value": 0})

    assert points(config) == [
        {"Z": 0, "a": "x", "b": 1},
        {"Z": 0, "a": "x", "b": 2},
        {"Z": 0, "a": "y", "b": 1},
        {"Z": 0, "a": "y", "b": 2},
    ]


def test_values_come_in_the_listed_order() -> None:
    assert listed(96, 32, 64) == [96, 32, 64]


def test_whole_ranges_include_both_ends() -> None:
    assert points(sweep("grid", n={"min": -1, "max": 2})) == [{"n": -1}, {"n": 0}, {"n": 1}, {"n": 2}]


def test_constants_alone_are_one_point() -> None:
    config = sweep("grid", a={"value": 1}, b={"value": None})

    assert size(config) == 1
    assert points(config) == [{"a": 1, "b": None}]


def test_a_repeated_value_is_taken_once_at_its_first_place_in_its_last_spelling() -> None:
    taken = listed(1.0, "1", 1, True, {"a": 1, "b": 2}, {"b": 2, "a": 1}, [1], [1])

    assert taken == [1, "1", True, {"a": 1, "b": 2}, [1]]
    assert type(taken[0]) is int


def test_nested_parameters_are_sorted_within_their_group_and_nested_again() -> None:
    config = sweep(
        "grid",
        net={"parameters": {"width": {"values": [8, 16]}, "depth": {"values": [1, 2]}}},
        lr={"values": [0.1]},
    )

    assert points(config) == [
        {"lr": 0.1, "net": {"depth": 1, "width": 8}},
        {"lr": 0.1, "net": {"depth": 1, "width": 16}},
        {"lr": 0.1, "net": {"depth": 2, "width": 8}},
        {"lr": 0.1, "net": {"depth": 2, "width": 16}},
    ]


def test_a_point_in_a_name_makes_no_group() -> None:
    assert points(sweep("grid", **{"optimizer.lr": {"values": [1]}})) == [{"optimizer.lr": 1}]


axes = st.dictionaries(
    st.text("abcABC_", min_size=1, max_size=2),
    st.builds(lambda values: {"values": values}, st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True))
    | st.builds(lambda low, span: {"min": low, "max": low + span}, st.integers(-3, 3), st.integers(1, 3)),
    min_size=1,
    max_size=3,
)


@given(axes)
def test_a_grid_takes_every_combination_exactly_once(parameters: dict[str, Any]) -> None:
    config = sweep("grid", **parameters)

    taken = [tuple(point.items()) for point in points(config)]

    lengths = [
        len(axis.get("values", range(axis.get("min", 0), axis.get("max", 0) + 1))) for axis in parameters.values()
    ]
    assert len(taken) == len(set(taken)) == size(config) == prod(lengths)


@pytest.mark.feature("method: grid, random")
def test_grids_are_wandbs_point_for_point() -> None:
    ours = [points(sweep("grid", **parameters)) for parameters, _ in RECORD["grids"]]

    assert ours == [theirs for _, theirs in RECORD["grids"]]


def test_values_are_wandbs_at_the_same_place_of_each_distribution() -> None:
    for parameter, units, theirs in RECORD["draws"]:
        (searched,) = sweep("random", x=parameter).space.values()
        ours = [searched.at(unit) for unit in units]
        assert ours == [pytest.approx(each, rel=1e-9) if isinstance(each, float) else each for each in theirs]


def test_a_huge_grid_answers_for_any_point_without_listing_them() -> None:
    config = sweep("grid", **{f"p{digit}": {"min": 0, "max": 9_999_999} for digit in range(3)})

    assert size(config) == 10**21
    assert suggest(config, 123_4567890_7654321, 0) == {"p0": 123, "p1": 4567890, "p2": 7654321}
    assert suggest(config, 10**21 - 1, 0) == {"p0": 9_999_999, "p1": 9_999_999, "p2": 9_999_999}
    assert suggest(config, 10**21, 0) is None


@given(
    st.integers(-50, 50) | st.floats(-50, 50),
    st.integers(1, 50) | st.floats(0.1, 50),
    st.integers(1, 5) | st.floats(0.05, 5),
)
def test_a_grid_over_q_uniform_is_numpys_arange(low: float, span: float, q: float) -> None:
    assume(low < low + span)
    config = sweep("grid", x={"distribution": "q_uniform", "min": low, "max": low + span, "q": q})

    taken = [point["x"] for point in points(config)]

    decimals = max(0, *(-int(Decimal(repr(number)).as_tuple().exponent) for number in (low, q)))
    expected = np.arange(low, low + span, q).tolist()
    assert taken == [round(each, decimals) for each in expected]
    assert [type(value) for value in taken] == [type(value) for value in expected]


def test_a_grid_over_q_uniform_leaves_max_out_and_counts_in_floats_unless_all_is_whole() -> None:
    assert [p["x"] for p in points(sweep("grid", x={"distribution": "q_uniform", "min": 0, "max": 3}))] == [
        0.0,
        1.0,
        2.0,
    ]
    assert points(sweep("grid", x={"distribution": "q_uniform", "min": 1, "max": 6, "q": 2})) == [
        {"x": 1},
        {"x": 3},
        {"x": 5},
    ]


def test_a_grid_over_q_uniform_has_no_more_decimals_than_min_and_q() -> None:
    taken = [p["x"] for p in points(sweep("grid", x={"distribution": "q_uniform", "min": 0.05, "max": 0.5, "q": 0.1}))]

    assert taken == [0.05, 0.15, 0.25, 0.35, 0.45]


def test_a_step_far_above_the_range_still_takes_min() -> None:
    assert points(sweep("grid", x={"distribution": "q_uniform", "min": 0, "max": 1e-300, "q": 1e90})) == [{"x": 0}]


def test_a_suggestion_is_the_callers_to_change() -> None:
    config = sweep("grid", x={"values": [[1, 2]]})
    first = suggest(config, 0, 0)
    assert first is not None

    first["x"].append(3)

    assert suggest(config, 0, 0) == {"x": [1, 2]}


@given(st.integers(1, 9), st.integers(1, 9), st.integers())
def test_a_shuffled_grid_takes_the_same_points_in_an_order_that_the_seed_decides(n: int, m: int, seed: int) -> None:
    parameters = {"a": {"min": 0, "max": n}, "b": {"min": 0, "max": m}}
    plain = sweep("grid", **parameters)
    config = parse(yaml.safe_dump(plain.raw | {"x-sweep": {"shuffle": True}}))

    taken = [suggest(config, index, seed) for index in range((n + 1) * (m + 1))]

    assert sorted(map(str, taken)) == sorted(map(str, points(plain)))
    assert suggest(config, len(taken), seed) is None


def test_a_shuffle_mixes_a_huge_grid_without_listing_it() -> None:
    text = "method: grid\nparameters: {a: {min: 0, max: 9999999}, b: {min: 0, max: 9999999}}\nx-sweep: {shuffle: true}"

    firsts, others = ([suggest(parse(text), index, seed) for index in range(200)] for seed in (1, 2))

    assert np.histogram([point["a"] for point in firsts if point], bins=4, range=(0, 10**7))[0].min() > 25
    assert firsts != others


RANDOM = sweep(
    "random",
    lr={"distribution": "log_uniform_values", "min": 0.0001, "max": 0.1},
    net={"parameters": {"depth": {"min": 1, "max": 9}}},
    optimizer={"values": ["adam", "rmsprop"]},
)


def test_random_search_has_no_size_and_no_end() -> None:
    assert size(RANDOM) is None
    assert suggest(RANDOM, 10**12, 7) is not None


def test_a_random_suggestion_depends_on_seed_and_index_alone() -> None:
    in_order = [suggest(RANDOM, index, 7) for index in range(20)]
    backwards = [suggest(RANDOM, index, 7) for index in reversed(range(20))][::-1]

    assert in_order == backwards
    assert in_order != [suggest(RANDOM, index, 8) for index in range(20)]
    assert len({str(point) for point in in_order}) == 20


def test_another_process_draws_the_same() -> None:
    program = "from search.config import parse; from search.suggest import suggest\n"
    program += f"print(suggest(parse({yaml.safe_dump(RANDOM.raw)!r}), 5, 7))"

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == str(suggest(RANDOM, 5, 7))


def test_draws_are_the_same_in_each_version() -> None:
    config = sweep("random", x={"min": 0.0, "max": 1.0})

    assert [suggest(config, index, 0) for index in range(2)] == [{"x": 0.976314849171488}, {"x": 0.0026890337645516516}]


def test_another_parameter_changes_no_draw_of_the_first() -> None:
    alone = suggest(sweep("random", b={"min": 0.0, "max": 1.0}), 3, 7)
    together = suggest(sweep("random", a={"min": 0.0, "max": 1.0}, b={"min": 0.0, "max": 1.0}), 3, 7)

    assert alone is not None
    assert together is not None
    assert together["b"] == alone["b"]
    assert together["a"] != together["b"]


def test_draws_spread_evenly_over_the_unit_interval() -> None:
    config = sweep("random", x={"min": 0.0, "max": 1.0})

    drawn = [suggest(config, index, 1)["x"] for index in range(4000)]  # type: ignore[index]

    tenths = np.histogram(drawn, bins=10, range=(0, 1))[0]
    chi_squared = ((tenths - 400) ** 2 / 400).sum()
    assert chi_squared < 27.9  # of 9 degrees of freedom; exceeded by one seed in a thousand


@given(st.integers(0, 2**63), st.integers())
def test_random_values_stay_within_their_bounds_for_any_seed(index: int, seed: int) -> None:
    point = suggest(RANDOM, index, seed)

    assert point is not None
    assert 0.0001 <= point["lr"] <= 0.1
    assert point["net"]["depth"] in range(1, 10)
    assert point["optimizer"] in ("adam", "rmsprop")


def test_a_negative_index_is_refused() -> None:
    with pytest.raises(ValueError, match="index is -1: suggestions count from 0"):
        suggest(RANDOM, -1, 0)


def test_grid_random_bayes_and_what_a_scheduler_suggests_are_supported() -> None:
    ensure_supported(RANDOM)
    ensure_supported(sweep("grid", x={"values": [1]}))
    ensure_supported(parse("method: bayes\nmetric: {name: loss}\nparameters: {x: {values: [1]}}"))
    ensure_supported(parse("method: custom\nscheduler: {engine: optuna}\nparameters: {x: {values: [1]}}"))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "method: custom\nparameters: {x: {values: [1]}}",
            [
                "method `custom` needs a `scheduler` that suggests, as in {engine: optuna}; without one: grid, random,"
                " bayes."
            ],
        ),
        (
            "method: random\ncontroller: {type: local}\nparameters: {x: {values: [1]}}",
            [
                "`controller: {type: local}` is not served by this server; leave it out. The W&B cloud runs it: set"
                " WANDB_API_KEY in .env."
            ],
        ),
    ],
)
@pytest.mark.feature("controller: {type: local}, wandb controller")
def test_what_no_engine_does_yet_is_refused_with_what_works(text: str, problems: list[str]) -> None:
    config = parse(text)

    with pytest.raises(ConfigError) as caught:
        ensure_supported(config)

    assert list(caught.value.problems) == problems
