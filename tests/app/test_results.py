"""What a sweep's runs amount to, and how that is shown."""

import io
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from app.commands import agent, progress, register
from app.commands.progress import Progress
from app.commands.report.terminal import show
from app.commands.results import Reader, Results, RunResult
from app.training import reproduce
from terms.record import PROVENANCE
from terms.told import cause_of


def run(number: int, state: str, **facts: Any) -> RunResult:
    return RunResult(f"r{number}", f"trial {number}", state, {"size": facts.pop("size", number), "epochs": 5}, **facts)


def results(*runs: RunResult, state: str = "RUNNING", expected: int | None = 3, maximize: bool = True) -> Results:
    return Results("me/p/s", "grid #1", "http://x", state, "val_accuracy", maximize, expected, runs)


def shown(found: Results, width: int = 100, terminal: bool = False) -> tuple[int, str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal)
    code = show(found, console)
    return code, console.file.getvalue()  # type: ignore[attr-defined]


def test_all_runs_finished_is_said_and_is_success() -> None:
    found = results(*(run(n, "finished", metric=n / 10) for n in (1, 2, 3)), state="FINISHED")

    code, text = shown(found)

    assert code == 0
    assert text.splitlines()[-1] == "3 of 3 runs finished"


def test_a_failed_run_is_told_with_its_values_and_cause_and_is_no_success() -> None:
    found = results(
        run(1, "finished", metric=0.5), run(2, "failed", cause="killed by SIGKILL"), expected=2, state="FINISHED"
    )

    code, text = shown(found)

    assert code == 1
    assert "trial 2 failed (size=2, epochs=5): killed by SIGKILL" in text
    assert text.splitlines()[-1] == "1 of 2 runs finished, 1 failed"


def test_what_was_stopped_early_or_killed_and_the_kinds_of_failures_are_told_apart() -> None:
    found = results(
        run(1, "finished", metric=0.5),
        run(2, "killed", metric=0.25, cause="stopped early: rank 3 of 3 at epoch 2; 2 go on"),
        run(3, "killed", metric=0.125),
        run(4, "failed", cause="ValueError: no", cause_kind="exception"),
        run(5, "crashed", cause="lost: gone", cause_kind="lost host"),
        expected=5,
        state="FINISHED",
    )

    _, text = shown(found)

    told = "1 of 5 runs finished, 1 stopped early, 2 failed (1 exception, 1 lost host), 1 killed"
    assert text.splitlines()[-1] == told
    assert ["stopped early" in line for line in text.splitlines() if "0.25" in line] == [True]


def test_a_sweep_that_stopped_itself_says_why_in_the_words_of_the_cause() -> None:
    note = "my notes\nstopped itself: the first 3 trials all failed for one cause: KeyError: 'Size'\ntrials: 3 of 3 ..."
    found = replace(results(run(1, "failed"), state="FINISHED"), note=note)

    assert shown(found)[1].splitlines()[-2] == f"S{note.splitlines()[1][1:]}"


def test_a_run_interrupted_by_its_warm_server_may_be_made_good() -> None:
    assert results(run(1, "failed", cause="interrupted: the warm server ended")).failed == []


@pytest.mark.parametrize("terminal", [True, False])
def test_no_value_is_cut_off_however_narrow_the_terminal(terminal: bool) -> None:
    values = {f"parameter_{n}": n + 1 / 3 for n in range(12)}
    runs = [
        RunResult(f"r{n}", f"trial {n}", "finished", {**values, "parameter_0": n + 0.12345}, metric=0.8814 + n / 1e4)
        for n in (1, 2)
    ]
    other = RunResult("r3", "trial 3", "finished", dict.fromkeys(values, "a-long-word"), metric=0.1)

    _, text = shown(results(*runs, other, state="FINISHED"), width=40, terminal=terminal)

    for value in ("0.8815", "0.8816", "1.123", "2.123", "a-long-word"):
        assert value in text
    left_out = "Not in the table, for want of room: parameter_" in text
    assert (left_out, "11.33" in text) == (terminal, not terminal)


