"""Parallel coordinates: every run is drawn or counted, and stands where its values say."""

import random
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from charts.axis import Axis, lay_out
from charts.parallel_coordinates import HEIGHT, Outcome, ParallelCoordinates, parallel_coordinates


def drawn(
    axes: list[Axis], metric: list[float | None], goal: str = "maximize", most: int = 2000
) -> ParallelCoordinates:
    outcomes = [Outcome(f"run {number}", value) for number, value in enumerate(metric)]
    drawing = parallel_coordinates(axes, "score", goal, outcomes, most)
    assert drawing is not None
    ElementTree.fromstring(drawing.svg)
    return drawing


def lines_in(svg: str) -> int:
    return svg.count('<path d="M')


def end_of(path: str) -> float:
    """The height at which a line ends, in pixels from the top."""
    start = float(re.findall(r"M\S+ (\S+?)c", path)[0])
    return start + sum(float(part.split()[-1]) for part in path.split("c")[1:])


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_every_run_is_drawn_or_counted(goal: str) -> None:
    chance = random.Random(0)
    sign = 1 if goal == "maximize" else -1
    good = [sign * chance.gauss(0.85, 0.01) for _ in range(100)]
    axis = Axis("size", [chance.choice([32, 64, 128]) for _ in range(110)])

    drawing = drawn([axis], [*good, *[sign * -7.0] * 4, float("nan"), float("inf"), *[None] * 4], goal)

    assert (drawing.drawn, drawing.out_of_scale, drawing.without_value) == (100, 6, 4)
    assert lines_in(drawing.svg) == 100
    assert ("▽ 6 below" if goal == "maximize" else "▽ 6 above") in drawing.svg
    assert "✕ 4 without a value" in drawing.svg


@pytest.mark.parametrize(("goal", "best"), [("maximize", "run 2"), ("minimize", "run 0")])
def test_the_best_run_ends_at_the_better_end_of_the_axis_with_its_name(goal: str, best: str) -> None:
    drawing = drawn([Axis("size", [1, 2, 3])], [0.1, 0.2, 0.3], goal)

    heights = [end_of(path) for path in re.findall(r'<path d="(M[^"]+)"', drawing.svg)]
    best_line = re.search(r'class="best-line" d="([^"]+)"', drawing.svg)
    assert best_line is not None
    assert end_of(best_line[1]) == (min(heights) if goal == "maximize" else max(heights))  # pixels from the top
    assert f">{best}</text>" in drawing.svg


def test_of_too_many_runs_the_best_and_a_sample_are_drawn_within_size() -> None:
    chance = random.Random(1)
    axes = [Axis(f"p{number}", [chance.random() for _ in range(5000)]) for number in range(6)]
    metric = [chance.random() for _ in range(5000)]

    drawing = drawn(axes, list(metric), most=1000)

    assert (drawing.drawn, drawing.thinned_out) == (1000, 4000)
    assert drawing.svg.count(f">run {metric.index(max(metric))}</text>") == 1
    assert len(drawing.svg) < 250_000


def test_names_and_values_are_escaped() -> None:
    axis = Axis("<i>kind", ["<b>a", "b&c"])

    drawing = parallel_coordinates([axis], "<u>", "maximize", [Outcome("<s>1", 0.5), Outcome("<s>2", 0.6)])

    assert drawing is not None
    ElementTree.fromstring(drawing.svg)
    assert not re.search("<[isub]>", drawing.svg)


def test_without_a_value_there_is_nothing_to_draw() -> None:
    assert parallel_coordinates([Axis("a", [1, 2])], "m", "maximize", [Outcome("1", None), Outcome("2", None)]) is None


@pytest.mark.parametrize(
    ("values", "log", "kind"),
    [
        ([32, 64, 128], None, "log"),
        ([0.1, 0.2, 0.3], None, "linear"),
        ([32, 64, 96, 128, 256], None, "in order"),
        (["adam", "sgd"], None, "category"),
        ([True, False], None, "category"),
        ([10.0 ** (-4 + number / 10) for number in range(30)], None, "log"),
        ([10.0 ** (-4 + number / 10) for number in range(30)], False, "linear"),
        ([1 + number / 10 for number in range(30)], None, "linear"),
        ([1 + number / 10 for number in range(30)], True, "log"),
        ([number - 3.0 for number in range(30)], True, "linear"),
        ([1, "auto", None], None, "category"),
        ([1, 2, None], None, "linear"),
    ],
)
def test_the_kind_of_an_axis(values: list[Any], log: bool | None, kind: str) -> None:
    layout = lay_out(Axis("x", values, log=log), range(len(values)))

    assert layout.kind == kind
    assert all(place is not None and 0 <= place <= 1 for place in layout.places)


