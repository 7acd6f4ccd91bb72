"""Any field of a run is a column, an order and a filter; what a filter cannot mean is said."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
SEARCH = """
method: random
metric: {name: val.acc, goal: maximize}
parameters:
  lr: {min: 0.1, max: 0.9}
  optimizer: {values: [adam, sgd]}
"""
DAY_S = 24 * 3600
Made = dict[str, dict[str, Any]]


def filled(shelf: Shelf, runs: int = 12) -> Made:
    """Runs of two hosts and agents on several days; by name what each is."""
    chance = random.Random(5)
    project = shelf.project()
    sweep = shelf.sweep(project, config=SEARCH, method="random", expected=runs, metric_name="val.acc")
    agents = [shelf.agent(sweep, "agent-a"), shelf.agent(sweep, "agent-b")]
    made: Made = {}
    for number in range(runs):
        params = {"lr": chance.uniform(0.1, 0.9), "optimizer": chance.choice(["adam", "sgd"])}
        config = {**params, "data": {"size": number * 10}, "seed.no": number % 3, "on": number % 2 == 0}
        summary: dict[str, Any] = {
            "val": {"acc": number / 100},
            "loss": {"min": 1 / (number + 1), "last": 2.0},
            "bad": "NaN",
        }
        if number % 2:
            summary["bad"] = number
        tags = ["base", f"t{number % 4}"] if number < 8 else []
        shelf.run(
            project,
            sweep,
            number,
            metric=number / 100,
            params=params,
            summary=summary,
            config=json.dumps({name: {"value": value} for name, value in config.items()}),
            tags=json.dumps(tags),
            group_name="first" if number < 5 else None,
            job_type="train",
            host=f"host-{number % 2}",
            agent_id=agents[number % 2],
            notes=f"Note of Run {number}",
            user_name="ada" if number == 3 else None,
            created_at_s=shelf.clock() - 400 - number * DAY_S,
            started_at_s=shelf.clock() - 300,
            ended_at_s=shelf.clock() - 300 + number,
        )
        made[f"trial {number + 1}"] = {"number": number, **config, "tags": tags}
    return made


@pytest.fixture(scope="module")
def made() -> Made:
    return {}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, made: Made) -> Iterator[Shelf]:
    """One sweep that no test changes."""
    with shelf_at(tmp_path_factory.mktemp("fields") / "data", Clock()) as shelf:
        made.update(filled(shelf))
        yield shelf


def names(page: Seen) -> list[str]:
    """The runs of the table, from top to bottom."""
    return [name.removeprefix("best ") for name in page.column("runs", 0)]


FILTERS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "w.tags=base": lambda run: run["number"] < 8,
    "w.tags=t1&w.tags=t2": lambda run: run["number"] in (1, 2, 5, 6),
    "w.group=first": lambda run: run["number"] < 5,
    "w.host=host-1&w.agent=agent-b": lambda run: run["number"] % 2 == 1,
    "w.config.data.size=..30": lambda run: run["number"] <= 3,
    "w.config.seed.no=1": lambda run: run["number"] % 3 == 1,
    "w.config.on=true": lambda run: run["number"] % 2 == 0,
    "w.summary.val.acc=0.05..": lambda run: run["number"] >= 5,
    "w.summary.loss.min=0.2..0.5": lambda run: 1 <= run["number"] <= 4,
    "w.summary.bad=5": lambda run: run["number"] == 5,
    "w.notes=~RUN 1": lambda run: run["number"] in (1, 10, 11),
    "w.id=run4": lambda run: run["number"] == 3,
    "w.name=trial 7": lambda run: run["number"] == 6,
    "w.user=ada": lambda run: run["number"] == 3,
    "w.time=..3": lambda run: run["number"] <= 3,
    "w.job_type=train&w.lr=1&f.optimizer=adam": lambda run: run["optimizer"] == "adam",
    "w.sweep=sweep1&w.state=finished&m=..0.03": lambda run: run["number"] <= 3,
}


@pytest.mark.parametrize("asked", FILTERS)
def test_a_filter_of_any_field_leaves_the_runs_that_it_says(shelf: Shelf, made: Made, asked: str) -> None:
    page = shelf.look(f"{SWEEP}?{asked.replace(' ', '+')}")

    assert set(names(page)) == {name for name, run in made.items() if FILTERS[asked](run)}
    assert "alert" not in [attrs.get("role") for _, attrs in page.tags]


def test_a_day_and_a_range_of_days_leave_the_runs_that_were_made_then(shelf: Shelf) -> None:
    day = [datetime.fromtimestamp(shelf.clock() - 400 - number * DAY_S).strftime("%Y-%m-%d") for number in range(12)]

    assert names(shelf.look(f"{SWEEP}?w.created={day[2]}")) == ["trial 3"]
    assert len(names(shelf.look(f"{SWEEP}?w.created={day[4]}..{day[2]}"))) == 3
    assert len(names(shelf.look(f"{SWEEP}?w.created={day[1]}T00:00.."))) == 2


ORDERS = {
    "sort=config.data.size&order=desc": list(range(11, -1, -1)),
    "sort=summary.loss.min": list(range(11, -1, -1)),
    "sort=created&order=asc": list(range(11, -1, -1)),
    "sort=time": list(range(12)),
    "sort=notes": [0, 1, 10, 11, *range(2, 10)],
    "sort=host&order=desc": [1, 3, 5, 7, 9, 11, 0, 2, 4, 6, 8, 10],
    "sort=summary.bad&order=desc": [11, 9, 7, 5, 3, 1, 0, 2, 4, 6, 8, 10],
    'sort=summary."': list(range(11, -1, -1)),
}


@pytest.mark.parametrize("asked", ORDERS)
def test_the_table_is_in_the_order_of_any_field_and_what_lacks_it_comes_last(shelf: Shelf, asked: str) -> None:
    shown = names(shelf.look(f"{SWEEP}?{asked}"))

    assert shown[0] == "trial 12", "the best one is pinned"
    assert shown[1:] == [f"trial {number + 1}" for number in ORDERS[asked] if number != 11]


def test_columns_stand_as_the_address_has_them_and_are_moved_and_left_out_by_links(shelf: Shelf) -> None:
    asked = ["tags", "config.seed.no", "loss.last", "agent", "notes", "state", "p.lr", "id", "name", "sweep", "user"]
    page = shelf.look(f"{SWEEP}?{urlencode([('col', name) for name in asked])}")

    moved = [attrs for tag, attrs in page.tags if tag == "a" and attrs.get("aria-label") == "Agent: one to the left"]
    without = next(link for link in page.links if "col=state" in link and "col=tags" not in link)

    last = ["Id", "Name", "Sweep", "User"]
    assert page.heads("runs") == ["Run", "Tags", "seed.no", "loss.last", "Agent", "Notes", "State", "lr", *last]
    assert page.rows("runs")[-1][-4:] == ["run1", "trial 1", "sweep1", "–"]
    assert page.rows("runs")[-1][1:6] == ["base, t0", "0", "2.0", "agent-a", "Note of Run 0"]
    assert shelf.look(str(moved[0]["href"])).heads("runs")[2:5] == ["seed.no", "Agent", "loss.last"]
    assert "Tags" not in shelf.look(without).heads("runs")


def test_what_can_be_a_column_or_asked_about_is_offered(shelf: Shelf) -> None:
    offered = [attrs.get("value") for tag, attrs in shelf.look(SWEEP).tags if tag == "option"]

    assert {"tags", "config.data.size", "summary.loss.min", "notes"} <= set(offered)
    assert {"f.lr", "m", "w.tags", "w.summary.loss.min"} <= set(offered)
    assert "config.lr" not in offered, "a parameter is offered once"


def test_a_column_is_added_by_the_form_to_those_that_are_shown(shelf: Shelf) -> None:
    page = shelf.look(f"{SWEEP}?hide=time&f.optimizer=adam")
    form = page.html.split('id="columns"')[1].split("</form>")[0]
    kept = [(str(attrs["name"]), attrs["value"]) for tag, attrs in Seen(form).tags if attrs.get("type") == "hidden"]

    with_host = shelf.look(f"{SWEEP}?{urlencode([*kept, ('col', 'host')])}")

    assert with_host.heads("runs") == [*page.heads("runs"), "Host"]
    assert names(with_host) == names(page)


WRONG = {
    "f.lr=abc": "lr is a number: it takes one, as 0.1, or a range, as 0.1..0.3, 0.1.. or ..0.3, not abc.",
    "m=good": "val.acc is a number",
    "f.optimizer=adm": "optimizer is never adm: it is adam, sgd. Did you mean adam?",
    "f.lrr=1": "This sweep has no parameter lrr: it varies lr, optimizer. Did you mean lr?",
    "w.host=host-9": "No run has host-9 as Host: there is host-0, host-1. Did you mean",
    "w.tags=bas": "No run has bas as Tags: there is base, t0, t1, t2 and 1 more. Did you mean base?",
    "w.summary.loss.min=low": "loss.min is a number",
    "w.created=yesterday": "Created takes a day or a range of days",
    "w.created=2026-99-99": "Created takes a day or a range of days",
    "w.cause=x": "No run has a value of Cause.",
}


@pytest.mark.parametrize("asked", WRONG)
def test_a_filter_that_can_mean_nothing_says_what_is_wrong_and_what_is_near(shelf: Shelf, asked: str) -> None:
    page = shelf.look(f"{SWEEP}?{asked}")

    assert WRONG[asked] in page.text
    assert "No run matches" in page.text
    assert "has logged" not in page.text
