"""What the pages say about sweeps and runs."""

import gzip
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.pages import rendering
from server.store import writes
from tests.server.shelf import BASE, Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


@pytest.fixture
def project(shelf: Shelf) -> int:
    return shelf.project()


def test_an_empty_server_shows_the_first_three_lines(shelf: Shelf) -> None:
    page = shelf.look("/")

    assert "No sweeps yet" in page.text
    assert f"export WANDB_BASE_URL={BASE}" in page.text
    assert f"export WANDB_API_KEY=$(cat {shelf.settings.data}/api-key)" in page.text
    assert "wandb sweep sweeps/layer_size.yaml" in page.text
    assert "wandb agent local/PROJECT/SWEEP_ID" in page.text
    assert "make up" in page.text
    assert shelf.keys.api_key not in page.html


def test_the_list_tells_each_sweep_s_state_progress_and_best(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, display_name="layer size")
    agent = shelf.agent(sweep, "a1")
    for number, metric in enumerate((0.81, 0.8853, 0.8832)):
        shelf.run(project, sweep, number, metric=metric, agent_id=agent)
    shelf.run(project, sweep, 3, state="failed", cause="exit 1")
    shelf.run(project, sweep, 4, state="running", metric=0.5, agent_id=agent)
    shelf.sweep(project, "sweep2", method="random", expected=None, state="PENDING", metric_name=None)

    rows = shelf.look("/").rows("sweeps")

    assert sorted(row[:8] for row in rows) == [
        [
            "layer size grid of 6 · p",
            "Running 2 m left",
            "3 finished 1 failed 1 running 1 waiting",
            "4 of 6",
            "0.8853 val_accuracy ↑",
            "",
            "1",
            "10 m ago",
        ],
        [
            "sweep2 random, no end · p",
            "Waiting no agent yet",
            "",
            "0",
            "no value yet no metric named",
            "",
            "0",
            "10 m ago",
        ],
    ]


def test_the_list_can_show_only_running_or_finished_sweeps(shelf: Shelf, project: int) -> None:
    shelf.sweep(project, "going")
    shelf.sweep(project, "over", state="FINISHED", ended_at_s=shelf.clock())

    assert len(shelf.look("/").rows("sweeps")) == 2
    assert [row[0].split()[0] for row in shelf.look("/?show=running").rows("sweeps")] == ["going"]
    assert [row[0].split()[0] for row in shelf.look("/?show=done").rows("sweeps")] == ["over"]
    assert "All 2 Running 1 Done 1" in shelf.look("/?show=nonsense").text


def test_long_lists_of_sweeps_have_pages(shelf: Shelf, project: int) -> None:
    for number in range(51):
        shelf.sweep(project, f"sweep{number}", created_at_s=shelf.clock() - number)

    first, second = shelf.look("/"), shelf.look("/?page=2")

    assert len(first.rows("sweeps")) == 50
    assert "/?page=2" in first.links
    assert len(second.rows("sweeps")) == 1
    assert "sweep50" in second.rows("sweeps")[0][0]


def test_runs_without_a_sweep_stand_below(shelf: Shelf, project: int) -> None:
    shelf.run(project, name="alone1", display_name="by hand", state="failed", cause="ValueError: no")

    row = shelf.look("/").rows("loose")[0]

    assert row[:3] == ["by hand", "Failed ValueError: no", "p"]


def test_a_project_shows_only_its_own(shelf: Shelf, project: int) -> None:
    other = shelf.project("other")
    shelf.sweep(project, "mine")
    shelf.sweep(other, "theirs")

    page = shelf.look("/local/p")

    assert "mine" in page.text
    assert "theirs" not in page.text
    assert "There is no project local/unknown." in shelf.look("/local/unknown", 404).text


def test_a_sweep_tells_how_far_it_is_and_what_is_best(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, display_name="layer size")
    for number, metric in enumerate((0.81, 0.8853, 0.8832)):
        params = {"learning_rate": 10.0**-number, "optimizer": "adam", "epochs": 5}
        shelf.run(project, sweep, number, metric=metric, params=params)

    page = shelf.look(SWEEP)

    assert "maximise val_accuracy" in page.text
    assert "3 of 6 trials done" in page.text
    assert "0.8853 trial 2" in page.text
    assert "learning_rate 0.1 optimizer adam" in page.text
    assert page.rows("runs") == [
        ["best trial 2", "Finished", "0.8853", "0.1", "adam", "1 m 00 s"],
        ["trial 3", "Finished", "0.8832", "0.01", "adam", "1 m 00 s"],
        ["trial 1", "Finished", "0.8100", "1.0", "adam", "1 m 00 s"],
    ]


