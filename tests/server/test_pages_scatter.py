"""Runs as dots on a sweep's page: any two quantities, each dot with its run, with few runs or one parameter too."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.shelf import Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
HEAD = "method: random\nmetric: {name: loss, goal: minimize}\nparameters:\n"
ONE = f"{HEAD}  rate: {{distribution: log_uniform_values, min: 0.0001, max: 0.1}}\n"
THREE = f"{ONE}  depth: {{min: 1, max: 9}}\n  optimizer: {{values: [adam, sgd]}}\n"


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def fill(shelf: Shelf, config: str, losses: list[float | None]) -> None:
    project = shelf.project()
    sweep = shelf.sweep(project, config=config, method="random", metric_name="loss", goal="minimize")
    for number, loss in enumerate(losses):
        params: dict[str, Any] = {"rate": 0.001 * (number + 1), "depth": number + 1, "optimizer": "adam"}
        summary = {"loss": loss, "seconds": 9 - number}
        state = "failed" if loss is None else "finished"
        shelf.run(project, sweep, number, state, loss, params, summary)


def dots(html: str, part: str = "scatter") -> dict[str, tuple[float, float]]:
    """Of each run the place of its dot, in thousandths of the width and pixels from the top."""
    panel = html.partition(f'id="{part}"')[2].partition("</section>")[0]
    found = re.findall(r'<path data-run="(\w+)" data-tip="[^"]+" d="M(\S+) (\S+?)h0"', panel)
    return {run: (float(x), float(y)) for run, x, y in found}


def test_a_sweep_of_one_parameter_is_drawn_against_the_metric_in_place_of_parallel_coordinates(shelf: Shelf) -> None:
    fill(shelf, ONE, [0.3, 0.2, 0.1, None])

    html = shelf.look(SWEEP).html

    assert 'id="parallel"' not in html
    found = dots(html)
    assert list(found) == ["run1", "run2", "run3"]
    assert [x for x, _ in found.values()] == sorted(x for x, _ in found.values())
    # Numbers grow upwards, and these are pixels from the top.
    assert found["run3"][1] > found["run2"][1] > found["run1"][1]
    assert 'data-tip="trial 3&#10;loss 0.1&#10;rate 3e-3"' in html


def test_too_few_runs_to_tell_what_mattered_are_drawn_against_each_parameter(shelf: Shelf) -> None:
    fill(shelf, THREE, [0.3, 0.2])

    page = shelf.look(SWEEP)

    mattered = page.html.partition('id="mattered"')[2].partition("</section>")[0]
    assert re.findall(r'aria-label="(loss against \w+): 2 runs"', mattered) == [
        "loss against rate",
        "loss against depth",
        "loss against optimizer",
    ]
    assert [link for link in page.links if link.endswith("#scatter")][1] == f"{SWEEP}?across=p.depth#scatter"


def test_a_range_of_the_file_is_continuous_from_the_first_run(shelf: Shelf) -> None:
    fill(shelf, THREE, [0.3])

    html = shelf.look(SWEEP).html

    kinds = re.findall(r'class="axis-kind" x="[^"]+" text-anchor="middle" y="28">([^<]*)<', html)[:3]
    assert kinds == ["log", "linear", "category"]
    assert 'data-field="f.rate" data-foot="0.0001' in html


def test_any_two_quantities_are_drawn_against_each_other(shelf: Shelf) -> None:
    fill(shelf, THREE, [0.3, 0.2, 0.1])

    found = dots(shelf.look(f"{SWEEP}?across=summary.seconds&up=p.depth").html)

    assert [found[f"run{number}"][0] for number in (1, 2, 3)] == sorted((x for x, _ in found.values()), reverse=True)
    assert found["run3"][1] < found["run1"][1]


def test_a_quantity_that_no_run_has_is_as_if_it_were_not_asked_for(shelf: Shelf) -> None:
    fill(shelf, THREE, [0.3, 0.2])

    page = shelf.look(f"{SWEEP}?across=p.nothing&up=%3Cb%3E")

    assert "loss against rate: 2 runs" in page.html
    assert "<b>&" not in page.html


def test_runs_that_a_filter_leaves_out_are_drawn_in_grey_and_do_not_answer(shelf: Shelf) -> None:
    fill(shelf, THREE, [0.3, 0.2, 0.1])

    html = shelf.look(f"{SWEEP}?f.depth=2..").html

    assert set(dots(html)) == {"run2", "run3"}
    assert 'class="dots context"' in html.partition('id="scatter"')[2]


@pytest.mark.parametrize("chart", ["chart=best", "chart=scatter&across=p.rate&up=metric"])
def test_the_server_says_whose_a_dot_is(shelf: Shelf, chart: str) -> None:
    fill(shelf, THREE, [0.3, 0.2, 0.1])
    part = chart.removeprefix("chart=").partition("&")[0]
    x, y = (round(place) for place in dots(shelf.look(SWEEP).html, part)["run2"])

    (mark,) = [tag for _, tag in shelf.look(f"{SWEEP}/at?{chart}&px={x}&py={y}").tags]

    assert mark["data-run"] == "run2"
    assert (mark["data-tip"] or "").startswith("trial 2\n")
    assert "0.2" in (mark["data-tip"] or "")


def test_the_server_says_with_what_a_run_was_made(shelf: Shelf) -> None:
    fill(shelf, THREE, [0.3, 0.2])

    (mark,) = [tag for _, tag in shelf.look(f"{SWEEP}/at?of=run2").tags]

    assert (mark["data-tip"] or "").split("\n") == ["trial 2", "loss 0.2", "rate 2e-3", "depth 2", "optimizer adam"]


@pytest.mark.parametrize(
    "asked",
    ["of=else", "chart=best&px=1&py=1", "chart=best&px=-1&py=a", "chart=else&px=0&py=0", "chart=scatter&px=0&py=0", ""],
)
def test_where_no_dot_is_there_is_nothing_to_say(shelf: Shelf, asked: str) -> None:
    fill(shelf, THREE, [0.3, 0.2])

    assert "No run is drawn there." in shelf.look(f"{SWEEP}/at?{asked}", 404).text
