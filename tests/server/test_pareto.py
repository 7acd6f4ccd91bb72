"""A sweep of several metrics: its page shows them all, and which runs no other one betters."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
TWO = """
method: custom
scheduler: {engine: optuna}
metrics: [{name: loss}, {name: speed, goal: maximize}]
run_cap: 20
parameters:
  width: {values: [1, 2, 3, 4, 5, 6]}
"""
THREE = TWO.replace("maximize}]", "maximize}, {name: net.size}]")
# loss, speed: the second, fourth and fifth are the front.
RESULTS = ((0.5, 10.0), (0.1, 10.0), (0.3, 9.0), (0.2, 30.0), (0.4, 40.0), (0.4, 39.0))


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def sweep_of(shelf: Shelf, config: str = TWO, **columns: Any) -> tuple[int, int]:
    project = shelf.project()
    usual = {"method": "custom", "engine": "optuna", "metric_name": "loss", "goal": "minimize", "expected": 20}
    return project, shelf.sweep(project, config=config, **{**usual, **columns})


def filled(shelf: Shelf, config: str = TWO) -> tuple[int, int]:
    """Six results, and one that failed after it was better than all."""
    project, sweep = sweep_of(shelf, config)
    for number, (loss, speed) in enumerate(RESULTS):
        summary = {"loss": loss, "speed": speed, "net": {"size": 6 - number}}
        shelf.run(project, sweep, number, metric=loss, params={"width": number + 1}, summary=summary)
    best = {"loss": 0.01, "speed": 99.0, "net": {"size": 0}}
    shelf.run(project, sweep, 6, state="failed", metric=0.01, params={"width": 1}, summary=best)
    return project, sweep


def panel(page: Seen) -> Seen:
    return Seen(page.html.split('id="pareto"', 1)[1].split("</section>", 1)[0])


def on_front(page: Seen) -> list[str]:
    """The runs that the table of runs marks."""
    marked = (row[0].removesuffix(" front") for row in page.rows("runs") if row[0].endswith(" front"))
    return sorted(name.removeprefix("best ") for name in marked)


@pytest.mark.feature("several metrics")
def test_both_metrics_and_the_front_are_on_the_page(shelf: Shelf) -> None:
    filled(shelf)

    page = shelf.look(SWEEP)

    assert "minimise loss , maximise speed" in page.text
    assert panel(page).rows("front") == [
        ["trial 2", "0.10000", "10.000"],
        ["trial 4", "0.20000", "30.000"],
        ["trial 5", "0.40000", "40.000"],
    ]
    assert "3 of 6 results" in panel(page).text
    assert on_front(page) == ["trial 2", "trial 4", "trial 5"]
    marks = [attrs["aria-label"] for tag, attrs in panel(page).tags if tag == "a" and attrs.get("aria-label")]
    assert marks == ["trial 2: loss 0.1, speed 10.0", "trial 4: loss 0.2, speed 30.0", "trial 5: loss 0.4, speed 40.0"]
    assert {"/local/p/runs/run2", "/local/p/runs/run4", "/local/p/runs/run5"} <= set(panel(page).links)
    assert [row[3] for row in page.rows("runs")][:2] == ["10.0", "99.0"]


def test_runs_are_chosen_without_a_curve_too_and_have_their_letters_in_the_drawing(shelf: Shelf) -> None:
    filled(shelf)
    page = shelf.look(f"{SWEEP}?run=run3")
    (choose,) = [attrs["href"] for tag, attrs in page.tags if attrs.get("aria-label") == "Compare trial 4"]

    chosen = shelf.look(str(choose))

    assert chosen.heads("compared") == ["What", "A trial 3", "B trial 4"]
    assert panel(chosen).html.count('<svg class="letter tick-') == 2
    assert "Compare trial 4" in [attrs.get("aria-label") for _, attrs in shelf.look(SWEEP).tags]


def test_the_front_is_that_of_the_runs_that_the_filters_leave(shelf: Shelf) -> None:
    filled(shelf)

    page = shelf.look(f"{SWEEP}?f.width=3&f.width=6")

    assert [row[0] for row in panel(page).rows("front")] == ["trial 3", "trial 6"]
    assert "2 of 2 results" in panel(page).text


def test_of_three_metrics_each_is_drawn_against_the_first(shelf: Shelf) -> None:
    filled(shelf, THREE)

    shown = panel(shelf.look(SWEEP))

    labels = [attrs["aria-label"] for tag, attrs in shown.tags if tag == "svg" and attrs.get("role") == "group"]
    assert labels == [
        "loss against speed: 6 results, 4 on the Pareto front",
        "loss against net.size: 6 results, 4 on the Pareto front",
    ]
    assert "front-line" not in shown.html
    assert [row[0] for row in shown.rows("front")] == ["trial 2", "trial 4", "trial 5", "trial 6"]


def test_a_result_without_one_of_the_metrics_or_too_large_to_draw_is_in_no_plot(shelf: Shelf) -> None:
    project, sweep = sweep_of(shelf)
    shelf.run(project, sweep, 0, metric=0.5, summary={"loss": 0.5})
    assert 'id="pareto"' not in shelf.look(SWEEP).html
    shelf.run(project, sweep, 1, metric=1e305, summary={"loss": 1e305, "speed": 1})

    shown = panel(shelf.look(SWEEP))

    assert "<figure" not in shown.html
    assert len(shown.rows("front")) == 1


def test_results_that_are_far_worse_are_counted_not_drawn(shelf: Shelf) -> None:
    project, sweep = sweep_of(shelf)
    for number in range(24):
        loss = 900.0 if number == 7 else number / 10
        shelf.run(project, sweep, number, metric=loss, summary={"loss": loss, "speed": number})

    assert "▽ 1 out of scale" in panel(shelf.look(SWEEP)).text
    assert "out of scale" not in panel(shelf.look(f"{SWEEP}?scale=whole")).text


def test_a_long_front_is_listed_in_part(shelf: Shelf) -> None:
    project, sweep = sweep_of(shelf)
    for number in range(20):
        shelf.run(project, sweep, number, metric=float(number), summary={"loss": number, "speed": number})

    shown = panel(shelf.look(SWEEP))

    assert len(shown.rows("front")) == 12
    assert "and 8 more" in shown.text


def test_what_a_function_suggests_is_shown_as_what_a_file_names(shelf: Shelf) -> None:
    file = TWO.split("parameters:")[0].replace("optuna}", "optuna, source: s.py, search_space: branches}")
    project, sweep = sweep_of(shelf, file)
    assert "Parallel coordinates" not in shelf.look(SWEEP).text
    taken: list[dict[str, Any]] = [
        {"kind": "flat", "lr": 0.0001, "same": 1},
        {"kind": "deep", "lr": 0.1, "depth": 4, "wide": True, "same": 1, "drop": 0.25},
        {"kind": "deep", "lr": 0.01, "depth": 2, "wide": False, "same": 1, "drop": 0.5},
    ]
    for number, params in enumerate(taken):
        shelf.run(
            project, sweep, number, metric=float(number), params=params, summary={"loss": number, "speed": number}
        )

    page = shelf.look(SWEEP)

    heads = [cell for cell in page.heads("runs") if cell in ("kind", "lr", "depth", "wide", "drop", "same")]
    assert heads == ["kind", "lr", "depth", "wide", "drop"]
    assert [row[4:7] for row in page.rows("runs")] == [
        ["flat", "1e-4", "–"],
        ["deep", "0.1", "4"],
        ["deep", "0.01", "2"],
    ]
    assert "kind category" in page.text
    assert "depth linear" in page.text
    assert shelf.look(f"{SWEEP}?f.kind=deep&f.depth=4").column("runs", 0) == ["best trial 2 front"]
    assert "int_uniform" not in page.text.split("Sweep file")[1]


def test_a_sweep_whose_scheduler_has_queued_nothing_says_what_to_start(shelf: Shelf) -> None:
    project, sweep = sweep_of(shelf)
    command = "wandb sweep-scheduler local/p/sweep1"
    assert command in shelf.look(SWEEP).text
    assert "by optuna, cap 20" in shelf.look(SWEEP).text

    shelf.run(project, sweep, 0, state="running")

    assert command not in shelf.look(SWEEP).text
