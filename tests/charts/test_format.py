"""Numbers and times are written by one set of rules."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from charts import format

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("best", "decimals"),
    [
        ([0.8853, 0.8832], 4),
        ([0.8853, 0.88526], 5),
        ([0.5], 3),
        ([0.88534, 0.88531], 5),
        ([123.456, 99.2], 1),
        ([], 4),
        ([0.0], 3),
    ],
)
def test_a_metric_gets_the_decimals_that_tell_the_two_best_apart(best: list[float], decimals: int) -> None:
    assert format.metric_decimals(best) == decimals


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.88534, "0.8853"),
        (None, "–"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
        (-0.5, "−0.5000"),
        (123456789.0, "1.235e8"),
    ],
)
def test_a_metric_is_written_with_the_decimals_of_its_column(value: float | None, text: str) -> None:
    assert format.metric(value, 4) == text


def test_a_tiny_metric_is_written_as_a_power() -> None:
    assert format.metric(1.25e-9, format.metric_decimals([1.25e-9, 1.3e-9])) == "1.25e-9"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01, "0.01"),
        (0.001, "1e-3"),
        (2.5e-4, "2.5e-4"),
        (512, "512"),
        (100000, "1e5"),
        (131072, "131072"),
        (0.1 + 0.2, "0.30000000000000004"),
        (0, "0"),
        (-0.5, "-0.5"),
        (True, "true"),
        (None, "null"),
        ("adam", "adam"),
        ([1, "a"], '[1, "a"]'),
        (float("nan"), "NaN"),
        (10**400, "1e400"),
    ],
)
def test_a_parameter_is_written_as_in_the_sweep_file(value: object, text: str) -> None:
    assert format.parameter(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.7976931348623157e308, "1.7977e308"),
        (0.012345678, "0.012346"),
        (12345.678, "12346"),
        (0.0012345678, "1.2346e-3"),
        (0.5, "0.5"),
    ],
)
def test_digits_of_a_parameter_can_be_limited(value: float, text: str) -> None:
    assert format.parameter(value, digits=5) == text


def test_a_difference_carries_its_sign_and_none_is_a_word() -> None:
    assert [format.difference(value, 4) for value in (-0.0036, 0.0012, 0.00001)] == ["−0.0036", "+0.0012", "same"]


def test_floats_under_one_another_have_the_same_decimals() -> None:
    assert format.column([0.717, 0.49321, "NaN", 3]) == ["0.7170", "0.4932", "NaN", "3"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (25.2, "25 s"),
        (59.7, "1 m 00 s"),
        (134, "2 m 14 s"),
        (125, "2 m 05 s"),
        (4140, "1 h 09 m"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
        (-5, "0 s"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert format.duration(seconds) == text


def test_an_estimate_is_in_whole_minutes() -> None:
    assert [format.time_left(seconds) for seconds in (10, 430, 3900)] == [
        "under 1 m left",
        "7 m left",
        "1 h 05 m left",
    ]


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-3), "0 s ago"),
        (timedelta(seconds=25), "25 s ago"),
        (timedelta(minutes=25, seconds=50), "25 m ago"),
        (timedelta(hours=1, minutes=12), "1 h 12 m ago"),
        (timedelta(hours=3, minutes=40), "3 h ago"),
        (timedelta(days=4), "Fri 20 Nov"),
        (timedelta(days=365), "Mon 24 Nov 2025"),
    ],
)
def test_a_moment_is_told_by_its_age_up_to_a_day(age: timedelta, text: str) -> None:
    assert format.moment(NOW - age, NOW) == text


def test_a_full_time_names_its_zone() -> None:
    at = datetime(2026, 11, 20, 14, 5, 9, tzinfo=timezone(timedelta(hours=1), "CET"))

    assert format.full_time(at) == "Fri 20 Nov 2026, 14:05:09 CET"


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (412, "412 B"),
        (6100, "6.1 kB"),
        (9960, "10 kB"),
        (318_000, "318 kB"),
        (999_600, "1.0 MB"),
        (1.3e9, "1.3 GB"),
    ],
)
def test_a_size_is_in_decimal_units(size_bytes: int, text: str) -> None:
    assert format.size(size_bytes) == text


def test_counts_have_commas_and_nouns_their_number() -> None:
    assert (format.count(5000), format.counted(1, "run"), format.counted(1234, "run")) == (
        "5,000",
        "1 run",
        "1,234 runs",
    )