def test_the_smallest_value_is_best_where_the_metric_is_minimised(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, goal="minimize", metric_name="val_loss")
    for number, metric in enumerate((0.5, 0.3127, 0.4)):
        shelf.run(project, sweep, number, metric=metric)

    page = shelf.look(SWEEP)

    assert "minimise val_loss" in page.text
    assert page.column("runs", 2) == ["0.3127", "0.4000", "0.5000"]
    assert "0.3127 val_loss ↓" in shelf.look("/").rows("sweeps")[0][4]


def test_epochs_are_a_column_where_runs_count_them_and_the_first_may_be_called_0(shelf: Shelf, project: int) -> None:
    params = {"learning_rate": 0.1, "optimizer": "adam", "epochs": 12}
    sweep = shelf.sweep(project)
    without = shelf.run(project, sweep, 0, metric=0.9, params=params)
    assert "Epochs" not in shelf.look(SWEEP).heads("runs")

    from_1 = shelf.run(project, sweep, 1, metric=0.8, params=params, summary={"epoch": 12})
    from_0 = shelf.run(project, sweep, 2, metric=0.7, params=params, summary={"epoch": 11})
    for run, first in ((without, {"loss": 1}), (from_1, {"epoch": 1}), (from_0, {"epoch": 0})):
        shelf.history(run, [first])

    assert shelf.look(SWEEP).column("runs", 5) == ["–", "12 of 12", "12 of 12"]


def test_time_left_is_told_from_the_third_settled_run_on(shelf: Shelf, project: int) -> None:
    sweep, now_s = shelf.sweep(project, expected=20), shelf.clock()
    for number in range(2):
        shelf.run(project, sweep, number, created_at_s=now_s - 100, ended_at_s=now_s - 40)
    for number in (2, 3):
        shelf.run(project, sweep, number, state="running", created_at_s=now_s - 40)
    assert "ETA after 3 runs" in shelf.look(SWEEP).text

    shelf.run(project, sweep, 4, created_at_s=now_s - 100, ended_at_s=now_s - 40)

    # The two under way have 20 s each, then 15 waiting points of a minute take eight rounds of two.
    assert "8 m left done about" in shelf.look(SWEEP).text


def test_time_left_goes_by_the_epochs_that_the_runs_to_come_are_asked_for(shelf: Shelf, project: int) -> None:
    config = "method: grid\nmetric: {name: loss, goal: minimize}\nparameters: {epochs: {values: [2, 4, 6, 8, 100]}}"
    sweep, now_s = shelf.sweep(project, expected=5, config=config, next_index=4), shelf.clock()
    for number, epochs in enumerate((2, 4, 6)):
        took: dict[str, Any] = {"created_at_s": now_s - 10 * epochs, "ended_at_s": now_s}
        shelf.run(project, sweep, number, params={"epochs": epochs}, summary={"epoch": epochs}, **took)
    shelf.run(project, sweep, 3, state="running", params={"epochs": 8}, created_at_s=now_s)

    # At ten seconds an epoch, 80 s are left of the one under way, and the last one takes 1,000.
    assert "18 m left" in shelf.look(SWEEP).text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"state": "PENDING"}, "no agent yet"),
        ({"state": "PAUSED"}, "nothing under way"),
        ({"state": "RUNNING"}, "no agent alive"),
        ({"state": "CANCELED"}, "nothing was run"),
    ],
)
def test_a_sweep_that_does_not_move_says_why(shelf: Shelf, project: int, columns: dict[str, str], words: str) -> None:
    shelf.sweep(project, **columns)

    assert words in shelf.look(SWEEP).text


def test_a_finished_sweep_tells_how_long_it_took_and_asks_for_no_news(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, state="FINISHED", ended_at_s=shelf.clock() - 300 + 134)
    shelf.run(project, sweep, 0, metric=0.8)

    page = shelf.look(SWEEP)

    assert "took 2 m 14 s" in page.text
    assert "data-refresh-s" not in page.html
    shelf.sweep(project, "other")
    assert "data-refresh-s" in shelf.look("/local/p/sweeps/other").html


def test_a_sweep_without_runs_shows_the_agent_s_command(shelf: Shelf, project: int) -> None:
    shelf.sweep(project)

    page = shelf.look(SWEEP)

    assert "6 runs are ready. Start one:" in page.text
    assert "wandb agent local/p/sweep1" in page.text