def test_numbers_grow_upwards_and_categories_keep_the_order_of_the_file() -> None:
    numbers = lay_out(Axis("x", [128, 32, 64]), range(3))
    categories = lay_out(Axis("x", ["c", "a", "b"], order=["a", "b", "c", "d"]), range(3))

    assert [lane.label for lane in numbers.lanes] == ["32", "64", "128"]
    assert [lane.label for lane in categories.lanes] == ["c", "b", "a"]


def test_within_a_lane_better_runs_lie_higher() -> None:
    layout = lay_out(Axis("x", ["a", "a", "a"]), drawn=[2, 0, 1])

    heights = [place for place in layout.places if place is not None]
    assert heights[2] < heights[0] < heights[1]


def test_a_run_without_a_number_on_a_continuous_axis_has_a_gap_in_its_line() -> None:
    values = [*(number / 100 for number in range(30)), None]
    axes = [Axis("a", [1, 2] * 15 + [1]), Axis("b", values), Axis("c", [1, 2] * 15 + [1])]

    drawing = drawn(axes, [0.5 + number / 100 for number in range(31)])

    best = re.search(r'class="best-line" d="([^"]+)"', drawing.svg)
    assert best is not None
    assert best[1].count("M") == 2


def test_a_lane_that_lost_its_runs_says_so() -> None:
    sizes = [1] * 58 + [2] * 3
    metric = [0.8 + number / 1000 for number in range(58)] + [-5.0] * 2 + [0.81]

    svg = drawn([Axis("size", sizes)], list(metric)).svg

    assert "▽ 2 of 3" in re.sub(r"<[^>]+>", "", svg)


def test_the_metric_axis_is_painted_from_foot_to_top() -> None:
    svg = drawn([Axis("size", [1, 2, 3])], [0.1, 0.2, 0.3]).svg

    heights = [
        float(height) for height in re.findall(r'class="fill-\d" x="100%" y="\S+" width="8" height="(\S+)"', svg)
    ]
    assert len(heights) == 6
    assert sum(heights) == pytest.approx(HEIGHT, abs=0.5)


def test_powers_of_ten_are_written_as_a_sweep_file_has_them() -> None:
    layout = lay_out(Axis("x", [32 * 1.3**step for step in range(20)], log=True), range(20))
    small = lay_out(Axis("x", [1e-4 * 1.9**step for step in range(20)], log=True), range(20))

    assert [label for _, label in layout.ticks] == ["100", "1000"]
    assert [label for _, label in small.ticks] == ["1e-4", "1e-3", "0.01", "0.1", "1", "10"]


@pytest.mark.parametrize(("log", "kind"), [(True, "log"), (False, "linear"), (None, "linear")])
def test_a_range_of_the_file_is_continuous_from_the_first_run_and_as_long_as_the_file_says(
    log: bool | None, kind: str
) -> None:
    first = lay_out(Axis("rate", [0.01], log=log, continuous=True, ends=(0.001, 0.05)), [0])
    more = lay_out(Axis("rate", [0.01, 0.002, 0.03], log=log, continuous=True, ends=(0.001, 0.05)), range(3))

    assert (first.kind, more.kind) == (kind, kind)
    assert not first.lanes
    assert first.places[0] == more.places[0]
    assert len(first.ticks) > 1


def test_a_lone_value_of_a_range_without_ends_stands_in_the_middle() -> None:
    for log in (True, False):
        layout = lay_out(Axis("rate", [0.01], log=log, continuous=True), [0])

        assert layout.places == [pytest.approx(0.5)]
        assert not layout.lanes


def test_a_run_of_before_that_lies_beyond_the_range_of_the_file_makes_the_axis_longer() -> None:
    layout = lay_out(Axis("rate", [0.2, 0.9], continuous=True, ends=(0.1, 0.5)), range(2))

    assert all(place is not None and 0 <= place <= 1 for place in layout.places)
    assert layout.ends[1] >= 0.9
