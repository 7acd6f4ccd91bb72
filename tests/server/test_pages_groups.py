"""Runs that share a setting are taken as one: mean, spread and number; importance and the best speak of groups."""

import json
import math
import random
from collections.abc import Iterator
from statistics import fmean, stdev

import pytest

from tests.server.shelf import Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
SEARCH = """
method: grid
metric: {name: score, goal: maximize}
parameters:
  lr: {values: [0.1, 0.2, 0.3]}
  optimizer: {values: [adam, sgd]}
  seed: {values: [1, 2, 3, 4, 5]}
"""
Results = dict[tuple[float, str], list[float]]


@pytest.fixture(scope="module")
def results() -> Results:
    return {}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, results: Results) -> Iterator[Shelf]:
    """Six settings of five seeds; one run of the first setting failed, all of the last are of the same tags."""
    chance = random.Random(1)
    with shelf_at(tmp_path_factory.mktemp("groups") / "data", Clock()) as shelf:
        project = shelf.project()
        sweep = shelf.sweep(project, config=SEARCH, metric_name="score", expected=30)
        settings = [(lr, optimizer) for lr in (0.1, 0.2, 0.3) for optimizer in ("adam", "sgd")]
        for number in range(30):
            lr, optimizer = settings[number // 5]
            params = {"lr": lr, "optimizer": optimizer, "seed": number % 5 + 1}
            value = round(lr + (0.05 if optimizer == "sgd" else 0) + chance.uniform(-0.1, 0.1), 3)
            failed = number == 2
            tags = json.dumps(["last", "good"] if number >= 25 else [])
            shelf.run(project, sweep, number, "failed" if failed else "finished", value, params, tags=tags)
            if not failed:
                results.setdefault((lr, optimizer), []).append(value)
        yield shelf


def test_seeds_of_a_setting_are_one_group_with_mean_spread_and_number(shelf: Shelf, results: Results) -> None:
    seeds = next(link for link in shelf.look(SWEEP).links if link == f"{SWEEP}?by=p.lr&by=p.optimizer")
    page = shelf.look(seeds)
    expected = sorted(results.items(), key=lambda each: -fmean(each[1]))

    assert page.heads("groups") == ["lr", "optimizer", "Mean", "Min to max", "n", "Best run"]
    assert [row[:2] for row in page.rows("groups")] == [[str(lr), optimizer] for (lr, optimizer), _ in expected]
    assert [float(row[2]) for row in page.rows("groups")] == [
        pytest.approx(fmean(values), abs=6e-4) for _, values in expected
    ]
    assert [row[3] for row in page.rows("groups")] == [f"{min(v):.3f} to {max(v):.3f}" for _, v in expected]
    assert {row[4] for row in page.rows("groups")} == {"5", "4 of 5"}


def test_the_spread_is_the_standard_error_when_asked_for(shelf: Shelf, results: Results) -> None:
    page = shelf.look(f"{SWEEP}?by=p.lr&by=p.optimizer&spread=error")

    assert [float(row[3].removeprefix("± ")) for row in page.rows("groups")] == [
        pytest.approx(stdev(values) / math.sqrt(len(values)), abs=6e-4)
        for values in sorted(results.values(), key=fmean, reverse=True)
    ]
    alone = shelf.look(f"{SWEEP}?by=p.lr&by=p.optimizer&by=p.seed&spread=error")

    assert {row[4] for row in alone.rows("groups")} == {"–"}
    alone = shelf.look(f"{SWEEP}?by=p.lr&by=p.optimizer&by=p.seed")
    assert {row[4] for row in alone.rows("groups")} == {"–"}


def test_the_best_and_importance_speak_of_groups(shelf: Shelf, results: Results) -> None:
    page = shelf.look(f"{SWEEP}?by=p.lr&by=p.optimizer")
    values = max(results.values(), key=fmean)
    best = page.html.split('id="best"')[1].split("</section>")[0]
    mattered = page.html.split('id="mattered"')[1].split("</section>")[0]

    assert f'class="best-number">{fmean(values):.3f}' in best
    assert f"mean of 5 runs, {min(values):.3f} to {max(values):.3f}" in best
    assert "seed" not in mattered
    assert "6 groups of about" in mattered
    assert "6 groups of about" not in shelf.look(SWEEP).text


def test_a_group_leads_to_its_runs(shelf: Shelf) -> None:
    page = shelf.look(f"{SWEEP}?by=p.lr&by=p.optimizer&f.seed=..3")
    link = next(link for link in page.links if "f.lr=0.1&f.optimizer=sgd" in link)

    assert len(shelf.look(link).rows("runs")) == 3
    assert len(shelf.look(f"{SWEEP}?by=p.lr&f.lr=0.1").rows("groups")) == 1


def test_a_run_of_two_tags_is_in_the_group_of_each_and_one_without_in_that_of_none(shelf: Shelf) -> None:
    rows = {row[0]: row[2:] for row in shelf.look(f"{SWEEP}?by=tags").rows("groups")}

    assert {tag: row[-2] for tag, row in rows.items()} == {"last": "5", "good": "5", "–": "24 of 25"}


def test_what_is_no_field_groups_nothing(shelf: Shelf) -> None:
    assert "groups-title" not in shelf.look(f'{SWEEP}?by="').html
    assert "groups-title" not in shelf.look(f"{SWEEP}?by=p.lr&w.host=x").html
    assert [row[0] for row in shelf.look(f"{SWEEP}?by=loss").rows("groups")] == ["–"]
