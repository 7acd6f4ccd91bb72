"""Which parameter mattered, on made-up runs whose truth is known."""

import random
from typing import Any

import pytest

from search.importance import Importance, TooFew, importance


def made_up(runs: int, seed: int, effect: float = 5.0) -> tuple[dict[str, list[Any]], list[float]]:
    """Runs in which the logarithm of the rate decides, the optimizer adds a little and the colour nothing."""
    chance = random.Random(seed)
    rate = [10 ** chance.uniform(-4, -1) for _ in range(runs)]
    optimizer = [chance.choice(["adam", "sgd"]) for _ in range(runs)]
    colour = [chance.choice(["red", "green", "blue"]) for _ in range(runs)]
    values: dict[str, list[Any]] = {"rate": rate, "optimizer": optimizer, "colour": colour, "epochs": [5] * runs}
    metric = [
        -300 * lr + effect * (kind == "adam") + chance.gauss(0, 3) for lr, kind in zip(rate, optimizer, strict=True)
    ]
    return values, metric


def measured(values: dict[str, list[Any]], metric: list[float], goal: str = "maximize") -> list[Importance]:
    found = importance(values, metric, goal)
    assert not isinstance(found, TooFew)
    return list(found)


@pytest.mark.parametrize("runs", [0, 1, 5, 29])
def test_too_few_runs_give_no_number(runs: int) -> None:
    assert importance(*made_up(runs, 0), "maximize") == TooFew(runs, 40 if runs < 2 else 30)


def test_300_runs_find_what_decides_in_order_and_with_its_direction() -> None:
    rate, optimizer, colour = measured(*made_up(300, 1))

    assert [rate.name, optimizer.name, colour.name] == ["rate", "optimizer", "colour"]
    assert (rate.direction, optimizer.direction, optimizer.value) == ("lower", "value", "adam")
    assert (rate.told, optimizer.told, colour.told) == (True, True, False)
    assert rate.low > optimizer.high > colour.high


def test_the_goal_turns_the_direction_and_nothing_else() -> None:
    values, metric = made_up(300, 1)

    up, down = measured(values, metric)[0], measured(values, metric, "minimize")[0]

    assert (up.direction, down.direction) == ("lower", "higher")
    assert up.share == pytest.approx(down.share)


def test_of_40_runs_only_the_strong_effect_is_told_and_its_interval_is_wide() -> None:
    found = {each.name: each for each in measured(*made_up(40, 2))}

    assert found["rate"].told
    assert found["rate"].high - found["rate"].low > 0.2
    assert (found["colour"].told, found["colour"].low, found["colour"].direction) == (False, 0.0, None)


def test_where_nothing_matters_something_is_claimed_in_about_one_case_of_twenty() -> None:
    chance = random.Random(3)
    claims = [
        measured(
            {"a": [chance.random() for _ in range(30)], "b": [chance.choice("xyz") for _ in range(30)]},
            [chance.random() for _ in range(30)],
        )
        for _ in range(60)
    ]

    told = sum(each.told for found in claims for each in found)
    assert told <= 14  # of 120; 6 are expected, and more than 14 come in one of a thousand cases


def test_the_interval_holds_the_share_that_a_great_many_runs_have() -> None:
    true = {each.name: each.share for each in measured(*made_up(5000, 4))}

    held = [each.low <= true[each.name] <= each.high for seed in range(25) for each in measured(*made_up(60, seed))]

    assert sum(held) >= 0.87 * len(held)


def test_diverged_runs_weigh_no_more_than_bad_ones() -> None:
    values, metric = made_up(300, 5)
    worst = metric.index(min(metric))

    wild = [-1e300 if place == worst else value for place, value in enumerate(metric)]

    assert measured(values, wild) == measured(values, metric)


def test_a_strong_parameter_does_not_hide_a_weak_one() -> None:
    found = {each.name: each for each in measured(*made_up(300, 6, effect=1.5))}

    assert found["optimizer"].share < 0.1
    assert (found["optimizer"].told, found["optimizer"].value) == (True, "adam")


def test_a_best_value_in_the_middle_is_named() -> None:
    sizes = [size for size in (32, 64, 128, 256, 512) for _ in range(12)]
    metric = [-abs(size.bit_length() - 8) + place / 1000 % 0.01 for place, size in enumerate(sizes)]

    (found,) = measured({"size": sizes}, metric)

    assert (found.direction, found.value) == ("value", 128)


def test_a_value_for_every_run_and_equal_results_tell_nothing() -> None:
    unlike = {"name": [f"model-{number}" for number in range(30)]}

    assert [each.told for each in measured(unlike, [number / 7 for number in range(30)])] == [False]
    assert [each.told for each in measured({"size": [1, 2] * 15}, [0.5] * 30)] == [False]
