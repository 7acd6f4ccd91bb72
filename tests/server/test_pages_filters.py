"""The filters of a sweep's page: what the address asks for is what all parts show, and nothing is hidden in silence."""

import base64
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
SEARCH = """
method: random
run_cap: 60
metric: {name: %s, goal: %s}
parameters:
  learning_rate: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
  optimizer: {values: [adam, sgd, "1..2"]}
  layers: {values: [1, 2, 3]}
  shuffle: {values: [true, false]}
  model:
    parameters:
      width: {distribution: int_uniform, min: 1, max: 100}
"""
Made = dict[str, dict[str, Any]]


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def filled(shelf: Shelf, goal: str = "maximize", runs: int = 60) -> Made:
    """A sweep whose every tenth run failed, after a value that is better than all others; by name what each is."""
    chance = random.Random(3)
    project = shelf.project()
    config = SEARCH % ("score", goal)
    sweep = shelf.sweep(project, config=config, method="random", expected=runs, metric_name="score", goal=goal)
    agent = shelf.agent(sweep, "agent-1")
    made: Made = {}
    for number in range(runs):
        params = {
            "learning_rate": 10 ** chance.uniform(-4, -1),
            "optimizer": chance.choice(["adam", "sgd", "1..2"]),
            "layers": chance.choice([1, 2, 3]),
            "shuffle": chance.choice([True, False]),
            "model": {"width": chance.randint(1, 100)},
        }
        failed = number % 10 == 9
        metric = 9.0 * (1 if goal == "maximize" else -1) if failed else chance.random()
        state = "failed" if failed else "finished"
        shelf.run(project, sweep, number, state, metric, params, agent_id=agent, cause="no" if failed else None)
        made[f"trial {number + 1}"] = {**params, "score": None if failed else metric, "state": state}
    return made


def shown(page: Seen) -> set[str]:
    """The runs of the table, on all pages of a filter that leaves few."""
    return {name.removeprefix("best ") for name in page.column("runs", 0)}


FILTERS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "f.learning_rate=0.001..0.01": lambda run: 0.001 <= run["learning_rate"] <= 0.01,
    "f.learning_rate=1e-3..1e-2": lambda run: 0.001 <= run["learning_rate"] <= 0.01,
    "f.learning_rate=0.01..0.001": lambda run: 0.001 <= run["learning_rate"] <= 0.01,
    "f.learning_rate=..0.001&f.learning_rate=0.05..": lambda run: not 0.001 < run["learning_rate"] < 0.05,
    "f.optimizer=adam": lambda run: run["optimizer"] == "adam",
    "f.optimizer=adam&f.optimizer=sgd": lambda run: run["optimizer"] in ("adam", "sgd"),
    "f.layers=2": lambda run: run["layers"] == 2,
    "f.layers=2.0": lambda run: run["layers"] == 2,
    "f.layers=1.5..": lambda run: run["layers"] > 1,
    "f.shuffle=true": lambda run: run["shuffle"],
    "f.model.width=10..40": lambda run: 10 <= run["model"]["width"] <= 40,
    "m=0.5..": lambda run: run["score"] is not None and run["score"] >= 0.5,
    "m=..0.5&f.optimizer=sgd": lambda run: (run["score"] or 1) <= 0.5 and run["optimizer"] == "sgd",
    "state=failed&f.layers=1": lambda run: run["state"] == "failed" and run["layers"] == 1,
}  # fmt: skip


@pytest.mark.parametrize("asked", FILTERS)
def test_a_filter_leaves_the_runs_that_it_says(shelf: Shelf, asked: str) -> None:
    made = filled(shelf)
    expected = {name for name, run in made.items() if FILTERS[asked](run)}
    assert 0 < len(expected) < 50

    page = shelf.look(f"{SWEEP}?{asked}")

    assert shown(page) == expected
    assert f"{len(expected)} of 60 runs" in page.text


PART = '<section [^>]*id="%s".*?</section>'


def test_what_is_looked_at_first_is_asked_for_alone_and_is_as_on_the_whole_page(shelf: Shelf) -> None:
    filled(shelf)
    asked = f"{SWEEP}?m=0.5..&f.optimizer=adam"

    whole, first = shelf.look(asked).html, shelf.look(asked, headers={"X-First-Look": "1"}).html

    for part in ("filters", "parallel", "runs"):
        (found,) = re.findall(PART % part, first, re.DOTALL)
        assert found in whole
    assert not re.search(PART % "best", first, re.DOTALL)


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
@pytest.mark.parametrize("share", [10, 25])
def test_the_best_share_is_of_the_runs_with_a_result(shelf: Shelf, goal: str, share: int) -> None:
    made = filled(shelf, goal)
    values = {name: run["score"] for name, run in made.items() if run["score"] is not None}
    ranked = sorted(values, key=values.__getitem__, reverse=goal == "maximize")

    page = shelf.look(f"{SWEEP}?top={share}")

    assert shown(page) == set(ranked[: {10: 6, 25: 14}[share]])