WIDE = """
run      val_accuracy  optimizer  layer1_activation  layer1_size  layer2_size  decay  learning_rate  epoch  state
trial 2        0.2000  rmsprop    [relu]             2            4            0.25   2.46e-3            5  finished
trial 1        0.1000  rmsprop    [relu]             1            4            0.25   1.23e-3            5  finished"""
FOLDED = """
             val_             layer1_     layer1_  layer2_         learning_
run      accuracy  optimizer  activation  size     size     decay  rate
trial 2    0.2000  rmsprop    [relu]      2        4        0.25   2.46e-3
trial 1    0.1000  rmsprop    [relu]      1        4        0.25   1.23e-3"""
SHORT = """
           val_           lay…1_  lay…1_  lay…2_  learn…_
run      accur…  optimi…  activ…  size    size    rate
trial 2  0.2000  rmsprop  [relu]  2       4       2.46e-3
trial 1  0.1000  rmsprop  [relu]  1       4       1.23e-3
Not in the table, for want of room: decay."""


@pytest.mark.parametrize(("width", "table"), [(120, WIDE), (80, FOLDED), (60, SHORT)])
def test_a_terminals_table_breaks_no_line_and_no_word_and_cuts_no_value(width: int, table: str) -> None:
    fixed = {"optimizer": "rmsprop", "layer1_activation": "[relu]", "layer1_size": 8, "layer2_size": 4, "decay": 0.25}
    varied = [{**fixed, "layer1_size": n, "learning_rate": 0.00123 * n} for n in (1, 2)]
    best = [
        replace(run(n, "finished", metric=n / 10, epoch=5), values=values) for n, values in enumerate(varied, start=1)
    ]
    other = replace(run(3, "running"), values=dict.fromkeys(varied[0], "x"))

    _, text = shown(results(*best, other), width, terminal=True)

    title, *lines, _ = [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in text.splitlines()]
    assert title == "Best runs of grid #1"
    assert "\n".join(line for line in lines if not line.startswith("─")) == table.removeprefix("\n")


def test_a_run_without_a_cause_says_so() -> None:
    assert "it left no cause" in shown(results(run(1, "crashed"), state="FINISHED", expected=1))[1]


def test_a_point_that_another_run_finished_has_not_failed() -> None:
    found = results(run(1, "crashed", size=8), run(2, "finished", size=8), expected=1, state="FINISHED")

    assert (found.failed, found.complete, found.count()) == ([], True, "1 of 1 runs finished")


def test_two_draws_of_equal_values_are_two_points() -> None:
    lost = run(1, "failed", size=8, point=1, cause="ValueError: no luck")
    runs = [lost, run(2, "finished", size=8, point=2), run(3, "running", size=8, point=3)]

    going, done = results(*runs), results(*runs[:2], expected=2, state="FINISHED")

    assert going.failed == [lost]
    assert going.handed_out
    assert (done.count(), done.complete) == ("1 of 2 runs finished, 1 failed", False)


def test_while_the_sweep_goes_on_an_interrupted_run_may_still_be_made_good() -> None:
    stopped = run(1, "failed", cause="interrupted (SIGTERM)")

    assert results(stopped).failed == []
    assert results(stopped, state="FINISHED").failed == [stopped]


def test_while_the_sweep_goes_on_a_run_that_failed_by_itself_has_failed() -> None:
    assert results(run(1, "failed", cause="killed by SIGKILL")).count() == "0 of 3 runs finished, 1 failed"


def test_a_cancelled_sweep_is_no_success() -> None:
    assert shown(results(run(1, "finished"), state="CANCELED", expected=1))[0] == 1


def test_best_runs_come_first_and_those_without_a_figure_are_left_out() -> None:
    found = [run(1, "finished", metric=0.1), run(2, "finished", metric=0.3), run(3, "finished"), run(4, "running")]
    found += [run(5, "failed", metric=0.5), run(6, "crashed", metric=0.0)]

    assert [each.id for each in results(*found).best()] == ["r2", "r1"]
    assert [each.id for each in results(*found, maximize=False).best()] == ["r1", "r2"]