def test_a_failed_run_shows_its_cause_in_words(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, state="failed", cause="out of memory", exit_code=137)
    shelf.run(project, sweep, 1, state="failed", exit_code=3)
    shelf.run(project, sweep, 2, state="crashed")

    states = shelf.look(SWEEP).column("runs", 1)

    assert states == [
        "Failed out of memory Retry",
        "Failed exit code 3 Retry",
        "Lost lost: nothing more was heard of it",
    ]


def test_a_metric_that_is_no_number_is_named(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, summary={"val_accuracy": float("nan")})
    shelf.run(project, sweep, 1, summary={"val_accuracy": "NaN"})
    shelf.run(project, sweep, 2, summary={})

    assert shelf.look(SWEEP).column("runs", 2) == ["NaN", "NaN", "–"]


def test_the_table_is_sorted_by_links_with_missing_values_last(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    for number, rate in enumerate((0.01, 0.1, None, 0.001)):
        shelf.run(project, sweep, number, params={"optimizer": "adam"} | ({"learning_rate": rate} if rate else {}))

    def rates(path: str) -> list[str]:
        return shelf.look(path).column("runs", 3)

    up = next(link for link in shelf.look(SWEEP).links if "sort=p.learning_rate" in link)
    assert rates(up) == ["1e-3", "0.01", "0.1", "–"]
    down = next(link for link in shelf.look(up).links if "sort=p.learning_rate" in link and "order=desc" in link)
    assert rates(down) == ["0.1", "0.01", "1e-3", "–"]
    for sort in ("run", "state", "rows", "time", "metric", "p.unknown", "); DROP TABLE run;--"):
        assert len(rates(f"{SWEEP}?sort={sort}&order=asc")) == 4


def test_the_table_has_pages_of_fifty_with_the_best_on_top_of_each(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, expected=120)
    for number in range(120):
        shelf.run(project, sweep, number, metric=number / 1000)

    first, last = shelf.look(SWEEP), shelf.look(f"{SWEEP}?page=3")

    assert "the best and 1 to 50 of 120 runs" in first.text
    assert [len(page.rows("runs")) for page in (first, last)] == [51, 20]
    assert all(page.rows("runs")[0][0] == "best trial 120" for page in (first, last))
    assert first.rows("runs")[1][0] == "trial 119"
    assert f"{SWEEP}?page=2" in first.links
    for page in ("0", "-1", "x", "9" * 40, "²"):
        assert shelf.look(f"{SWEEP}?page={page}")


def test_a_sweep_that_nobody_works_on_says_how_to_go_on(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.agent(sweep, "gone", silent_s=9999)
    shelf.run(project, sweep, 0, metric=0.8)
    command = "$ wandb agent local/p/sweep1"

    assert command in shelf.look(SWEEP).text
    shelf.agent(sweep, "alive")
    assert command not in shelf.look(SWEEP).text


def test_each_count_is_a_link_to_these_runs_alone(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, metric=0.8)
    shelf.run(project, sweep, 1, state="failed", cause="no")

    page = shelf.look(next(link for link in shelf.look(SWEEP).links if "state=failed" in link))

    assert page.column("runs", 0) == ["trial 2"]
    assert SWEEP in page.links
    assert "No run matches" in shelf.look(f"{SWEEP}?state=killed").text


DECISION = {"reason": "rank 3 of 3 at epoch 2; 2 go on", "bracket": 2, "rank": 3, "value": 0.25, "rivals": [0.8, 0.75]}
EARLY: dict[str, Any] = {
    "state": "killed",
    "cause": f"stopped early: {DECISION['reason']}",
    "cause_kind": "stopped by early termination",
    "early_stop": json.dumps(DECISION),
}


def test_runs_stopped_early_are_told_apart_from_those_a_person_killed(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, **EARLY)
    shelf.run(project, sweep, 1, **EARLY)
    shelf.run(project, sweep, 2, state="killed", cause_kind="stopped by a person")

    page = shelf.look(SWEEP)

    assert "2 stopped early 1 killed 3 waiting" in page.text
    assert "2 stopped early, 1 killed, 3 waiting" in page.html
    alone = shelf.look(next(link for link in page.links if "state=stopped" in link))
    assert alone.column("runs", 1) == ["Stopped early", "Stopped early"]
    assert shelf.look(f"{SWEEP}?state=killed").column("runs", 0) == ["trial 3"]


def test_a_run_that_had_very_many_rivals_says_how_many(shelf: Shelf, project: int) -> None:
    decision = DECISION | {"others": 4000, "needed": 0.7}
    early: dict[str, Any] = {"cause_kind": "stopped by early termination", "early_stop": json.dumps(decision)}
    shelf.run(project, shelf.sweep(project), 0, "killed", 0.25, **early)

    assert "those of 4,000 others: from 0.8 to 0.75" in shelf.look("/local/p/runs/run1").text


def test_a_run_stopped_early_shows_its_rank_and_the_values_of_its_rivals(shelf: Shelf, project: int) -> None:
    shelf.run(project, shelf.sweep(project), 0, name="this", **EARLY)

    text = shelf.look("/local/p/runs/this").text

    assert "Why it was stopped early Early termination ended it: rank 3 of 3 at epoch 2; 2 go on." in text
    assert "its value there: 0.25 the others', best first: 0.8, 0.75" in text


def test_what_older_servers_wrote_into_a_summary_is_told_once_and_a_programs_own_value_is_shown(
    shelf: Shelf, project: int
) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, name="older", **EARLY, summary={"cause": EARLY["cause"], "early_stop": DECISION})
    shelf.run(project, sweep, 1, name="own", summary={"cause": "weather", "early_stop": 7})

    older, own = (shelf.look(f"/local/p/runs/{name}").text for name in ("older", "own"))

    assert (older.count("rank 3 of 3 at epoch 2"), "early_stop" in older) == (1, False)
    assert ("cause weather" in own, "early_stop 7" in own) == (True, True)


@pytest.mark.parametrize(
    ("goal", "rivals", "needed", "told"),
    [
        ("maximize", [0.8, 0.75], 0.75, "0.75 or more was needed."),
        ("minimize", [0.125, 0.2], 0.2, "0.2 or less was needed."),
    ],
)
def test_a_run_stopped_early_stands_among_its_rivals_with_the_value_that_it_needed(
    shelf: Shelf, project: int, goal: str, rivals: list[float], needed: float, told: str
) -> None:
    decision = DECISION | {"rivals": rivals, "needed": needed}
    early = EARLY | {"early_stop": json.dumps(decision)}
    shelf.run(project, shelf.sweep(project, goal=goal), 0, name="this", **early)

    page = shelf.look("/local/p/runs/this")

    assert f"2 go on. It had 0.25, and {told}" in page.text
    strip = page.html.partition('<figure class="strip">')[2].partition("</figure>")[0]
    assert f'aria-label="this run; the best is {rivals[0]:.3f}; {needed:.3f} needed"' in strip
    assert sum(path.count("M") for path in re.findall(r'class="strokes[^"]*" d="([^"]*)"', strip)) == 3
    assert strip.count('class="strip-needed"') == 1


def test_a_decision_of_which_the_needed_value_is_not_known_is_drawn_without(shelf: Shelf, project: int) -> None:
    shelf.run(project, shelf.sweep(project), 0, name="this", **EARLY)

    page = shelf.look("/local/p/runs/this")

    assert 'aria-label="this run; the best is 0.800"' in page.html
    assert "needed" not in page.text


@pytest.mark.parametrize(
    "decision",
    [{}, {"rivals": None}, {"rivals": ["x", None], "value": "y"}, {"rivals": [0.5], "value": 0.5, "needed": "z"}],
)
def test_any_stored_decision_has_a_page(shelf: Shelf, project: int, decision: dict[str, Any]) -> None:
    early = EARLY | {"early_stop": json.dumps(decision)}
    shelf.run(project, shelf.sweep(project), 0, name="this", **early)

    assert "Early termination ended it: it was worse than the others." in shelf.look("/local/p/runs/this").text


def test_a_sweep_that_stopped_itself_says_why_until_it_is_resumed(shelf: Shelf, project: int) -> None:
    reason = "stopped itself: the first 3 trials all failed for one cause: exit code 1"
    sweep = shelf.sweep(project, state="FINISHED", stop_reason=reason, ended_at_s=shelf.clock())

    assert f"sweep1 {reason}. 6 of 6 runs were not started." in shelf.look("/").text
    assert f"S{reason[1:]}" in shelf.look(SWEEP).text
    assert "6 not done" in shelf.look(SWEEP).text
    assert "</svg>Stopped itself</span>" in shelf.look(SWEEP).html.split('id="badge"')[1]
    assert shelf.look("/").rows("sweeps")[0][1] == "Stopped itself nothing was run"
    shelf.clock.pass_s(8 * 24 * 3600)
    assert [reason] in shelf.look("/").rows("sweeps")
    assert "not started" not in shelf.look("/").text
    with shelf.database.write() as tx:
        writes.move(tx, "sweep", sweep, "RUNNING", ended_at_s=None)
    assert "topped itself" not in shelf.look(SWEEP).text + shelf.look("/").text


def test_a_sweep_that_stopped_itself_is_told_the_same_way_in_the_list_and_on_its_page(
    shelf: Shelf, project: int
) -> None:
    sweep = shelf.sweep(project, state="FINISHED", expected=3, stop_reason="no", ended_at_s=shelf.clock())
    for number in range(3):
        shelf.run(project, sweep, number, state="failed", started_at_s=None)
    page, row = shelf.look(SWEEP), shelf.look("/").rows("sweeps")[0]

    assert row[1] == "Stopped itself none of 3 runs began"
    assert "none of 3 runs began" in page.text
    assert "All runs were started" in shelf.look("/").text
    assert "Retry 3, go on" in shelf.look("/").html.split('class="act"')[1]


def test_a_sweep_tells_why_its_runs_failed_by_kind_with_the_last_words_of_each(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    for number in range(2):
        shelf.run(project, sweep, number, state="failed", cause=f"ValueError: {number}", cause_kind="exception")
    shelf.run(project, sweep, 2, state="failed", cause="killed by SIGKILL", cause_kind="signal")
    shelf.run(project, sweep, state="crashed", cause="lost: gone", cause_kind="lost host", name="gone")

    page = shelf.look(SWEEP)

    assert "exception 2 runs 2 trials lost trial 2 ValueError: 1" in page.text
    assert "signal 1 run 1 trial lost trial 3 killed by SIGKILL" in page.text
    assert "lost host 1 run no trial lost trial 4 lost: gone" in page.text
    assert "/local/p/runs/gone" in page.links


def test_retries_are_counted_and_linked_with_one_another(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, metric=0.8, name="second")
    with shelf.database.read() as connection:
        (trial,) = connection.execute("SELECT id FROM trial").fetchone()
    shelf.run(project, sweep, state="crashed", name="first", trial_id=None, cause="lost: its process is gone")
    with shelf.database.write() as tx:
        tx.execute("UPDATE main.run SET trial_id = ? WHERE name = 'first'", (trial,))

    assert "1 retry" in shelf.look(SWEEP).text
    page = shelf.look("/local/p/runs/second")
    assert "/local/p/runs/first" in page.links
    assert "Lost Attempt 2 1 m 00 s lost: its process is gone" in page.text
    assert "Finished Attempt 1 1 m 00 s, the one that counts" in page.text


def test_a_run_tells_how_often_it_was_resumed(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, name="this")
    for resumed in ("", "resumed once", "resumed 2 times"):
        with shelf.database.write() as tx:
            writes.enter(tx, "handed", sweep, 1, "this", "agent", shelf.clock())

        assert resumed in shelf.look("/local/p/runs/this").text


def test_agents_are_alive_until_silent_or_gone(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    busy = shelf.agent(sweep, "busy-one")
    shelf.agent(sweep, "idle-one")
    shelf.agent(sweep, "left-one", left_at_s=shelf.clock())
    shelf.agent(sweep, "silent-one", silent_s=shelf.settings.agent_silent_s + 60)
    shelf.run(project, sweep, 0, agent_id=busy, metric=0.7)
    shelf.run(project, sweep, 1, agent_id=busy, state="running", name="now")

    page = shelf.look(SWEEP)

    assert "alive busy-one host-a trial 2 2 runs" in page.text
    assert "alive idle-one host-a idle: about to ask for a run 0 runs" in page.text
    assert "gone left-one" in page.text
    assert "gone silent-one host-a heard 2 m ago" in page.text
    assert "2 alive" in page.text


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ({"val_accuracy ": 0.9, "loss": 1}, "The nearest name that was logged is 'val_accuracy ' (mind the blanks)."),
        ({"val_acc": 0.9, "epoch": 3, "cause": "x"}, "The nearest name that was logged is 'val_acc'."),
        ({"val": {"accuracy": 0.9}, "_step": 3}, "The nearest name that was logged is 'val.accuracy'."),
        ({"val_accuracy": "NaN"}, "'val_accuracy' was logged, but never as a finite number."),
        ({"f1": 0.9, "epoch": 3, "_step": 3}, "Logged were 'epoch', 'f1'."),
        ({f"x{n:02}": n for n in range(12)}, "'x08' and 3 more."),
        ({}, "has logged val_accuracy ."),
    ],
)
def test_a_metric_that_never_came_is_told_with_what_was_logged_instead_also_when_the_sweep_is_over(
    shelf: Shelf, project: int, summary: dict[str, Any], words: str
) -> None:
    shelf.run(project, shelf.sweep(project), 0, summary=summary)
    shelf.run(project, shelf.sweep(project, "sweep2", state="FINISHED"), 0, summary=summary)

    going, over = shelf.look(SWEEP), shelf.look(SWEEP.replace("sweep1", "sweep2"))

    assert "No run has logged val_accuracy yet." in going.text
    assert "No run has logged val_accuracy ." in over.text
    assert words in over.text


def test_a_sweep_names_the_runs_that_it_began_with(shelf: Shelf, project: int) -> None:
    sweep, runs = shelf.sweep(project), [shelf.run(project) for _ in range(5)]
    with shelf.database.write() as tx:
        for run in runs:
            writes.attach_prior_run(tx, sweep, run)

    page = shelf.look(SWEEP)

    assert "begun with 5 prior runs: trial 1 , trial 2 , trial 3 and 2 more" in page.text
    assert "/local/p/runs/run1" in page.links


def test_a_metric_that_came_is_not_missed(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, summary={"val_accuracy": 0.9, "val_acc": 1}, metric=0.9)

    assert "nearest" not in shelf.look(SWEEP).text


def test_a_sweep_without_a_metric_says_so(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, metric_name=None)
    shelf.run(project, sweep, 0)

    assert "names no metric" in shelf.look(SWEEP).text


@pytest.mark.parametrize(
    "config",
    ["", "[1, 2]", "a: [", "parameters: 3", "{method: grid, parameters: {a: {parameters: {b: {values: [1, 2]}}}}}"],
)
def test_any_stored_config_has_a_page(shelf: Shelf, project: int, config: str) -> None:
    sweep = shelf.sweep(project, config=config)
    shelf.run(project, sweep, 0, metric=0.8, params={"a": {"b": 2}})

    page = shelf.look(SWEEP)

    assert "0.8" in page.text
    assert ("a.b 2" in page.text) == ("b:" in config)


def test_the_table_has_a_column_for_each_parameter_that_varies_in_the_order_of_the_file(
    shelf: Shelf, project: int
) -> None:
    parameters = "{z: {values: [1, 2]}, one: {values: [1]}, fixed: {value: 1}, a: {min: 0, max: 9}, m: {value: 2}}"
    sweep = shelf.sweep(project, config=f"{{method: random, run_cap: 6, parameters: {parameters}}}", metric_name=None)
    shelf.run(project, sweep, 0, params={"z": 2, "one": 1, "fixed": 1, "a": 7, "m": 2})

    table = shelf.look(SWEEP).column("runs", 0), shelf.look(SWEEP).rows("runs")[0][2:4]

    assert table == (["trial 1"], ["2", "7"])


def test_a_run_shows_its_result_config_curves_history_console_and_files(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    shelf.run(project, sweep, 0, metric=0.9, name="best")
    params = {"learning_rate": 0.001, "optimizer": "adam", "epochs": 5}
    run = shelf.run(
        project,
        sweep,
        1,
        metric=0.8853,
        name="this",
        params=params,
        summary={"val_accuracy": 0.8853, "loss": 0.31, "epoch": 2},
    )
    shelf.history(
        run, [{"epoch": 1, "val_accuracy": 0.7, "loss": 0.9}, {"epoch": 2, "val_accuracy": 0.8853, "loss": 0.31}]
    )
    shelf.console(run, ["2026-11-24T14:07:02.5 \x1b[32mEpoch 1\x1b[0m", "ERROR 2026-11-24T14:07:03.5 oh no", "bare"])
    shelf.file(run, "output.log")
    shelf.file(run, "media/images/a.png", "image/png", 6100)

    page = shelf.look("/local/p/runs/this")

    assert "trial 2 of 6" in page.text
    assert "0.8853 −0.0147 to the best" in page.text
    assert "rank 2 of 2" in page.text
    assert page.rows("settings") == [
        ["learning_rate", "1e-3", "0.1"],
        ["optimizer", "adam", "adam"],
        ["epochs", "5", "5"],
    ]
    assert page.rows("history") == [["0", "1", "0.7000", "0.9000"], ["1", "2", "0.8853", "0.3100"]]
    assert page.html.count('class="curve"') == 2
    assert "Epoch 1" in page.texts
    assert "oh no" in page.texts
    assert "bare" in page.texts
    assert "/storage/this/output.log?signed=yes" in page.links
    assert [attrs["src"] for tag, attrs in page.tags if tag == "img"] == ["/storage/this/media/images/a.png?signed=yes"]
    assert "2, 6.5 kB" in page.text
    assert "/local/p/runs/best" in page.links


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"state": "failed", "exit_code": 137, "cause": "out of memory: x", "cause_kind": "out of memory (host)"},
            "Out of memory (host). Its program ended with exit code 137, which is signal SIGKILL. out of memory: x",
        ),
        ({"state": "failed", "exit_code": 2, "cause": "wrong"}, "exit code 2. wrong"),
        ({"state": "crashed"}, "no end of it was ever heard of"),
        ({"state": "killed"}, "ended by hand"),
        ({"state": "running"}, "Running for 5 m 00 s. Last heard of 2 s ago."),
        ({"state": "pending", "started_at_s": None}, "its program is starting"),
        ({"state": "preempted"}, "Its machine was taken away"),
        ({"state": "finished", "metric": 0.8}, "Finished, rank 1 of 1."),
    ],
)
def test_a_run_tells_how_it_ended(shelf: Shelf, project: int, columns: dict[str, object], words: str) -> None:
    shelf.run(project, shelf.sweep(project), 0, name="this", **columns)  # type: ignore[arg-type]

    assert words in shelf.look("/local/p/runs/this").text


