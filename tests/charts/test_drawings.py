"""Drawings are well-formed SVG that shows all there is, or says what it leaves out."""

import math
import random
import re
from xml.etree import ElementTree

import pytest

from charts.best_so_far import Result, axis_end, best_so_far
from charts.icons import DRAWINGS, icon
from charts.progress_bar import fractions, progress_bar
from charts.scale import highest_shown, metric_scale, scale, whole_ticks, worst_shown
from charts.steps import steps
from charts.strip import strip
from terms.points import sentence


def parsed(svg: str) -> ElementTree.Element:
    """The drawing as XML; fails on what is not well-formed."""
    return ElementTree.fromstring(svg)


def dots_in(svg: str) -> int:
    return sum(path.count("h0") for path in re.findall(r'class="dots[^"]*" d="([^"]*)"', svg))


def test_every_icon_is_hidden_from_screen_readers_unless_it_has_a_name() -> None:
    for name in DRAWINGS:
        assert parsed(icon(name)).get("aria-hidden") == "true"
        assert parsed(icon(name, "a <b> & c")).get("aria-label") == "a <b> & c"


def test_a_progress_bar_fills_its_width_and_shows_even_one_failure_of_thousands() -> None:
    widths = fractions({"finished": 4998, "failed": 1, "waiting": 1})

    assert sum(widths.values()) == pytest.approx(1)
    assert widths["failed"] >= 0.01
    assert list(widths) == ["finished", "failed", "waiting"]


def test_a_progress_bar_says_its_counts() -> None:
    counts = {"finished": 1250, "failed": 6, "running": 0}

    assert sentence(counts) == "1,250 finished, 6 failed"
    assert parsed(progress_bar(counts)).get("aria-label") == "1,250 finished, 6 failed"
    assert parsed(progress_bar({})).get("aria-label") == "nothing yet"


def test_failures_are_told_by_the_kind_of_their_cause_the_most_frequent_first() -> None:
    assert sentence({"failed": 2}, {"exception": 2}) == "2 failed (exception)"
    assert sentence({"finished": 1, "failed": 6}, {"signal": 1, "exception": 5}) == (
        "1 finished, 6 failed (5 exception, 1 signal)"
    )


def test_a_share_that_was_stopped_early_is_drawn_hollow() -> None:
    bar = parsed(progress_bar({"finished": 2, "stopped early": 2}))

    inside = next(part for part in bar if part.get("class") == "bar-hollow")
    assert (inside.get("y"), inside.get("height")) == ("1.5", "7.0")


def test_a_killed_share_has_stripes_beside_its_colour() -> None:
    bar = parsed(progress_bar({"finished": 2, "killed": 2}))

    assert [line.get("class") for line in bar if line.get("stroke-dasharray")] == ["bar-killed"]


def test_the_best_so_far_line_rises_with_each_improvement_and_ends_at_the_last_run() -> None:
    line = parsed(steps([(1, 0.5), (3, 0.7), (4, 0.8)], last=10, goal="maximize"))

    corners = [tuple(map(float, place.split(","))) for place in line[0].get("points", "").split()]
    heights = [y for _, y in corners]
    assert heights == sorted(heights, reverse=True)
    assert corners[-1][0] == max(x for x, _ in corners)
    assert len(set(heights)) == 3


def test_without_a_value_there_is_no_line() -> None:
    assert steps([], last=10, goal="maximize") == ""
    assert best_so_far([Result(1, None)], 5, "maximize") is None


CALLED = {"trial 2": "trial 2", "": "run 2", "a name that is too long": "run 2", "<b>&": "&lt;b&gt;&amp;"}


@pytest.mark.parametrize(("name", "label"), CALLED.items())
def test_the_best_is_called_what_its_page_calls_it_where_there_is_room(name: str, label: str) -> None:
    drawing = best_so_far([Result(1, 0.4), Result(2, 0.5, name=name)], 5, "maximize")

    assert drawing is not None
    assert f">{label}</text>" in drawing.svg


def test_only_runs_with_a_value_are_counted_as_results() -> None:
    drawing = best_so_far([Result(1, None), Result(2, 0.5), Result(3, 0.4)], 5, "maximize")

    assert drawing is not None
    assert 'aria-label="2 results, the best at run 2"' in drawing.svg
    assert strip([0.5], 0.5, "maximize", "rank 1 of 1") == ""


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_every_result_is_drawn_or_counted(goal: str) -> None:
    chance = random.Random(0)
    sign = 1 if goal == "maximize" else -1
    values = [sign * chance.gauss(0.85, 0.01) for _ in range(200)] + [sign * -5.0] * 3 + [None] * 2
    results = [Result(number, value) for number, value in enumerate(values, start=1)]

    drawing = best_so_far(results, 300, goal)

    assert drawing is not None
    parsed(drawing.svg)
    assert (drawing.out_of_scale, drawing.without_value) == (3, 2)
    assert dots_in(drawing.svg) == 200
    assert (drawing.svg.count("▽"), drawing.svg.count("✕")) == (3, 2)