def test_the_first_look_fetches_all_of_the_runs_at_once_and_later_ones_what_is_new() -> None:
    asked: list[bool] = []
    logged = {"val_accuracy": 0.5}
    named = {"id": "r1", "name": "trial 1", "state": "finished"}
    ended = SimpleNamespace(**named, config={"size": 8}, summary=logged, summary_metrics=logged)
    config = {"metric": {"name": "val_accuracy", "goal": "maximize"}, "parameters": {"size": {"values": [8]}}}
    facts = {"id": "s", "entity": "me", "project": "p", "name": "grid", "url": "", "state": "FINISHED"}
    sweep = SimpleNamespace(**facts, config=config, expected_run_count=1, load=lambda force: None)

    def listed(*_: str, lazy: bool, **__: Any) -> list[Any]:
        asked.append(lazy)
        return [ended]

    api = SimpleNamespace(sweep=lambda path: sweep, flush=lambda: None, runs=listed)
    reader = Reader(api, "me/p/s")

    assert [reader.read().best()[0].metric for _ in range(2)] == [0.5, 0.5]
    assert asked == [False, True]


def test_while_many_runs_go_on_they_are_fetched_at_once_and_not_one_by_one() -> None:
    asked: list[bool] = []
    going_on = SimpleNamespace(id="r1", name="r1", state="running", config={}, summary={}, summary_metrics={})
    facts = {"id": "s", "entity": "me", "project": "p", "name": "grid", "url": "", "state": "RUNNING"}
    sweep = SimpleNamespace(**facts, config={}, expected_run_count=20, load=lambda force: None)

    def listed(*_: str, lazy: bool, **__: Any) -> list[Any]:
        asked.append(lazy)
        return [going_on] * 20

    reader = Reader(SimpleNamespace(sweep=lambda path: sweep, flush=lambda: None, runs=listed), "me/p/s")
    reader.read()
    reader.read()

    assert asked == [False, False]


def test_what_a_schedulers_function_suggested_is_read_by_the_first_of_several_metrics() -> None:
    config = {"kind": "deep", "depth": 3, PROVENANCE: {"seed": 1}}
    named, logged = {"id": "r1", "name": "t", "state": "finished"}, {"loss": 0.5, "speed": 9.0}
    ended = SimpleNamespace(**named, config=config, summary=logged, summary_metrics=logged)
    metrics = [{"name": "speed", "goal": "maximize"}, {"name": "loss"}]
    facts = {"id": "s", "entity": "me", "project": "p", "name": "s", "url": "", "state": "FINISHED"}
    sweep = SimpleNamespace(**facts, config={"metrics": metrics}, expected_run_count=1, load=lambda force: None)
    api = SimpleNamespace(sweep=lambda path: sweep, flush=lambda: None, runs=lambda *_, **__: [ended])

    found = Reader(api, "me/p/s").read()

    assert (found.metric, found.maximize, found.best()[0].metric) == ("speed", True, 9.0)
    assert found.best()[0].values == {"kind": "deep", "depth": 3}


def test_a_metric_that_never_came_is_told_with_the_nearest_name_that_was_logged() -> None:
    runs = [run(n, "finished", logged=("val_acc", "epoch")) for n in (1, 2, 3)]

    over, going = (shown(results(*runs, state=state))[1] for state in ("FINISHED", "RUNNING"))
    came = shown(results(*runs[:2], run(3, "finished", metric=0.5), state="FINISHED"))[1]

    assert "No run has logged val_accuracy. The nearest name that was logged is 'val_acc'." in over
    assert "No run has logged val_accuracy yet." in going
    assert "val_acc'" not in came


def test_the_table_shows_only_parameters_that_differ() -> None:
    text = shown(results(run(1, "finished", metric=0.5), run(2, "finished", metric=0.25)))[1]

    assert "size" in text
    assert "epochs" not in text
    assert "0.5000" in text


def test_plain_progress_is_a_line_for_each_change() -> None:
    console = Console(file=io.StringIO(), width=100)
    took = {number: {"begin_s": number * 10.0, "end_s": number * 10.0 + 10.0, "metric": 0.5} for number in range(4)}
    first = results(run(0, "running"), expected=5)
    later = results(
        *(run(number, "finished", **took[number]) for number in took), run(4, "running", begin_s=40.0), expected=5
    )

    with Progress(console) as shows:
        for read_at_s, found in ((1, first), (2, first), (44, later), (45, later)):
            shows.show(replace(found, read_at_s=read_at_s))

    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "0 of 5 runs finished, 1 running",
        "4 of 5 runs finished, 1 running, best val_accuracy 0.5000, about 0:06 left",
    ]