def test_shares_are_offered_of_more_than_a_handful(shelf: Shelf) -> None:
    filled(shelf, runs=19)

    assert "Best 25 %" not in shelf.look(SWEEP).text
    assert "Best 25 %" in shelf.look(f"{SWEEP}?top=10").text


def test_all_parts_are_of_the_chosen_runs_and_say_what_is_left_out(shelf: Shelf) -> None:
    made = filled(shelf)
    first = max((name for name in made if made[name]["score"]), key=lambda name: made[name]["score"])
    optimizer = "adam" if made[first]["optimizer"] == "sgd" else "sgd"
    chosen = {name: run["score"] for name, run in made.items() if run["optimizer"] == optimizer}
    valued = {name: score for name, score in chosen.items() if score is not None}
    best = max(valued, key=valued.__getitem__)

    page = shelf.look(f"{SWEEP}?f.optimizer={optimizer}")
    parallel = page.html.split('class="parallel wide"')[1].split('class="parallel narrow"')[0]
    groups = re.findall(r'<g class="lines([^"]*)">(.*?)</g>', parallel)
    drawn = sum(lines.count("<path") for css, lines in groups if "context" not in css)
    behind = sum(lines.count("<path") for css, lines in groups if "context" in css)

    assert drawn == len(valued)
    assert behind == 54 - len(valued)
    assert shown(page) == set(chosen)
    assert page.rows("runs")[0][0] == f"best {best}"
    assert "best of all" in page.text
    assert page.html.count('class="block ctx') == 60 - len(chosen)


def test_a_chip_drops_its_filter_and_keeps_the_others(shelf: Shelf) -> None:
    made = filled(shelf)
    page = shelf.look(f"{SWEEP}?sort=run&f.optimizer=sgd&f.learning_rate=0.001..0.05&m=..0.9")
    chips = [dict(attrs) for tag, attrs in page.tags if tag == "a" and attrs.get("class") == "chip"]

    assert [chip["title"] for chip in chips] == ["sgd", "1e-3–0.05", "≤ 0.9"]
    dropped = shelf.look(chips[0]["href"] or "")

    assert "sort=run" in (chips[0]["href"] or "")
    assert shown(dropped) == {
        name
        for name, run in made.items()
        if run["score"] is not None and run["score"] <= 0.9 and 0.001 <= run["learning_rate"] <= 0.05
    }


def test_a_value_on_an_axis_is_a_link_that_takes_it_in_and_out(shelf: Shelf) -> None:
    made = filled(shelf)

    def link(page: Seen, name: str) -> str:
        return next(attrs["href"] or "" for tag, attrs in page.tags if tag == "a" and attrs.get("aria-label") == name)

    page = shelf.look(f"{SWEEP}?sort=time&page=2&x=time")
    only = link(page, "Only runs with optimizer sgd")
    both = link(shelf.look(only), "Only runs with optimizer adam")
    adam = link(shelf.look(both), "Leave out the filter optimizer sgd")

    assert parse_qsl(only.split("?")[1]) == [("sort", "time"), ("x", "time"), ("f.optimizer", "sgd")]
    assert shown(shelf.look(both)) == {name for name, run in made.items() if run["optimizer"] in ("adam", "sgd")}
    assert shown(shelf.look(adam)) == {name for name, run in made.items() if run["optimizer"] == "adam"}


def test_a_value_that_reads_like_a_range_is_still_a_value(shelf: Shelf) -> None:
    """A filter cannot tell both apart, so it says plainly what it took it for: nothing lies in that range."""
    filled(shelf)

    page = shelf.look(f"{SWEEP}?{urlencode({'f.optimizer': '1..2'})}")

    assert "0 of 60 runs" in page.text


def test_what_leaves_no_run_says_so_and_leads_back(shelf: Shelf) -> None:
    filled(shelf)

    page = shelf.look(f"{SWEEP}?f.layers=2&f.optimizer=lion")

    assert "No run matches" in page.text
    assert "None of 60 runs is left" in page.text
    assert f"{SWEEP}?f.layers=2" in page.links
    assert SWEEP in page.links


