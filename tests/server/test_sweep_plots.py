"""What a sweep's page draws: parallel coordinates, importance, learning curves, the agents' time."""

import gzip
import json
import math
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from charts.timeline import Block, Span, foot, row
from server.pages.compare.choice import MOST
from server.pages.sweep.curves import FEWER_LINES
from server.store import page_queries
from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
SEARCH = """
method: random
run_cap: 5000
metric: {name: val_accuracy, goal: maximize}
early_terminate: {type: hyperband, min_iter: 1, eta: 3}
parameters:
  learning_rate: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
  dropout: {min: 0.0, max: 0.5}
  optimizer: {values: [adam, "<sgd>"]}
  epochs: {value: 5}
"""
PAGE_BYTES = 150_000


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def filled(shelf: Shelf, runs: int, agents: int = 2) -> tuple[int, list[int]]:
    """A sweep whose metric depends on the learning rate alone; every tenth run stopped early, every 50th failed."""
    chance = random.Random(7)
    project = shelf.project()
    sweep = shelf.sweep(project, config=SEARCH, expected=5000, method="random")
    crew = [shelf.agent(sweep, f"agent-{number}") for number in range(agents)]
    ids = []
    for number in range(runs):
        params: dict[str, Any] = {
            "learning_rate": 10 ** chance.uniform(-4, -1),
            "dropout": chance.random() / 2,
            "optimizer": chance.choice(["adam", "<sgd>"]),
            "epochs": 5,
        }
        ends: dict[str, Any] = {"metric": 0.9 - params["learning_rate"] + chance.gauss(0, 0.002)}
        if number % 50 == 49:
            ends = {"state": "failed", "cause": "out of memory"}
        elif number % 10 == 9:
            ends |= {
                "state": "killed",
                "cause_kind": "stopped by early termination",
                "early_stop": json.dumps({"reason": "rank 7 of 9 at epoch 3; 3 go on", "bracket": 3, "needed": 0.75}),
            }
        started_at_s = shelf.clock() - 600 + 500 * number / runs
        shift: dict[str, Any] = {"started_at_s": started_at_s, "ended_at_s": started_at_s + 400 * agents / runs}
        ids.append(shelf.run(project, sweep, number, params=params, agent_id=crew[number % agents], **ends, **shift))
    return sweep, ids


def part(page: Seen, name: str) -> Seen:
    """One section of the page."""
    return Seen(page.html.split(f'id="{name}"', 1)[1].split("</section>", 1)[0])


def lines(page: Seen) -> int:
    """Chosen runs in the wide drawing of parallel coordinates."""
    wide = part(page, "parallel").html.split('class="parallel narrow"')[0]
    return sum(group.count("<path") for group in re.findall(r'<g class="lines(?! context).*?</g>', wide))


def test_importance_is_withheld_from_few_runs_and_told_with_its_interval_from_many(shelf: Shelf) -> None:
    filled(shelf, 12)
    few = part(shelf.look(SWEEP), "mattered").text
    assert "too few runs" in few
    assert "12 of about 30 needed for 3 parameters" in few
    assert all(name in few for name in ("learning_rate", "dropout", "optimizer")), "each is drawn against the metric"
    assert "lower is better" not in few


def test_the_strongest_parameter_is_named_with_its_direction_and_stands_beside_the_result(shelf: Shelf) -> None:
    filled(shelf, 60)
    page = shelf.look(SWEEP)
    mattered = part(page, "mattered")
    assert "59 runs" in mattered.text
    assert re.search(r"learning_rate lower is better .*?0\.\d\d 0\.\d\d–", mattered.text)
    assert "cannot tell from 0" in mattered.text
    heads = re.findall(r'class="axis-name"[^>]*><tspan>([^<]*)<', part(page, "parallel").html)
    assert heads[2:4] == ["learning_rate", "val_accuracy"]


def test_runs_without_a_value_and_out_of_scale_are_counted_and_not_drawn(shelf: Shelf) -> None:
    sweep, _ = filled(shelf, 50)
    shelf.run(1, sweep, 50, metric=-1e6, params={"learning_rate": 0.1, "dropout": 0.1, "optimizer": "adam"})
    page = shelf.look(SWEEP)
    assert "✕ 1 without a value" in part(page, "parallel").text
    out = re.search(r"▽ (\d+) below", part(page, "parallel").text)
    assert out is not None
    assert lines(page) == 50 - int(out[1])
    assert "-1e6" not in part(page, "parallel").text
    assert "<sgd>" not in page.html
    assert "&lt;sgd&gt;" in page.html


def test_the_filter_by_state_acts_on_every_drawing(shelf: Shelf) -> None:
    _, ids = filled(shelf, 100)
    for run in (ids[0], ids[89]):
        shelf.history(run, [{"epoch": 1, "val_accuracy": 0.5}, {"epoch": 2, "val_accuracy": 0.6}])
    everything, stopped = shelf.look(SWEEP), shelf.look(f"{SWEEP}?state=stopped+early")
    assert lines(everything) > 70
    assert 0 < lines(stopped) <= 8
    assert "8 of 100 runs" in part(stopped, "filters").text
    assert "too few runs" in part(stopped, "mattered").text
    assert "trial 1 " not in part(stopped, "curves").text
    assert everything.html.count('class="block ctx"') == 0 < stopped.html.count('class="block ctx"')
    failed = shelf.look(f"{SWEEP}?state=failed")
    assert lines(failed) == 0
    assert "None of these runs has logged val_accuracy" in part(failed, "best").text


