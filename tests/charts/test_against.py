"""Runs as dots: what has a place is drawn, and labels never stand in one another."""

import re
from itertools import accumulate

from charts.against import LETTER_PX, MOST_ANSWERS, Seen, against, roomy, side, side_of_metric
from charts.axis import Axis


def test_every_run_has_a_dot_or_is_counted_as_left_out() -> None:
    values = [0.1, 0.2, None, 0.4]
    runs = [Seen(f"run {number}", value, run=f"id{number}") for number, value in enumerate(values)]
    across = side(Axis("rate", [1.0, None, 3.0, 4.0], continuous=True), range(4))

    drawn = against(across, side_of_metric("loss", values, "minimize"), runs, "minimize")

    assert drawn is not None
    assert (drawn.drawn, drawn.left_out) == (2, 2)
    assert drawn.svg.count("data-run=") == 2


def test_nothing_is_drawn_where_no_run_has_both() -> None:
    across = side(Axis("rate", [None, None], continuous=True), ())

    assert (
        against(across, side_of_metric("m", [1.0, 2.0], "maximize"), [Seen("a", 1.0), Seen("b", 2.0)], "maximize")
        is None
    )


def places(path: str) -> list[tuple[int, int]]:
    """The dots of a path that tells each by its way from the one before."""
    steps = [(int(dx), int(dy)) for dx, dy in re.findall(r"[Mm](-?\d+) (-?\d+)", path)]
    return list(accumulate(steps, lambda at, step: (at[0] + step[0], at[1] + step[1])))


def test_so_many_dots_that_each_would_be_too_much_are_a_few_paths_and_can_be_asked_for() -> None:
    values = [*(number / 1000 for number in range(MOST_ANSWERS + 1)), 0.25]
    across = side(Axis("rate", values, continuous=True), range(len(values)))
    runs = [Seen(f"run {number}", value, run=f"id{number}") for number, value in enumerate(values)]

    drawn = against(across, side_of_metric("m", list(values), "maximize"), runs, "maximize", name="here")

    assert drawn is not None
    assert "data-run" not in drawn.svg
    found = [place for path in re.findall(r'data-crowd="here" d="([^"]+)"', drawn.svg) for place in places(path)]
    assert len(found) == len(values)
    told = [drawn.told_at(*place) for place in found]
    assert len(set(told)) == len(values) - 1
    assert all("data-run" in each for each in told)
    assert sum("and 1 more at this place" in each for each in told) == 2
    assert drawn.told_at(-5, 0) == ""


def test_labels_that_would_overprint_one_another_are_fewer() -> None:
    ticks = [(number / 10, f"{number * 1000}") for number in range(11)]

    kept = roomy(ticks, 200)

    assert kept[0] == ticks[0]
    gap_px = (kept[1][0] - kept[0][0]) * 200
    assert gap_px > LETTER_PX * 4
    assert roomy(ticks, 2000) == ticks
    assert roomy([], 200) == []