@pytest.mark.parametrize("asked", ["f.=1", "top=11", "m=", "f.layers=", "x=money"])
def test_what_makes_no_sense_is_as_if_it_were_not_there(shelf: Shelf, asked: str) -> None:
    filled(shelf, runs=10)

    page = shelf.look(f"{SWEEP}?{asked}")

    assert "10 runs" in page.text
    assert "No run matches" not in page.text


def test_importance_hears_of_settings_and_not_of_results(shelf: Shelf) -> None:
    filled(shelf)

    everything, good, sgd = (
        shelf.look(f"{SWEEP}?{asked}").html.split('id="mattered"')[1].split("</section>")[0]
        for asked in ("", "m=0.5..", "f.optimizer=sgd")
    )

    assert "54 runs" in everything
    assert "54 runs, whatever their result" in good
    assert "54 runs" not in sgd


def test_columns_are_left_out_and_brought_back(shelf: Shelf) -> None:
    filled(shelf, runs=10)
    page = shelf.look(SWEEP)
    without = next(link for link in page.links if "hide=p.layers" in link)

    heads = [row for row in shelf.look(without).html.split("<th ") if "columnheader" in row]
    again = next(link for link in shelf.look(f"{without}&hide=state").links if link == f"{SWEEP}?hide=state")

    assert not any(">layers" in head for head in heads)
    assert any(">optimizer" in head for head in heads)
    assert len(shelf.look(again).rows("runs")[0]) == len(page.rows("runs")[0]) - 1


def test_what_is_out_of_scale_is_drawn_when_asked_for(shelf: Shelf) -> None:
    project = shelf.project()
    sweep = shelf.sweep(project, expected=60)
    for number in range(60):
        diverged = number % 20 == 9
        shelf.run(project, sweep, number, metric=-50.0 if diverged else 0.8 + number / 1000)
    usual = shelf.look(SWEEP)
    whole = shelf.look(next(link for link in usual.links if "scale=whole" in link))

    assert "▽ 3 below" in usual.text
    assert "▽" not in whole.text.split("Parallel coordinates")[1].split("Runs")[0]
    assert usual.html.count("data-run=") < whole.html.count("data-run=")
    assert SWEEP in whole.links


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("f.layers=1&add=f.optimizer&is=+adam+", f"{SWEEP}?f.layers=1&f.optimizer=adam"),
        ("add=m&is=0.5..&top=10", f"{SWEEP}?top=10&m=0.5.."),
        ("add=f.layers&is=+", SWEEP),
        ("add=&is=3", SWEEP),
    ],
)
def test_the_form_for_a_filter_leads_to_its_address(shelf: Shelf, sent: str, address: str) -> None:
    filled(shelf, runs=10)

    headers = {"Authorization": "Basic " + base64.b64encode(f"api:{shelf.keys.api_key}".encode()).decode()}
    answer = shelf.http.get(f"{SWEEP}?{sent}", headers=headers)

    assert (answer.status_code, answer.headers["location"]) == (303, address)


def test_the_best_so_far_is_drawn_over_time_too(shelf: Shelf) -> None:
    filled(shelf)
    by_time = next(link for link in shelf.look(SWEEP).links if link == f"{SWEEP}?x=time")

    plot = shelf.look(by_time).html.split('class="best-plot"')[1].split("</figure>")[0]

    assert re.search(r"the best at \d+ s|the best at \d+ m", plot)
    assert "runs</text>" not in plot


def test_axes_are_chosen_by_hand_and_stay_in_the_address_and_the_rest_is_named(shelf: Shelf) -> None:
    filled(shelf)

    page = shelf.look(f"{SWEEP}?axis=model.width&axis=optimizer&axis=nothing")

    for form in ("wide", "narrow"):
        drawing = page.html.partition(f'class="parallel {form}"')[2].partition("</div>")[0]
        names = re.findall(r'class="axis-name"[^>]*>(?:<title>([^<]+)</title>)?<tspan[^>]*>([^<]+)<', drawing)
        assert [title or text for title, text in names] == ["model.width", "optimizer", "score"]
    menu = page.html.partition('id="axes-narrow"')[2].partition("</details>")[0]
    assert "3 left out" in menu
    assert len(re.findall("aria-current", menu)) == 2
    assert any("axis=layers&axis=model.width&axis=optimizer" in link for link in page.links)
