"""Curves of a few runs, and shares as bars."""

import re
from itertools import pairwise
from xml.etree import ElementTree

from charts.bars import Bar, bars
from charts.learning_curves import LearningCurve, learning_curves, legend
from charts.letter import spread
from charts.line_panel import Line, Look, line_panel


def curve(name: str, *values: float) -> LearningCurve:
    return LearningCurve(name, list(enumerate(values, start=1)))


def test_each_run_has_a_curve_and_a_letter_and_no_two_letters_meet() -> None:
    svg = learning_curves("acc", [curve(f"run {number}", 0.1, 0.8) for number in range(5)], "epoch")

    ElementTree.fromstring(svg)
    places = sorted(float(y) for y in re.findall(r'<text x="20.0" y="(\S+)"', svg))
    assert len(places) == 5
    assert min(second - first for first, second in pairwise(places)) >= 16
    assert max(places) <= 196 - 8
    assert svg.count('class="curve tick-') == 5


def test_a_value_that_is_no_number_is_left_out_and_a_run_without_any_has_no_letter() -> None:
    svg = learning_curves("acc", [curve("a", 0.1, float("nan"), 0.3), curve("b", float("inf"))], "epoch")

    assert re.findall(r">([A-E])</text>", svg) == ["A"]
    assert learning_curves("acc", [curve("a", float("nan"))], "epoch") == ""


def test_rungs_within_the_epochs_are_drawn() -> None:
    svg = learning_curves("acc", [curve("a", 0.1, 0.2, 0.3)], "epoch", rungs=(1, 3, 9))

    assert re.findall(r">(rung \d)<", svg) == ["rung 1", "rung 2"]


def test_the_value_needed_at_a_rung_makes_way_for_the_letter_of_a_line_that_ends_there() -> None:
    whole = Line("a", ((1, 0.1), (2, 0.2), (4, 0.3)), "curve", "A")
    stopped = Line("b", ((1, 0.1), (2, 0.19)), "curve", "B")
    look = Look("epoch", height=196)

    alone, beside = (
        line_panel("acc", lines, look, rungs=(2,), needed={2: 0.2}) for lines in ([whole], [whole, stopped])
    )

    assert alone is not None
    assert ' dx="11" y=' in alone.svg
    assert beside is not None
    assert ' dx="-11" text-anchor="end" y=' in beside.svg


def test_the_value_needed_at_a_rung_stands_where_that_value_is() -> None:
    line = Line("a", [(1, 0.1), (2, 0.2), (3, 0.3)])

    drawn = line_panel("acc", [line], Look("epoch", height=196), rungs=(1, 3), needed={3: 0.3, 1: 0.1, 9: 0.2})

    assert drawn is not None
    needed = re.findall(r'y="(\S+)" dy="0.35em">(\S+) needed<', drawn.svg)
    assert needed == [("0.0", "0.300"), ("196.0", "0.100")]
    assert 'text-anchor="end" y="0.0"' in drawn.svg


def test_a_letter_stands_beside_its_curve_where_the_others_end_later() -> None:
    svg = learning_curves("loss", [curve("a", 1.0, 0.5, 0.1), curve("b", 1.0, 0.1)], "epoch")

    assert len(set(re.findall(r'<text x="20.0" y="(\S+)"', svg))) == 1


def test_letters_give_way_upwards_where_curves_end_at_the_foot() -> None:
    assert spread([190.0, 191.0, 192.0], 196) == [152.0, 170.0, 188.0]
    assert spread([10.0, 11.0], 196) == [10.0, 28.0]


def test_the_legend_names_the_runs_and_escapes_them() -> None:
    assert legend([curve("<i>a", 0.25)], 2).count("&lt;i&gt;a</span> 0.25</li>") == 1


def test_bars_tell_what_cannot_be_told_from_nothing() -> None:
    rows = [Bar("<i>rate", "lower is better", 0.71, 0.66, 0.76, True), Bar("size", "cannot tell", 0.01, 0, 0.05, False)]

    html = bars(rows)

    ElementTree.fromstring(html)
    assert html.count('class="untold"') == 1
    assert "<b>0.71</b><small>0.66–0.76</small>" in html
    assert "<i>" not in html
    assert bars([]) == ""
