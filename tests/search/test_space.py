"""Each distribution's values: its bounds, its types, its law."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from search.config import parse

units = st.integers(0, 2**52 - 1).map(lambda n: (n + 0.5) / 2**52)  # all that random search draws
numbers = st.integers(-1000, 1000) | st.floats(-1000, 1000)
exponents = st.floats(-200, 200)
steps = st.integers(1, 50) | st.floats(1e-3, 50)
spreads = st.floats(0, 20)


def value(unit: float, **spec: Any) -> Any:
    config = parse(yaml.safe_dump({"method": "random", "parameters": {"x": spec}}))
    return config.space[("x",)].at(unit)


@given(units, numbers, numbers)
def test_uniform_stays_within_its_bounds(unit: float, low: float, high: float) -> None:
    assume(low < high)

    drawn = value(unit, distribution="uniform", min=low, max=high)

    assert type(drawn) is float
    assert low <= drawn <= high


@given(units, st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53))
def test_int_uniform_is_a_whole_number_within_its_bounds(unit: float, low: int, high: int) -> None:
    assume(low < high)

    drawn = value(unit, min=low, max=high)

    assert type(drawn) is int
    assert low <= drawn <= high


def test_int_uniform_reaches_both_ends_and_gives_each_number_the_same_share() -> None:
    drawn = [value((i + 0.5) / 12, min=1, max=4) for i in range(12)]

    assert drawn == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


@given(
    units,
    st.sampled_from(["log_uniform_values", "inv_log_uniform_values"]),
    st.floats(1e-50, 1e50),
    st.floats(1.01, 1e9),
)
def test_log_uniform_values_stays_within_its_limits(unit: float, distribution: str, low: float, factor: float) -> None:
    drawn = value(unit, distribution=distribution, min=low, max=low * factor)

    assert type(drawn) is float
    assert low * (1 - 1e-12) <= drawn <= low * factor * (1 + 1e-12)


@given(units, exponents, exponents)
def test_log_uniform_takes_exponents_of_e_and_its_inverse_their_negatives(unit: float, low: float, high: float) -> None:
    assume(low < high)

    drawn = value(unit, distribution="log_uniform", min=low, max=high)
    inverse = value(unit, distribution="inv_log_uniform", min=low, max=high)

    assert low - 1e-9 <= math.log(drawn) <= high + 1e-9
    assert low - 1e-9 <= -math.log(inverse) <= high + 1e-9


def test_the_inverses_run_from_low_to_high_as_wandb_draws_them() -> None:
    assert value(0.25, distribution="inv_log_uniform", min=0, max=4) == pytest.approx(math.exp(-3))
    assert value(0.25, distribution="inv_log_uniform_values", min=1, max=16) == pytest.approx(2)


def test_the_middle_of_log_uniform_values_is_the_geometric_mean() -> None:
    assert value(0.5, distribution="log_uniform_values", min=0.001, max=0.1) == pytest.approx(0.01)


def test_normal_and_log_normal_follow_their_laws() -> None:
    one_sigma_up = 0.8413447460685429

    assert value(one_sigma_up, distribution="normal", mu=10, sigma=2) == pytest.approx(12)
    assert value(0.5, distribution="normal") == 0
    assert value(one_sigma_up, distribution="log_normal", mu=1, sigma=0.5) == pytest.approx(math.exp(1.5))
    assert value(0.25, distribution="normal", mu=3, sigma=0) == 3


@given(units, exponents, spreads)
def test_a_bell_is_finite_everywhere(unit: float, mu: float, sigma: float) -> None:
    assume(abs(mu) + 9 * sigma <= 230)

    assert math.isfinite(value(unit, distribution="normal", mu=mu, sigma=sigma))
    assert 0 < value(unit, distribution="log_normal", mu=mu, sigma=sigma) < math.inf


@given(units, st.lists(st.none() | st.booleans() | st.integers() | st.text(), min_size=1, max_size=6))
def test_categorical_gives_one_of_its_values_as_written(unit: float, values: list[Any]) -> None:
    drawn = value(unit, values=values)

    assert any(drawn == listed and type(drawn) is type(listed) for listed in values)


def test_weighted_categories_take_their_shares() -> None:
    drawn = [value((i + 0.5) / 10, values=["a", "b", "c"], probabilities=[0.5, 0, 0.5]) for i in range(10)]

    assert drawn == ["a"] * 5 + ["c"] * 5


def test_weights_that_sum_to_nearly_one_leave_no_point_uncovered() -> None:
    assert value(1 - 2**-53, values=["a", "b"], probabilities=[0.5, 0.499995]) == "b"
    assert value(1 - 2**-53, values=["a", "b"], probabilities=[0.999995, 0]) == "a"


@given(units, st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_a_constant_is_its_value(unit: float, constant: Any) -> None:
    assert value(unit, value=constant) == constant


def uniform(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "q_uniform", "min": low, "max": high}


def log_uniform_values(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "q_log_uniform_values", "min": abs(low) + 0.1, "max": abs(low) + abs(high) + 1}


def log_uniform(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "q_log_uniform", "min": low / 100, "max": high / 100}


def normal(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "q_normal", "mu": low, "sigma": high - low}


def log_normal(low: float, high: float) -> dict[str, Any]:
    return {"distribution": "q_log_normal", "mu": low / 100, "sigma": (high - low) / 100}


@pytest.mark.parametrize("spec", [uniform, log_uniform_values, log_uniform, normal, log_normal])
@given(unit=units, low=numbers, high=numbers, q=steps)
def test_quantised_values_are_rounded_as_numpy_rounds_them(
    spec: Callable[[float, float], dict[str, Any]], unit: float, low: float, high: float, q: float
) -> None:
    assume(low + 0.01 < high)
    quantised = spec(low, high)

    drawn = value(unit, **quantised, q=q)

    plain = value(unit, **{**quantised, "distribution": quantised["distribution"].removeprefix("q_")})
    decimals = max(0, -int(Decimal(repr(q)).as_tuple().exponent))
    assert drawn == round(float(np.round(plain / q) * q), decimals)
    assert drawn == pytest.approx(np.round(plain / q) * q, rel=1e-12, abs=0)
    assert type(drawn) is type(q)


def test_a_quantised_value_has_no_more_decimals_than_its_step() -> None:
    drawn = [value(unit / 40, distribution="q_uniform", min=0, max=1, q=0.1) for unit in range(1, 40)]

    assert sorted(set(drawn)) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert value(0.5, distribution="q_normal", mu=3e-5, q=1e-5) == 3e-5


def test_halves_go_to_the_even_multiple_and_multiples_count_from_zero() -> None:
    assert value(0.5, distribution="q_uniform", min=0, max=1, q=1) == 0
    assert value(0.5, distribution="q_uniform", min=1, max=2, q=1) == 2
    assert value(0.05, distribution="q_uniform", min=0.1, max=1, q=0.3) == 0


def test_q_is_one_with_a_point_unless_given() -> None:
    drawn = value(0.4, distribution="q_uniform", min=0, max=10)

    assert drawn == 4
    assert type(drawn) is float
