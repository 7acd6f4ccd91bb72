"""Two sweeps on one page: how far each is, what it searches, the best so far of both, and what mattered in each."""

import re
from collections.abc import Iterator

import pytest

from tests.server.shelf import GRID, Seen, Shelf, shelf_at
from tests.server.speaker import Clock

PAIR = "/compare?sweep=local/p/sweep1&sweep=local/q/sweep2"
WIDER = """
name: wider
method: random
metric: {name: val_accuracy, goal: maximize}
early_terminate: {type: hyperband, min_iter: 3}
parameters:
  learning_rate: {distribution: log_uniform_values, min: 0.001, max: 0.1}
  optimizer: {values: [adam, rmsprop]}
  epochs: {value: 5}
  model: {parameters: {units: {min: 8, max: 64}}}
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A grid that is over and a wider search of another project that runs; a sweep of a loss without a result."""
    with shelf_at(tmp_path_factory.mktemp("pair") / "data", Clock()) as shelf:
        first, second = shelf.project("p"), shelf.project("q")
        over = shelf.clock()
        grid = shelf.sweep(first, display_name="narrow", state="FINISHED", ended_at_s=over)
        wide = shelf.sweep(second, "sweep2", display_name="wide", config=WIDER, method="random", expected=None)
        for number, value in enumerate((0.5, 0.7, None, 0.6)):
            state = "failed" if value is None else "finished"
            ended_at_s = over - 240 + 60 * number
            shelf.run(first, grid, number, state, value, ended_at_s=ended_at_s)
        for number, value in enumerate((0.4, 0.8)):
            params = {"learning_rate": 0.01, "optimizer": "adam", "epochs": 5, "model": {"units": 8 + number}}
            shelf.run(second, wide, number, metric=value, params=params)
        shelf.sweep(first, "sweep3", metric_name="loss", goal="minimize")
        yield shelf


def rows(page: Seen) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in page.rows("compared")}


def lines(page: Seen) -> dict[str, str]:
    """What is told of the line of each letter."""
    return dict(re.findall(r'<path class="curve tick-(\w)" data-tip="([^"]+)"', page.html))


def test_how_far_both_are_and_what_each_searches_stand_side_by_side(shelf: Shelf) -> None:
    page = shelf.look(PAIR)
    found = rows(page)

    assert page.heads("compared") == ["What", "A narrow", "B wide"]
    assert found["State"] == ["Finished", "Running"]
    assert found["Done"] == ["4 of 6", "2"]
    assert found["Trials"] == ["3 finished, 1 failed, 2 not done", "2 finished"]
    assert found["optimizer"] == ["adam", "adam"]
    assert found["early_terminate.type"] == ["–", "hyperband"]
    assert "3 are the same" not in page.text
    space = page.html.split('id="compared-space"')[1].split("</tbody>")[0]
    assert "0.1, 0.01, 1e-3" in space
    assert "1e-3 to 0.1, log_uniform_values" in space
    assert '<tr class="same"><th scope="row" title="epochs">' in space
    assert "8 to 64" in space


def test_the_best_so_far_of_both_is_one_drawing_by_runs_and_by_time(shelf: Shelf) -> None:
    page = shelf.look(PAIR)
    by_time = shelf.look(next(link for link in page.links if link.endswith("&x=time")))

    assert lines(page) == {"a": "narrow\n0.700 at run 4", "b": "wide\n0.800 at run 2"}
    assert {letter: tip.partition(" at ")[2] for letter, tip in lines(by_time).items()} == {
        "a": "4 m 00 s",
        "b": "1 m 00 s",
    }
    assert page.html.count('class="lettered pair-plot"') == 1


def test_the_best_run_of_each_leads_to_its_page_and_what_mattered_is_told_of_each(shelf: Shelf) -> None:
    page = shelf.look(PAIR)

    assert {"/local/p/runs/run2", "/local/q/runs/run6", "/local/p/sweeps/sweep1"} <= set(page.links)
    assert "too few runs: 3 of about" in page.text
    assert "too few runs: 2 of about" in page.text


def test_sweeps_of_different_metrics_are_drawn_apart_and_one_without_a_result_has_no_line(shelf: Shelf) -> None:
    page = shelf.look("/compare?sweep=local/p/sweep1&sweep=local/p/sweep3")

    assert rows(page)["Metric"] == ["maximise val_accuracy", "minimise loss"]
    assert set(lines(page)) == {"a"}
    assert "no value yet" in page.text
    assert "no result yet" in page.text


def test_fewer_or_more_than_two_sweeps_are_answered_with_a_choice(shelf: Shelf) -> None:
    one, three = shelf.look("/compare?sweep=local/p/sweep1"), shelf.look(f"{PAIR}&sweep=local/p/sweep3")

    assert "Choose two." in shelf.look("/compare").text
    assert one.column("found offers", 3) == ["local/p", "Project", "local/p", "local/q"]
    assert PAIR in one.links
    assert "Two sweeps are compared; 3 are chosen. Leave out 1." in three.text
    assert PAIR in three.links


def test_an_address_of_no_sweep_says_which(shelf: Shelf) -> None:
    for place in ("local/p/sweep2", "sweep1", "local/none/sweep1"):
        assert f"There is no sweep {place}" in shelf.look(f"/compare?sweep={place}", 404).text


def test_two_are_chosen_in_the_list_and_from_a_sweep_s_own_page(shelf: Shelf) -> None:
    page = shelf.look("/")
    ticks = [attrs["value"] for tag, attrs in page.tags if tag == "input" and attrs.get("form") == "compare-sweeps"]

    assert {"local/p/sweep1", "local/q/sweep2", "local/p/sweep3"} == set(ticks)
    assert ("form", {"id": "compare-sweeps", "action": "/compare", "method": "get"}) in page.tags
    assert "/compare?sweep=local/p/sweep1" in shelf.look("/local/p/sweeps/sweep1").links


def test_a_file_that_cannot_be_read_any_more_has_no_space(shelf: Shelf) -> None:
    shelf.sweep(1, "sweep4", config=GRID.replace("grid", "gird"))

    page = shelf.look("/compare?sweep=local/p/sweep1&sweep=local/p/sweep4")

    assert rows(page)["epochs"] == ["5", "–"]