def test_a_run_of_no_sweep_has_a_page(shelf: Shelf, project: int) -> None:
    run = shelf.run(project, name="alone", params={"lr": 0.1, "provenance": {"seed": 7}}, summary={"loss": 0.25})
    shelf.history(run, [{"loss": 0.5}, {"loss": 0.25}])

    page = shelf.look("/local/p/runs/alone")

    assert "loss 0.25" in page.text
    assert "lr 0.1" in page.text
    assert "seed 7" in page.text
    assert page.rows("history") == [["0", "0.5000"], ["1", "0.2500"]]


def lines_to_type(page: Seen) -> list[str]:
    """The commands of the panel on how to make a run again."""
    part = page.html.partition('id="again"')[2].partition("</section>")[0]
    lines = [each.partition("</code>")[0] for each in part.split("<code>")[1:]]
    return [html.unescape(re.sub("</?span>", "", line)) for line in lines]


def test_a_run_of_the_trainer_gives_the_commands_that_make_it_again(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    params = {"learning_rate": 1e-05, "optimizer": "it's", "epochs": 5, "provenance": {"seed": 7}, "wandb_version": 1}
    for number, (state, metric) in enumerate((("finished", 0.9), ("finished", 0.8), ("failed", 0.7))):
        shelf.run(project, sweep, number, state, metric, params)

    train = """python -m app.train --epochs=5 --learning_rate=1e-05 '--optimizer=it'"'"'s'"""
    assert lines_to_type(shelf.look("/local/p/runs/run1")) == [
        "python -m app replay local/p/run1",
        train,
        "python -m app best local/p/sweep1",
    ]
    assert lines_to_type(shelf.look("/local/p/runs/run2")) == ["python -m app replay local/p/run2", train]
    assert lines_to_type(shelf.look("/local/p/runs/run3")) == [train]


def test_a_run_of_another_program_gives_no_command(shelf: Shelf, project: int) -> None:
    shelf.run(project, shelf.sweep(project), 0, "finished", 0.9)

    assert lines_to_type(shelf.look("/local/p/runs/run1")) == []


def test_a_long_history_is_drawn_from_first_to_last(shelf: Shelf, project: int) -> None:
    run = shelf.run(project, name="long")
    shelf.history(run, [{"loss": 1000 - number} for number in range(1000)])

    page = shelf.look("/local/p/runs/long")

    assert "loss by step of trial 1: 1000.00 at first, 1.00 at last" in page.html
    assert "the last 10 of 1000 rows" in page.text


EVIL = '<script>alert("x")</script>'


def test_what_clients_send_is_text_and_nothing_else(shelf: Shelf) -> None:
    project = shelf.project(EVIL.replace("/", "|"))
    sweep = shelf.sweep(
        project,
        display_name=EVIL,
        metric_name=EVIL,
        config=json.dumps({"parameters": {EVIL: {"values": [1, 2]}, 'a"b': {"values": [1, 2]}}}),
    )
    agent = shelf.agent(sweep, EVIL, host=EVIL)
    run = shelf.run(
        project,
        sweep,
        0,
        "failed",
        0.5,
        {EVIL: EVIL},
        {EVIL: EVIL},
        name="r",
        display_name=EVIL,
        cause=EVIL,
        agent_id=agent,
        host=EVIL,
    )
    shelf.run(project, name="loose", display_name=EVIL, state="failed", cause=EVIL)
    shelf.history(run, [{EVIL: 1.5, "x": EVIL}, {EVIL: 2.5, "x": EVIL}])
    shelf.console(run, [EVIL, f"ERROR 2026-11-24T14:07:03 {EVIL}"])
    shelf.file(run, EVIL, "image/png")

    home = shelf.look("/")
    links = {link for link in home.links if link.startswith("/local/")}
    assert len(links) == 3
    pages = [home, *(shelf.look(link) for link in links)]
    pages += [shelf.look(link) for link in pages[0].links if "/sweeps/" in link]
    pages.append(shelf.look(next(link for link in pages[-1].links if "/runs/" in link)))
    pages.append(shelf.look("/nothing/%3Cscript%3E/here", 404))

    for page in pages:
        scripts = [attrs["src"] or "" for tag, attrs in page.tags if tag == "script"]
        own = {f"/static/{path.stem}" for path in (rendering.HERE / "static").glob("*.js")}
        assert {script.rpartition("-")[0] for script in scripts} <= own
        assert "<script>" not in page.html


def test_huge_and_odd_values_have_a_page(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, display_name="n" * 5000)
    summary = {
        "long": "v" * 1_000_000,
        "big": 10**400,
        "inf": float("inf"),
        "nested": {"a": {"b": 1}},
        "media": {"_type": "image-file"},
    }
    run = shelf.run(
        project,
        sweep,
        0,
        "failed",
        1.7e308,
        {"learning_rate": 1e-320, "optimizer": [1, {"a": None}]},
        summary,
        name="odd",
        cause="c" * 5000,
    )
    shelf.run(project, sweep, 1, metric=-1.7e308)
    shelf.run(project, sweep, 2, metric=0.0, name="plain", config="not json", summary="[1]")
    shelf.history(
        run, [{"loss": 10**400, "epoch": 1e300}, {"loss": float("nan"), "epoch": 2}, {"loss": {"_type": "histogram"}}]
    )

    page = shelf.look("/local/p/runs/odd")

    assert "and 998,000 more characters" in page.text
    assert len(page.html) < 100_000
    assert "nested.a.b 1" in page.text
    assert "[image-file]" in page.text
    for path in ("/", SWEEP, "/local/p/runs/plain"):
        assert len(shelf.look(path).html) < 140_000


def test_what_is_not_there_is_said_to_be_missing(shelf: Shelf, project: int) -> None:
    shelf.sweep(shelf.project("other"), "elsewhere")

    assert "has no sweep elsewhere" in shelf.look("/local/p/sweeps/elsewhere", 404).text
    assert "has no run nobody" in shelf.look("/local/p/runs/nobody", 404).text
    assert "no page at this address" in shelf.look("/nowhere", 404).text


def test_tables_name_themselves_and_their_heads(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project)
    run = shelf.run(project, sweep, 0, metric=0.8, name="this")
    shelf.history(run, [{"loss": 1.0}])
    shelf.run(project, name="alone")

    for path in ("/", SWEEP, "/local/p/runs/this"):
        page = shelf.look(path)
        tags = [tag for tag, _ in page.tags]
        assert tags.count("h1") == 1
        assert tags.count("main") == 1
        assert tags.count("table") == tags.count("caption")
        assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
        assert all(
            attrs.get("aria-hidden") or attrs.get("aria-label") or not attrs.get("class")
            for tag, attrs in page.tags
            if tag == "svg"
        )
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids))