def test_a_terminal_gets_a_table_in_one_place() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)

    with Progress(console) as shows:
        shows.show(results(run(1, "running", epoch=2, metric=0.75)))

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "0.7500" in text
    assert "\x1b[2K" in text


def test_a_search_without_an_end_has_a_count_and_no_estimate() -> None:
    assert progress.state_line(results(run(1, "finished", metric=0.5), expected=None)) == (
        "1 run finished, best val_accuracy 0.5000"
    )


def test_an_idle_agent_says_why() -> None:
    all_out = results(run(1, "finished"), run(2, "finished"), run(3, "running"))

    assert agent.idle_reason(results(state="PAUSED")) == (
        "The sweep is paused. `wandb sweep --resume me/p/s` or its page lets it go on."
    )
    assert (
        agent.idle_reason(all_out, agents=2)
        == "Nothing is left to start; idle agents wait until the last runs have ended."
    )
    assert agent.idle_reason(all_out, agents=1) is None
    assert agent.idle_reason(replace(results(), note="mine\nno suggestion can be found: ValueError: x")) == (
        "Idle agents wait: no suggestion can be found: ValueError: x"
    )
    assert agent.idle_reason(results(run(1, "running")), agents=2) is None


def test_a_sweep_that_was_there_is_said_to_go_on_or_to_be_done() -> None:
    going, done = results(run(1, "finished")), results(run(1, "finished"), state="FINISHED", expected=1)

    assert register.standing(going, new=True) == "Sweep grid #1 registered."
    assert register.standing(going, new=False) == "Sweep grid #1 goes on: 1 of 3 runs finished."
    assert "finished already. NEW=label starts another" in register.standing(done, new=False)


def test_runs_made_by_other_code_are_told() -> None:
    old = results(run(1, "finished", code_sha256="0" * 64))

    assert "code in app/ has changed" in (register.code_changed(old) or "")
    assert register.code_changed(results(run(1, "finished"))) is None


@pytest.mark.parametrize(
    ("name", "decides"),
    [
        ("model.py", True),
        ("train.py", True),
        ("settings.py", True),
        ("training/fit.py", True),
        ("machine/device.py", True),
        ("layers.py", True),
        ("vision/blocks/residual.py", True),
        ("__main__.py", False),
        ("commands/report/words.py", False),
        ("parent/evidence.py", False),
        ("machine/leash.py", False),
        (".#model.py", False),
    ],
)
def test_runs_are_said_to_be_of_other_code_only_if_what_was_edited_can_decide_a_result(
    tmp_path: Path, name: str, decides: bool
) -> None:
    program = tmp_path / "app"
    shutil.copytree(reproduce.PROGRAM, program, ignore=shutil.ignore_patterns("__pycache__"))
    (program / name).parent.mkdir(parents=True, exist_ok=True)
    with (program / name).open("a") as file:
        file.write("# An edit.\n")

    told = register.code_changed(results(run(1, "finished", code_sha256=reproduce.code_sha256(program))))

    assert bool(told) == decides


def test_what_is_said_to_decide_no_result_is_there() -> None:
    assert [name for name in reproduce.AROUND_TRIALS if not (reproduce.PROGRAM / name).exists()] == []


@pytest.mark.parametrize(
    ("summary", "cause"),
    [
        ({"_cause": "ValueError: no"}, "ValueError: no"),
        ({"cause": "ValueError: no"}, "ValueError: no"),
        ({"cause": 3}, None),
        ({"_wandb": {"server": {"cause": "lost: gone", "point": 1}}, "_cause": "interrupted"}, "lost: gone"),
        ({"_wandb": {"server": {"point": 1}}, "cause": "of the weather"}, None),
    ],
)
def test_a_cause_is_the_servers_else_the_programs_else_an_older_programs(
    summary: dict[str, Any], cause: str | None
) -> None:
    assert cause_of(summary) == cause
