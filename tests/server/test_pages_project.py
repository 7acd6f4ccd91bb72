"""A project's page: its runs in a table of any column, order and filter, and the curves that they have logged."""

import json
from collections.abc import Iterator
from statistics import fmean

import pytest

from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

PROJECT = "/local/p"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Sixty runs by hand, and a sweep of two."""
    with shelf_at(tmp_path_factory.mktemp("project") / "data", Clock()) as shelf:
        project = shelf.project()
        sweep = shelf.sweep(project, display_name="grid")
        for number in range(2):
            shelf.run(project, sweep, number, metric=0.5, summary={"val_accuracy": 0.5})
        for number in range(60):
            failed = number % 20 == 19
            run = shelf.run(
                project,
                state="failed" if failed else "finished",
                params={"lr": number / 100, "data": {"name": f"set{number % 3}"}},
                summary={"val_loss": 1 / (number + 1), "loss": number, "_step": 7},
                tags=json.dumps(["even"] if number % 2 == 0 else []),
                cause="ValueError: no" if failed else None,
            )
            if number > 57:
                shelf.history(run, [{"val_loss": 1 / (step + number)} for step in range(5)])
        yield shelf


def names(page: Seen) -> list[str]:
    return page.column("runs", 0)


def test_a_project_shows_its_own_runs_with_what_they_were_given_and_came_to(shelf: Shelf) -> None:
    page = shelf.look(PROJECT)

    assert page.heads("runs") == ["Run ↓", "State", "data.name", "lr", "val_loss", "loss", "Time", "Created"]
    assert page.rows("runs")[0][:6] == ["trial 62", "Failed ValueError: no", "set2", "0.59", "0.016667", "59"]
    assert len(page.rows("runs")) == 50
    assert "60 runs" in page.text
    assert names(shelf.look(next(link for link in page.links if "runs-page=2" in link)))[-1] == "trial 3"
    assert "data-run" in page.html.split('id="curve-panels"')[1]


def test_runs_of_sweeps_are_shown_when_asked_for_with_their_sweep(shelf: Shelf) -> None:
    page = shelf.look(f"{PROJECT}?runs=all&sort=run&order=asc")

    assert "62 runs" in page.text
    assert page.rows("runs")[0][:3] == ["trial 1", "Finished", "grid"]


def test_runs_are_filtered_and_sorted_by_any_field_and_a_chip_drops_the_filter(shelf: Shelf) -> None:
    page = shelf.look(f"{PROJECT}?w.config.data.name=set1&w.tags=even&sort=summary.val_loss&order=desc&show=done")
    dropped = next(link for link in page.links if "w.tags" in link and "set1" not in link)

    assert names(page) == [f"trial {number + 3}" for number in range(60) if number % 3 == 1 and number % 2 == 0]
    assert "10 of 60 runs" in page.text
    assert "30 of 60 runs" in shelf.look(dropped).text
    assert "show=done" in dropped
    odd = shelf.look(f"{PROJECT}?w.tags=odd&w.cause=x&w.cause=y&by=tags")
    assert "No run has odd as Tags: there is even." in odd.text
    assert odd.text.count("No run has x as Cause") == 1
    assert "groups-title" not in odd.html


def test_columns_of_a_project_are_moved_and_left_out(shelf: Shelf) -> None:
    page = shelf.look(f"{PROJECT}?col=tags&col=loss")
    usual = shelf.look(PROJECT)
    without = next(link for link in usual.links if "col=" in link and "col=state" not in link)

    assert page.heads("runs") == ["Run ↓", "Tags", "loss"]
    assert shelf.look(without).heads("runs") == ["Run ↓", *usual.heads("runs")[2:]]
    back = next(link for link in shelf.look(without).links if "col=state" in link)
    assert shelf.look(back).heads("runs")[-1] == "State"


def test_runs_of_no_sweep_are_grouped_by_what_they_were_given_with_the_mean_of_any_metric(shelf: Shelf) -> None:
    page = shelf.look(f"{PROJECT}?by=config.data.name&w.tags=even")
    of_loss = shelf.look(f"{PROJECT}?by=config.data.name&of=loss&spread=error")
    losses = {f"set{kind}": [number for number in range(60) if number % 3 == kind] for kind in range(3)}
    link = next(link for link in page.links if "w.config.data.name=set1" in link)

    assert "3 groups, the smallest mean of val_loss first" in page.text
    assert [row[0] for row in page.rows("groups")] == ["A set1", "set2", "set0"]
    assert {row[3] for row in page.rows("groups")} == {"10"}
    assert {row[0].split()[-1]: float(row[1]) for row in of_loss.rows("groups")} == {
        name: pytest.approx(fmean(values), abs=0.06) for name, values in losses.items()
    }
    assert "10 of 60 runs" in shelf.look(link).text
    assert [row[3] for row in shelf.look(f"{PROJECT}?runs=all&by=sweep").rows("groups")] == ["60", "0 of 2"]


def test_the_form_for_a_filter_leads_to_its_address(shelf: Shelf) -> None:
    shelf.look(f"{PROJECT}?sort=time&add=w.host&is=+h+", 303)


def test_a_project_of_sweeps_alone_says_where_its_runs_are(shelf: Shelf) -> None:
    other = shelf.project("sweeps-only")
    sweep = shelf.sweep(other, "another")
    shelf.run(other, sweep, 0, metric=0.1)

    page = shelf.look("/local/sweeps-only")

    assert "All runs of this project belong to its sweeps" in page.text
    assert names(shelf.look("/local/sweeps-only?runs=all")) == ["trial 63"]