def test_five_thousand_runs_are_read_by_the_page(shelf: Shelf, project: int) -> None:
    sweep = shelf.sweep(project, expected=6000)
    with shelf.database.write() as tx:
        numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) "
        tx.execute(
            f"{numbers} INSERT INTO main.trial (sweep_id, number, key, params, outcome) "
            "SELECT ?, i, i, json_object('learning_rate', i % 7), 'finished' FROM n",
            (sweep,),
        )
        tx.execute(
            f"{numbers} INSERT INTO main.run (project_id, name, sweep_id, trial_id, state, display_name, metric, "
            "created_at_s, updated_at_s, heartbeat_at_s) "
            "SELECT ?, 'r' || i, ?, (SELECT id FROM trial WHERE number = i), 'finished', "
            "'trial ' || (i + 1), (i % 1000) / 1000.0, 0, 0, 0 FROM n",
            (project, sweep),
        )
        tx.execute("UPDATE main.trial SET counted_run_id = (SELECT id FROM run WHERE trial_id = trial.id)")

    page = shelf.look(f"{SWEEP}?page=100&sort=p.learning_rate")

    assert "5,000 of 6,000 trials done" in page.text
    assert len(page.rows("runs")) == 50
    assert len(gzip.compress(page.html.encode())) < 150_000
