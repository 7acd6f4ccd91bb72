"""A panel of many runs: what is drawn of a line, by what, on which scale, and what is said of it."""

import math
import re
from xml.etree import ElementTree

import pytest

from charts.line_panel import TIME, Line, Look, Panel, line_panel
from charts.smoothing import smoothed

NAN = float("nan")


def drawn(*lines: Line, x: str = "step", log: bool | None = None) -> Panel:
    panel = line_panel("loss", lines, Look(x, log))
    assert panel is not None
    ElementTree.fromstring(panel.svg)
    return panel


def line(*values: float, css: str = "thin", run: str = "r", name: str = "a") -> Line:
    return Line(name, list(enumerate(values)), css, run=run)


def x_labels(panel: Panel) -> list[str]:
    return re.findall(r'class="x-label"[^>]*>([^<]*)<', panel.svg)


def test_a_value_that_is_no_number_leaves_a_gap_and_a_single_one_is_a_dot() -> None:
    path = re.findall(r'class="thin"[^>]* d="([^"]*)"', drawn(line(0.5, 0.6, NAN, 0.7)).svg)[0]

    assert path.count("M") == 2
    assert path.endswith("l0 0")
    assert line_panel("loss", [line(NAN, float("inf"))], Look("step")) is None
    assert line_panel("loss", [], Look("step")) is None


def test_every_line_says_its_run_and_last_value_and_a_script_can_read_the_others() -> None:
    svg = drawn(line(4.0, 2.0, name='<i>"a'), line(3.0, 1.5, css="curve", run="s")).svg

    assert 'data-run="r" data-tip="&lt;i&gt;&quot;a\n2.00 at step 1"' in svg
    assert 'data-x="0 1" data-x-name="step" data-y="1 4"' in svg
    assert 'd="M0 0l10000 6667"' in svg
    assert svg.index('class="thin"') > svg.index('class="curve"')
    assert '<i>"' not in svg


def test_the_first_line_lies_on_top_and_the_label_names_the_strong_ones() -> None:
    svg = drawn(line(1, 2, css="curve", name="best"), *(line(1, 3) for _ in range(9))).svg

    assert svg.rindex('class="curve"') > svg.rindex('class="thin"')
    assert 'aria-label="loss by step of best: 1.00 at first, 2.00 at last"' in svg


@pytest.mark.parametrize(("log", "drawn_log"), [(None, True), (True, True), (False, False)])
def test_a_loss_that_falls_by_size_is_drawn_logarithmically_unless_told_otherwise(
    log: bool | None, drawn_log: bool
) -> None:
    panel = drawn(line(*(10.0 ** -(number / 5) for number in range(20))), log=log)

    assert panel.log == drawn_log
    assert ("data-log" in panel.svg) == drawn_log


def test_an_accuracy_that_begins_near_zero_is_drawn_linearly() -> None:
    assert not drawn(line(0.01, 0.6, 0.8, 0.9, 0.92, 0.93)).log
    assert drawn(line(-1.0, 0.5, 2.0), log=True).log


def test_few_lines_that_go_far_away_do_not_squash_the_others() -> None:
    usual = [line(1.0, 0.5 - number / 1000) for number in range(39)]

    panel = drawn(*usual, line(1.0, 1e30))
    all_shown = drawn(*usual[:5], line(1.0, 1e6))

    assert panel.out_of_scale == 1
    assert not panel.log
    assert all_shown.out_of_scale == 0


def test_labels_under_a_plot_have_room_on_a_phone() -> None:
    assert x_labels(drawn(line(*range(29)), x="epoch")) == ["0", "5", "10", "15", "20", "epoch 28"]
    assert x_labels(drawn(line(*range(21)), x="a/very_long_name_of_steps")) == ["0", "5", "very_long_name_… 20"]
    assert x_labels(drawn(Line("a", [(0.0, 1), (600.0, 2)]), x=TIME))[-1] == "10 m"
    assert x_labels(drawn(Line("a", [(0.1, 1), (0.4, 2)]), x="lr"))[-1] == "lr 0.4"


def test_smoothing_is_a_mean_of_what_came_before_and_leaves_gaps_alone() -> None:
    points = [(0.0, 1.0), (1.0, NAN), (2.0, 4.0)]

    found = smoothed(points, 0.5)

    assert found[0] == (0.0, 1.0)
    assert math.isnan(found[1][1])
    assert found[2][1] == pytest.approx(3.0)
    assert smoothed(points, 0.0)[2] == (2.0, 4.0)