def test_values_at_the_end_of_doubles_do_not_stop_a_drawing() -> None:
    wild = [0.5, 0.5, 1.7e308, -1.7e308, 5e-324, 0.0]

    drawing = best_so_far([Result(number, value) for number, value in enumerate(wild, start=1)], None, "maximize")

    assert drawing is not None
    assert drawing.out_of_scale == 2
    parsed(strip(wild, 1.7e308, "maximize", "rank 1 of 6"))


@pytest.mark.parametrize(
    ("started", "expected", "end"),
    [(3, 300, 20), (40, 300, 80), (100, 300, 300), (2, 5, 5), (7, None, 20), (33, None, 33)],
)
def test_the_axis_of_runs_grows_to_the_total(started: int, expected: int | None, end: int) -> None:
    assert axis_end(started, expected) == end


def test_a_strip_marks_its_run_even_out_of_scale() -> None:
    values = [0.80 + number / 1000 for number in range(30)] + [0.1]

    inside, outside = strip(values, 0.81, "maximize", "rank 20 of 31"), strip(values, 0.1, "maximize", "rank 31 of 31")

    assert "rank 20 of 31" in inside
    assert "▽ rank 31 of 31" in outside
    assert "▽ 1 out of scale" in inside


@pytest.mark.parametrize(
    ("low", "high"), [(0.7, 0.8853), (3.0, 3.0), (0.0, 0.0), (-5.0, 1e5), (1e-9, 2e-9), (1e15, 1e15 + 1)]
)
def test_a_scale_holds_both_ends_on_round_ticks(low: float, high: float) -> None:
    axis = scale(low, high)

    assert axis.holds(low)
    assert axis.holds(high)
    assert 3 <= len(axis.ticks) <= 8
    assert (axis.at(axis.low), axis.at(axis.high)) == (0, 1)


def test_at_most_a_twentieth_of_the_results_is_out_of_scale_and_only_what_is_far_away() -> None:
    usual = [0.80 + number / 1000 for number in range(38)]

    assert worst_shown([*usual, 0.1, 0.2], "maximize") == 0.80
    assert worst_shown([-value for value in [*usual, 0.1, 0.2]], "minimize") == -0.80
    assert worst_shown([*usual, 0.1, 0.2, 0.3], "maximize") == 0.3
    assert worst_shown([*usual, 0.78, 0.76], "maximize") == 0.76
    assert worst_shown([*usual[:10], 0.1], "maximize") == 0.1


@pytest.mark.parametrize("decades", [0.2, 1.0, 3.0])
def test_losses_of_any_spread_keep_their_place(decades: float) -> None:
    chance = random.Random(1)
    losses = [10 ** (decades * chance.random() - 2) for _ in range(200)]
    broad = [math.exp(chance.gauss(0, 1)) for _ in range(200)]

    assert worst_shown(losses, "minimize") == max(losses)
    assert worst_shown(broad, "minimize") == max(broad)
    assert worst_shown([*losses, 1e30], "minimize") == max(losses)


def test_positive_values_over_more_than_a_decade_and_a_half_get_a_logarithmic_axis() -> None:
    assert metric_scale([0.01, 0.2, 0.9], "minimize").log
    assert not metric_scale([0.1, 0.2, 0.9], "minimize").log
    assert not metric_scale([0.0, 0.2, 0.9], "minimize").log
    assert metric_scale([0.01, 0.1, 1.0], "minimize").at(0.1) == pytest.approx(0.5)
    assert highest_shown([1.0]) == 1.0


def test_whole_ticks_keep_both_ends() -> None:
    assert whole_ticks(1, 5) == (1, 2, 3, 4, 5)
    assert whole_ticks(1, 300) == (1, 50, 100, 150, 200, 250, 300)
    assert whole_ticks(4, 4) == (4,)


def test_an_axis_holds_the_best_value_that_arithmetic_put_beside_a_tick() -> None:
    best = 1 - 0.18
    assert best > 0.82

    assert metric_scale([0.8, 0.81, best], "maximize").holds(best)
