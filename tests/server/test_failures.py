"""Failed trials: tried again, told by kind, and a sweep that cannot work stops itself. The record proves it."""

import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server import causes
from tests.server.real_server import python
from tests.server.speaker import GRID, Clock, Speaker, speaking

ONE = {"method": "grid", "parameters": {"units": {"values": [8]}}}


def verify(data: Path) -> subprocess.CompletedProcess[str]:
    command = [*python(), "-m", "server", "verify", "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_failed_point_is_tried_twice_more_and_every_attempt_is_kept(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)

    for _ in range(3):
        assert wb.sweep(sweep)["state"] == "RUNNING"
        wb.do_trial(agent, sweep, 1)

    assert wb.beat(agent) == {"type": "exit"}
    assert [run["state"] for run in wb.runs(sweep)] == ["failed"] * 3
    assert [run["displayName"] for run in wb.runs(sweep)] == ["trial 1", "trial 1 attempt 2", "trial 1 attempt 3"]


def test_a_point_whose_second_attempt_finishes_has_its_one_result(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)

    wb.do_trial(agent, sweep, 137)
    wb.do_trial(agent, sweep)

    assert wb.beat(agent) == {"type": "exit"}
    assert wb.units(sweep, "finished") == [8]


def test_lost_and_interrupted_attempts_cost_no_retry(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)

    for exit_code in (143, 1, 130, 1, 143, 1):
        assert wb.sweep(sweep)["state"] == "RUNNING"
        wb.do_trial(agent, sweep, exit_code)

    assert wb.beat(agent) == {"type": "exit"}


def test_a_wrong_configuration_is_not_tried_again(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)

    wb.do_trial(agent, sweep, 2, _cause="`optimizer` is 'adamm'. Did you mean `adam`?")

    assert wb.beat(agent) == {"type": "exit"}
    assert wb.units(sweep, "failed") == [8]


@pytest.mark.parametrize(("rule", "attempts"), [({"retries": 0}, 1), ({"retries": 4, "stop_after_failures": 0}, 5)])
def test_a_sweep_file_says_how_often_a_failed_point_is_tried_again(
    wb: Speaker, rule: dict[str, int], attempts: int
) -> None:
    sweep = wb.register({**ONE, "x-sweep": rule})
    agent = wb.agent(sweep)

    for _ in range(attempts):
        wb.do_trial(agent, sweep, 1)

    assert wb.beat(agent) == {"type": "exit"}
    assert len(wb.runs(sweep)) == attempts


def test_a_sweep_file_says_after_how_many_failures_the_sweep_stops(wb: Speaker) -> None:
    values = {"units": {"values": list(range(20))}}
    early, never = (
        wb.register({"method": "grid", "parameters": values, "x-sweep": {"stop_after_failures": limit}})
        for limit in (2, 0)
    )
    for sweep in (early, never):
        agent = wb.agent(sweep)
        for _ in range(2 if sweep == early else 10):
            wb.do_trial(agent, sweep, 1, _cause="ValueError: x")

    assert (wb.sweep(early)["state"], wb.sweep(never)["state"]) == ("FINISHED", "RUNNING")


def test_failed_points_are_tried_again_after_all_others(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)

    wb.do_trial(agent, sweep, 1)
    for _ in range(3):
        wb.do_trial(agent, sweep)

    order = [json.loads(run["config"])["units"]["value"] for run in wb.runs(sweep)]
    assert order == [8, 16, 32, 8]
    assert wb.units(sweep, "finished") == [8, 16, 32]


def test_a_sweep_whose_first_trials_fail_for_one_cause_stops_itself(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": list(range(100))}}})
    agent = wb.agent(sweep)

    for i in range(3):
        wb.do_trial(agent, sweep, 1, _cause=f"ModuleNotFoundError: No module named 'keras_cv{i}'")

    assert wb.beat(agent) == {"type": "exit"}
    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert wb.sweep(sweep)["description"].splitlines() == [
        "stopped itself: the first 3 trials all failed for one cause: ModuleNotFoundError: No module named 'keras_cv2'",
        "trials: 100 of 100 not done",
    ]


def test_a_finished_sweep_tells_programs_how_many_points_of_each_outcome(wb: Speaker) -> None:
    early = {"type": "hyperband", "min_iter": 1, "eta": 2}
    metric = {"name": "acc", "goal": "maximize"}
    values = {"units": {"values": list(range(5))}}
    sweep = wb.register({"method": "grid", "metric": metric, "early_terminate": early, "parameters": values})
    agent = wb.agent(sweep)
    wb.do_trial(agent, sweep, 2, _cause="unknown key `lyer`.")
    for acc in (0.9, 0.8, 0.1):
        run = wb.beat(agent)["run_id"]
        wb.begin(run, sweep)
        stopped = wb.log(run, 0, {"_step": 0, "acc": acc}).json() == {"stopped": True}
        wb.finish(run, 130 if stopped else 0)
    for _ in range(3):
        failed = wb.do_trial(agent, sweep, 1, _cause="ValueError: no")

    told = "trials: 2 finished, 1 stopped early, 2 failed (1 exception, 1 wrong configuration)"
    assert wb.sweep(sweep)["description"] == told
    told_of_run = wb.told(failed)
    assert (told_of_run["cause"], told_of_run["cause_kind"]) == ("ValueError: no", "exception")


def test_the_kind_of_a_cause_that_a_program_sends_back_is_not_kept(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    run = wb.do_trial(wb.agent(sweep), sweep, 137)

    seen = json.loads(wb.field(run, "summaryMetrics"))
    wb.begin(run, sweep, summaryMetrics=json.dumps({**seen, "_cause": "no space: No space left on device"}))

    assert wb.told(run)["cause_kind"] == causes.NO_SPACE


def test_a_sweep_that_stopped_itself_goes_on_when_it_is_resumed(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": list(range(5))}}})
    agent = wb.agent(sweep)
    for _ in range(3):
        wb.do_trial(agent, sweep, 1, _cause="ValueError: x")

    wb.set_state(sweep, "RUNNING")
    wb.do_trial(agent, sweep, 1, _cause="ValueError: x")

    assert wb.sweep(sweep)["state"] == "RUNNING"
    assert wb.beat(agent)["type"] == "run"


@pytest.mark.parametrize(
    "ends",
    [
        [(1, "ValueError: a"), (1, "KeyError: b"), (1, "ValueError: a")],
        [(1, "ValueError: a"), (0, None), (1, "ValueError: a"), (1, "ValueError: a")],
        [(137, "killed by SIGKILL"), (1, "ValueError: a"), (137, "killed by SIGKILL")],
        [(143, "interrupted (SIGTERM)"), (143, "interrupted (SIGTERM)"), (143, "interrupted (SIGTERM)")],
    ],
    ids=["different exceptions", "one result", "different kinds", "interrupted"],
)
def test_a_sweep_goes_on_while_its_failures_differ_or_are_not_its_own(
    wb: Speaker, ends: list[tuple[int, str | None]]
) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": list(range(10))}}})
    agent = wb.agent(sweep)

    for exit_code, cause in ends:
        wb.do_trial(agent, sweep, exit_code, **({"_cause": cause} if cause else {}))

    assert wb.sweep(sweep)["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("exit_code", "cause", "kind"),
    [
        (1, "ValueError: x", causes.EXCEPTION),
        (3, None, causes.EXCEPTION),
        (2, "unknown key `lyer`.", causes.WRONG_CONFIGURATION),
        (137, "out of memory: the kernel killed it (SIGKILL, oom_kill +1)", causes.HOST_MEMORY),
        (1, "MemoryError: ", causes.HOST_MEMORY),
        (1, "ResourceExhaustedError: OOM when allocating tensor", causes.GPU_MEMORY),
        (139, "segmentation fault (SIGSEGV)", causes.SIGNAL),
        (137, None, causes.SIGNAL),
        (66, "No Fashion-MNIST here.", causes.DATA_MISSING),
        (1, "OSError: [Errno 28] No space left on device", causes.NO_SPACE),
        (1, "NaN metric: loss is nan in epoch 2", causes.NAN_METRIC),
        (137, "no progress for 30 min: the last was 12 s after its start", causes.NO_PROGRESS),
        (143, "interrupted: the warm server ended", causes.INTERRUPTED),
        (143, "interrupted (SIGTERM)", causes.INTERRUPTED),
        (130, None, causes.INTERRUPTED),
        (1, "ResourceExhaustedError: OOM when allocating on /job:localhost/device:CPU:0", causes.HOST_MEMORY),
        (1, "InternalError: Dst tensor is not initialized.", causes.GPU_MEMORY),
        (1, "ValueError: no activation SIGMOID", causes.EXCEPTION),
    ],
)
def test_a_failure_is_told_by_its_kind(wb: Speaker, exit_code: int, cause: str | None, kind: str) -> None:
    sweep = wb.register(ONE)
    wb.do_trial(wb.agent(sweep), sweep, exit_code, **({"_cause": cause} if cause else {}))

    assert stored_kinds(wb) == [kind]


def test_a_trial_that_stood_still_has_failed_by_itself(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)

    for _ in range(3):
        wb.do_trial(agent, sweep, 137, _cause="no progress for 30 min: none since its start")

    assert wb.beat(agent) == {"type": "exit"}
    assert [run["state"] for run in wb.runs(sweep)] == ["failed"] * 3


def test_a_lost_run_is_told_as_lost(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)
    wb.begin(wb.beat(agent)["run_id"], sweep)

    wb.beat(agent)
    clock.pass_s(wb.settings.run_missing_s)
    wb.beat(agent)

    assert stored_kinds(wb)[0] == causes.LOST_HOST


def test_a_nan_metric_is_told(wb: Speaker) -> None:
    sweep = wb.register({**ONE, "metric": {"name": "loss"}})
    wb.do_trial(wb.agent(sweep), sweep, loss=float("nan"))

    assert stored_kinds(wb) == [causes.NAN_METRIC]
    assert wb.told(wb.runs(sweep)[0]["name"])["cause"] == "NaN metric: loss is NaN"


def test_a_run_that_a_person_stopped_is_told(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    run = wb.beat(wb.agent(sweep))["run_id"]
    id = wb.begin(run, sweep)["bucket"]["id"]
    wb.ask("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=id)
    wb.finish(run, 130)

    assert stored_kinds(wb) == [causes.STOPPED_BY_PERSON]


def stored_kinds(wb: Speaker) -> list[Any]:
    connection = sqlite3.connect(wb.settings.database)
    try:
        return [kind for (kind,) in connection.execute("SELECT cause_kind FROM run")]
    finally:
        connection.close()


def test_verify_says_that_the_ledger_holds(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        sweep = wb.register(GRID)
        agent = wb.agent(sweep)
        for exit_code in (0, 1, 143, 0):
            wb.do_trial(agent, sweep, exit_code)

    done = verify(tmp_path / "data")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "The ledger holds."
    assert "3 points: 2 finished, 1 open; 4 attempts" in done.stdout


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE trial SET outcome = 'finished', counted_run_id = 2 WHERE number = 1", "recorded as None"),
        ("DELETE FROM entry WHERE kind = 'settled'", "recorded as None by run None"),
        ("INSERT INTO entry SELECT NULL, at_s, kind, sweep_id, trial_id, 'twice', detail FROM entry", "settled twice"),
        ("UPDATE entry SET detail = 'failed 1' WHERE detail = 'finished 0'", "which ended failed"),
        ("UPDATE entry SET detail = 'finished 0' WHERE detail = 'failed 1'", "ended finished and settled nothing"),
        ("UPDATE trial SET number = 7 WHERE number = 0", "not numbered from 0"),
        ("UPDATE run SET state = 'failed' WHERE state = 'finished'", "which is stored as failed"),
        ("UPDATE run SET state = 'running' WHERE state = 'finished'", "stored as in the hands of run"),
        ("UPDATE run SET state = 'crashed' WHERE state = 'failed'", "is stored as crashed, recorded as failed"),
        ("DELETE FROM run WHERE state = 'finished'", "stored as finished by run 1"),
    ],
)
def test_verify_finds_what_was_changed_behind_the_ledgers_back(
    tmp_path: Path, clock: Clock, harm: str, said: str
) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        sweep = wb.register(GRID)
        agent = wb.agent(sweep)
        wb.do_trial(agent, sweep)
        wb.do_trial(agent, sweep, 1)
    with sqlite3.connect(tmp_path / "data" / "sweeps.sqlite") as connection:
        connection.execute(harm)
    connection.close()

    done = verify(tmp_path / "data")

    assert done.returncode == 1
    assert said in done.stdout
    assert "The ledger does not hold" in done.stdout