def test_curves_are_of_the_best_runs_and_the_last_one_stopped_with_its_reason(shelf: Shelf) -> None:
    _, ids = filled(shelf, 20)
    for run in ids:
        shelf.history(run, [{"epoch": epoch, "val_accuracy": 0.5 + epoch / 10} for epoch in (1, 2, 3)])
    curves = part(shelf.look(SWEEP), "curves")
    assert curves.text.count("Finished") == 3
    assert "trial 20 Stopped early 0.8000 rank 7 of 9 at epoch 3; 3 go on" in re.sub(r"0\.8\d*", "0.8000", curves.text)
    assert "rung 1" in curves.text
    assert "rung 2" in curves.text
    assert "0.750 needed" in curves.text
    assert "Early termination compares runs at epochs 1, 3, 9" in curves.text


def test_a_reader_chooses_the_runs_whose_curves_are_drawn(shelf: Shelf) -> None:
    _, ids = filled(shelf, 8)
    for run in ids:
        shelf.history(run, [{"_step": 0, "val_accuracy": 0.5}, {"_step": 1, "val_accuracy": 0.6}])
    page = shelf.look(f"{SWEEP}?run=run5,run2,of-another-sweep")
    curves = part(page, "curves")
    assert [name for name in curves.texts if name.startswith("trial")] == ["trial 5", "trial 2"]
    assert "2 chosen" in curves.text
    assert SWEEP in curves.links
    labels = {attrs.get("aria-label"): attrs["href"] for tag, attrs in page.tags if tag == "a"}
    assert labels["Compare no longer trial 5"] == f"{SWEEP}?run=run2"


def test_the_histories_of_drawn_curves_alone_are_read_and_each_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ids = filled(shelf, 240)
    for run in ids:
        shelf.history(run, [{"epoch": 1, "val_accuracy": 0.5}])
    read: list[int] = []
    whole = page_queries.history_sample

    def counting(connection: sqlite3.Connection, run_id: int, limit: int) -> list[str]:
        read.append(run_id)
        return whole(connection, run_id, limit)

    monkeypatch.setattr(page_queries, "history_sample", counting)
    shelf.look(SWEEP)
    assert 60 < len(read) <= FEWER_LINES + MOST
    assert len(set(read)) == len(read)


@pytest.mark.parametrize(
    "path", ["/", SWEEP, f"{SWEEP}?f.dropout=0.1..", f"{SWEEP}?run=run2,run5", "/local/p/runs/run2"]
)
def test_a_page_asks_the_store_nothing_twice(shelf: Shelf, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ids = filled(shelf, 60)
    shelf.history(ids[1], [{"epoch": 1, "val_accuracy": 0.5}])
    shelf.sweep(1, "sweep2", state="FINISHED", stop_reason="nothing gets better", ended_at_s=shelf.clock())
    asked: list[str] = []
    read = shelf.database.read

    @contextmanager
    def listened_to(limit_s: float = math.inf) -> Iterator[sqlite3.Connection]:
        with read(limit_s) as connection:
            connection.set_trace_callback(asked.append)
            yield connection

    monkeypatch.setattr(shelf.database, "read", listened_to)
    shelf.look(path)

    # These tell whether an answer that was kept still holds.
    marks = ("SELECT mark FROM sweep_mark", "SELECT max(number) FROM run_change")
    selects = [sql for sql in asked if sql.startswith("SELECT") and not sql.startswith(marks)]
    assert len(selects) > 5
    assert [sql for sql, times in Counter(selects).items() if times > 1] == []


def test_an_agent_s_time_tells_failures_retries_and_why_it_is_idle(shelf: Shelf) -> None:
    sweep, _ = filled(shelf, 50, agents=1)
    now_s = shelf.clock()
    shelf.run(1, sweep, agent_id=1, metric=0.5, trial_id=50, started_at_s=now_s - 20, ended_at_s=now_s - 10)
    agents = part(shelf.look(SWEEP), "agents")
    tips = [attrs["data-tip"] for _, attrs in agents.tags if "data-tip" in attrs]
    assert "trial 51\nattempt 2, 10 s, finished" in tips
    assert "↻" in agents.text
    assert any("failed: out of memory" in str(tip) for tip in tips)
    assert "idle: about to ask for a run" in agents.text
    assert agents.text.endswith("now")


def test_a_page_stays_small_however_many_runs_it_draws(shelf: Shelf) -> None:
    filled(shelf, 2000, agents=20)
    page = shelf.look(SWEEP)
    assert lines(page) == 800
    assert re.search(r"800 of 1,\d{3} runs are drawn", part(page, "parallel").text)
    assert len(gzip.compress(page.html.encode())) < PAGE_BYTES


def test_a_timeline_joins_runs_in_one_place_and_shows_the_worst() -> None:
    crowd = [Block(number / 100, number / 100 + 0.005, "finished", f"run {number}") for number in range(50)]
    drawn = row([*crowd, Block(0.203, 0.204, "failed", "run 50"), Block(50, 100, "running", "run 51")], Span(0, 100))
    assert drawn.count("<rect") == 2
    assert 'class="block failed"' in drawn
    assert "51 runs: 50 finished&#10;1 failed" in drawn
    assert ">50 s<" in drawn, "the gap between both says how long it was"
    assert 'aria-label="52 runs: 50 finished, 1 failed, 1 running"' in drawn


@pytest.mark.parametrize(
    ("length_s", "labels"),
    [(120, ["0", "20 s", "40 s", "1 m", "1 m 20 s", "1 m 40 s"]), (5 * 24 * 3600, ["0", "1 d", "2 d", "3 d", "4 d"])],
)
def test_time_is_told_in_round_steps(length_s: float, labels: list[str]) -> None:
    assert re.findall(r">([^<]+)</text>", foot(Span(1000, 1000 + length_s), "now")) == [*labels, "now"]
