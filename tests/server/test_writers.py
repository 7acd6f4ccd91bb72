"""Several programs that write one run together (`mode="shared"`), each as W&B's client speaks for one of them."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.server.real_client import script
from tests.server.real_server import RunningServer
from tests.server.speaker import GRID, Clock, Speaker
from tests.server.test_starts import EVENTS, HISTORY, HYPERBAND, resume, start

CONSOLE, SUMMARY = "output.log", "wandb-summary.json"
LOSSES = ("rank0/loss", "rank1/loss")


PROGRAM = """
import subprocess, sys, time, wandb
program, rank = sys.argv[1], int(sys.argv[2])
command = [sys.executable, "-c", program, program, "1"]
worker = subprocess.Popen(command) if rank == 0 else None
run = wandb.init(project="ranks", id="both", config={f"rank{rank}": rank}, settings=wandb.Settings(
    mode="shared", x_primary=rank == 0, x_label=f"rank{rank}", x_update_finish_state=rank == 0,
    x_stats_sampling_interval=0.1))
for value in range(3):
    run.log({f"rank{rank}/loss": value})
print("hello from", rank)
time.sleep(0.5)  # the client's own service measures the machine beside this, and says nothing of it
assert worker is None or worker.wait() == 0
run.finish()
"""


def ranks(wb: Speaker, run: str, sweep: str | None = None, **fields: Any) -> tuple[Speaker, Speaker]:
    """The primary and a worker of a run, both after their first call."""
    both = wb.rank("primary"), wb.rank("worker")
    for each in both:
        start(each, run, sweep, **fields)
    return both


def send(wb: Speaker, run: str, offset: int = 0, *, end: int | None = None, **lines: list[Any]) -> Any:
    """One request; `lines` by stream, objects or texts."""
    names = {"history": HISTORY, "events": EVENTS, "console": CONSOLE, "summary": SUMMARY}
    files = {
        names[stream]: {"offset": offset, "content": [x if isinstance(x, str) else json.dumps(x) for x in content]}
        for stream, content in lines.items()
    }
    ending: dict[str, Any] = {} if end is None else {"complete": True, "exitcode": end}
    return wb.stream(run, files=files, **ending)


def history(wb: Speaker, run: str) -> list[dict[str, Any]]:
    return [json.loads(row) for row in wb.field(run, "history")]


def console(wb: Speaker, run: str) -> list[str]:
    return [edge["node"]["line"] for edge in wb.field(run, "logLines { edges { node { line } } }")["edges"]]


def summary(wb: Speaker, run: str) -> dict[str, Any]:
    return dict(json.loads(wb.field(run, "summaryMetrics")))


def config(wb: Speaker, run: str) -> dict[str, Any]:
    return {name: entry["value"] for name, entry in json.loads(wb.field(run, "config")).items()}


def test_a_run_has_what_each_of_its_programs_sent(wb: Speaker) -> None:
    for each in ranks(wb, "r"):
        name = each.headers["X-WANDB-CLIENT-ID"]
        rows = [{"_step": step, f"{name}/loss": step} for step in range(2)]
        send(each, "r", history=rows, events=[{f"system.cpu/l:{name}": 1}], console=[name], summary=[rows[-1]])

    assert history(wb, "r") == [
        {"_step": 0, "primary/loss": 0},
        {"_step": 1, "primary/loss": 1},
        {"_step": 2, "worker/loss": 0},
        {"_step": 3, "worker/loss": 1},
    ]
    assert list(map(json.loads, wb.field("r", "events"))) == [{"system.cpu/l:primary": 1}, {"system.cpu/l:worker": 1}]
    assert json.loads(wb.field("r", "systemMetrics")) == {"system.cpu/l:primary": 1, "system.cpu/l:worker": 1}
    assert console(wb, "r") == ["primary", "worker"]
    assert summary(wb, "r") == {"primary/loss": 1, "worker/loss": 1, "_step": 3}


@pytest.mark.feature('mode="shared": several programs write one run')
def test_two_programs_of_the_real_client_write_one_run(server: RunningServer, tmp_path: Path) -> None:
    script(server, tmp_path, PROGRAM, PROGRAM, "0")

    run = server.api().run("local/ranks/both")
    rows = list(run.scan_history())
    assert [row["_step"] for row in rows] == [*range(6)]
    assert all([row[name] for row in rows if row.get(name) is not None] == [0, 1, 2] for name in LOSSES)
    assert sorted((line.label, line.content) for line in run.console_logs()) == [
        ("rank0", "hello from 0"),
        ("rank1", "hello from 1"),
    ]
    assert [run.summary[name] for name in LOSSES] == [2, 2]
    assert (run.config, run.state) == ({"rank0": 0, "rank1": 1}, "finished")
    measured = {
        name.split("/l:")[1] for row in run.history(stream="system", pandas=False) for name in row if "/l:" in name
    }
    assert measured == {"rank0", "rank1"}


def test_rows_without_a_step_are_numbered_as_they_come(wb: Speaker) -> None:
    primary, worker = ranks(wb, "r")

    send(worker, "r", history=[{"a": 0}])
    send(primary, "r", history=[{"b": 0}])
    send(worker, "r", 1, history=[{"a": 1}])

    assert history(wb, "r") == [{"a": 0, "_step": 0}, {"b": 0, "_step": 1}, {"a": 1, "_step": 2}]


def test_what_one_program_sends_again_changes_nothing(wb: Speaker) -> None:
    primary, worker = ranks(wb, "r")
    send(primary, "r", history=[{"a": 0}], events=[{"e": 0}], console=["a0"], summary=[{"a": 0}])
    send(worker, "r", history=[{"b": 0}], events=[{"e": 1}], console=["b0"], summary=[{"b": 0}])

    start(primary, "r")
    for _ in range(2):
        send(primary, "r", history=[{"a": 0}, {"a": 1}], events=[{"e": 0}], console=["a0"], summary=[{"a": 1}])

    assert history(wb, "r") == [{"a": 0, "_step": 0}, {"b": 0, "_step": 1}, {"a": 1, "_step": 2}]
    assert len(wb.field("r", "events")) == 2
    assert console(wb, "r") == ["a0", "b0"]
    assert summary(wb, "r") == {"a": 1, "b": 0, "_step": 2}


def test_a_progress_bar_writes_over_its_own_line(wb: Speaker) -> None:
    primary, worker = ranks(wb, "r")
    send(primary, "r", console=["begins", "10 %"])
    send(worker, "r", console=["waits", "5 %"])

    send(primary, "r", 1, console=["90 %", "done"])
    send(worker, "r", 1, console=["95 %"])

    assert console(wb, "r") == ["begins", "90 %", "waits", "95 %", "done"]


def test_of_a_summary_only_what_its_program_has_changed_is_taken(wb: Speaker) -> None:
    primary, worker = ranks(wb, "r")
    send(worker, "r", summary=[{"loss": 9, "gone": 1, "eval": {"worker": 1, "n": [1]}}])
    send(primary, "r", summary=[{"loss": 1, "eval": {"primary": 2}}])

    send(worker, "r", summary=[{"loss": 9, "own": 3, "eval": {"worker": 4, "n": [1]}}])

    assert summary(wb, "r") == {"loss": 1, "own": 3, "eval": {"worker": 4, "n": [1], "primary": 2}}


def test_of_a_config_only_what_its_program_has_changed_is_taken(wb: Speaker) -> None:
    def told(speaker: Speaker, **values: Any) -> None:
        speaker.begin("r", config=json.dumps({name: {"value": value} for name, value in values.items()}))

    primary, worker = ranks(wb, "r", config='{"lr": {"value": 1}}')
    told(primary, lr=2, layers=3)

    told(worker, lr=1, local_rank=1)

    assert config(wb, "r") == {"lr": 2, "layers": 3, "local_rank": 1}


def test_a_worker_that_ends_after_the_primary_changes_no_end(wb: Speaker, clock: Clock) -> None:
    primary, worker = ranks(wb, "r")
    send(primary, "r", history=[{"loss": 1}], end=0)

    worker.begin("r", config="{}")
    send(worker, "r", history=[{"worker": 1}], summary=[{"worker": 1}])
    worker.stream("r")
    clock.pass_s(wb.settings.run_orphan_s + 1)
    wb.look()

    assert (wb.field("r", "state"), wb.field("r", "exitcode")) == ("finished", 0)
    assert len(history(wb, "r")) == 2
    assert summary(wb, "r")["worker"] == 1


def test_a_worker_that_ends_before_the_primary_ends_no_run(wb: Speaker) -> None:
    primary, worker = ranks(wb, "r")

    send(worker, "r", history=[{"worker": 1}], summary=[{"worker": 1}])
    before = wb.field("r", "state")
    send(primary, "r", history=[{"loss": 1}], summary=[{"loss": 1}], end=0)

    assert (before, wb.field("r", "state")) == ("running", "finished")
    assert summary(wb, "r") == {"worker": 1, "loss": 1, "_step": 1}


def test_a_run_is_given_up_when_all_its_programs_are_silent(wb: Speaker, clock: Clock) -> None:
    primary, worker = ranks(wb, "r")
    send(primary, "r", history=[{"loss": 1}])
    for _ in range(3):
        clock.pass_s(wb.settings.run_orphan_s / 2)
        worker.stream("r")
        wb.look()
    while_one_speaks = wb.field("r", "state")

    clock.pass_s(wb.settings.run_orphan_s + 1)
    wb.look()
    when_none_does = wb.field("r", "state")
    send(worker, "r", history=[{"worker": 1}])

    assert (while_one_speaks, when_none_does, wb.field("r", "state")) == ("running", "crashed", "running")


def test_a_point_that_several_programs_work_on_has_one_result(wb: Speaker) -> None:
    sweep = wb.register(GRID | {"metric": {"name": "loss"}, "parameters": {"units": {"values": [8]}}})
    run = str(wb.beat(agent := wb.agent(sweep))["run_id"])
    primary, worker = ranks(wb, run, sweep)

    send(primary, run, history=[{"loss": 1}], summary=[{"loss": 1}], end=0)
    send(worker, run, history=[{"worker": 1}], summary=[{"worker": 1}])
    while_it_works = wb.beat(agent, run)

    assert [(each["name"], each["state"]) for each in wb.runs(sweep)] == [(run, "finished")]
    assert (wb.sweep(sweep)["state"], wb.sweep(sweep)["bestLoss"]) == ("FINISHED", 1.0)
    assert (while_it_works, wb.beat(agent)) == (None, {"type": "exit"})
    assert {"loss", "worker"} <= summary(wb, run).keys()


def test_a_worker_that_outlives_a_preempted_primary_does_not_take_the_point(wb: Speaker) -> None:
    sweep = wb.register(GRID | {"parameters": {"units": {"values": [8]}}})
    run = str(wb.beat(agent := wb.agent(sweep))["run_id"])
    primary, worker = ranks(wb, run, sweep)
    primary.stream(run, preempting=True, complete=True, exitcode=143)

    send(worker, run, history=[{"worker": 1}])

    assert wb.field(run, "state") == "preempted"
    assert wb.beat(agent)["type"] == "resume"


def test_early_termination_sees_the_primarys_metric(wb: Speaker) -> None:
    sweep = wb.register(HYPERBAND)
    answers = []
    for accuracy in (0.8, 0.8, 0.1):
        run = str(wb.beat(wb.agent(sweep))["run_id"])
        primary, worker = ranks(wb, run, sweep)
        send(worker, run, history=[{"worker": 1}] * 3)
        send(primary, run, history=[{"acc": accuracy}])
        answers.append(send(worker, run, 3, history=[{"worker": 1}]).json())
        answers.append(send(primary, run, 1, history=[{"acc": accuracy}]).json())

    assert answers == [{}] * 5 + [{"stopped": True}]
    assert worker.stream(run).json() == {"stopped": True}


def test_programs_that_start_again_after_a_failure_go_on(wb: Speaker) -> None:
    primary, worker = ranks(wb, "r")
    send(primary, "r", history=[{"loss": 1}], end=1)

    primary, worker = wb.rank("primary again"), wb.rank("worker again")
    for each in (primary, worker):
        start(each, "r")
    state = wb.field("r", "state")
    send(worker, "r", history=[{"worker": 1}])
    send(primary, "r", history=[{"loss": 0.5}], end=0)

    assert (state, wb.field("r", "state")) == ("running", "finished")
    assert [row["_step"] for row in history(wb, "r")] == [0, 1, 2]


def test_who_joins_a_finished_run_leaves_it_finished_unless_it_resumes_it(wb: Speaker) -> None:
    start(wb, "r")
    wb.log("r", 0, {"_step": 0, "loss": 1})
    wb.finish("r")
    evaluation = wb.rank("evaluation")

    start(evaluation, "r")
    send(evaluation, "r", history=[{"accuracy": 1}], end=1)
    joined = wb.field("r", "state")
    resume(wb.rank("training"), "r")

    assert (joined, wb.field("r", "state")) == ("finished", "running")
    assert history(wb, "r") == [{"_step": 0, "loss": 1}, {"accuracy": 1, "_step": 1}]


def test_a_program_that_believes_to_be_alone_loses_nothing_to_one_that_joins(wb: Speaker) -> None:
    start(wb, "r")
    send(wb, "r", history=[{"_step": 0, "loss": 1}], console=["alone"], summary=[{"loss": 1}])
    other = wb.rank("other")
    start(other, "r")
    send(other, "r", history=[{"other": 1}], console=["with you"], summary=[{"other": 1}])

    for _ in range(2):
        send(
            wb,
            "r",
            history=[{"_step": 0, "loss": 1}, {"_step": 1, "loss": 2}],
            console=["still"],
            summary=[{"loss": 2}],
        )

    assert history(wb, "r") == [{"_step": 0, "loss": 1}, {"other": 1, "_step": 1}, {"_step": 2, "loss": 2}]
    assert console(wb, "r") == ["still", "with you"]
    assert summary(wb, "r") == {"loss": 2, "other": 1, "_step": 2}


def test_programs_that_disagree_whether_they_share_their_run_lose_no_row_when_they_start_again(wb: Speaker) -> None:
    start(wb, "r")
    send(wb, "r", history=[{"_step": 0, "old": 1}], end=1)
    start(wb, "r")
    other = wb.rank("other")
    start(other, "r")

    send(wb, "r", history=[{"_step": 0, "new": 1}])
    send(other, "r", history=[{"other": 1}])
    send(wb, "r", 1, history=[{"_step": 1, "new": 2}])

    assert [{*row} - {"_step"} for row in history(wb, "r")] == [{"old"}, {"new"}, {"other"}, {"new"}]


def test_one_program_alone_may_overwrite_what_several_wrote(wb: Speaker, clock: Clock) -> None:
    primary, worker = ranks(wb, "r")
    for each in (primary, worker):
        send(each, "r", history=[{"_timestamp": clock(), "old": 1}], console=["old"], summary=[{"old": 1}])
    clock.pass_s(5)

    start(wb, "r")
    send(worker, "r", 1, history=[{"old": 2}])
    send(wb, "r", history=[{"_step": 0, "_timestamp": clock(), "new": 1}], summary=[{"new": 1}])

    assert [row["new"] for row in history(wb, "r")] == [1]
    assert (console(wb, "r"), summary(wb, "r")) == ([], {"new": 1})


def test_a_client_that_resumes_alone_what_several_wrote_goes_on_behind_them(wb: Speaker) -> None:
    for each in ranks(wb, "r"):
        send(each, "r", history=[{"a": 1}])

    counted_from = resume(wb, "r")["bucket"]["historyLineCount"]
    send(wb, "r", counted_from, history=[{"_step": 2, "b": 1}])
    send(wb.rank("worker"), "r", 1, history=[{"a": 2}])
    send(wb, "r", counted_from + 1, history=[{"_step": 3, "b": 2}])

    assert [row["_step"] for row in history(wb, "r")] == [0, 1, 2, 3, 4]
    assert [row.get("a", row.get("b")) for row in history(wb, "r")] == [1, 1, 1, 2, 2]


def test_a_run_that_is_deleted_takes_what_its_programs_sent_with_it(wb: Speaker) -> None:
    _, worker = ranks(wb, "r")
    send(worker, "r", history=[{"a": 1}], summary=[{"a": 1}])
    delete = "mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"
    wb.ask(delete, id=wb.field("r", "id"))
    late = send(worker, "r", 1, history=[{"a": 2}])
    wb.clock.set_by_s(31 * 24 * 3600)
    wb.look()

    assert late.status_code == 404
    with sqlite3.connect(wb.settings.database) as connection:
        left = [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("writer", "history")]
    assert left == [(0,), (0,)]


def test_console_lines_of_several_programs_are_told_with_their_labels(wb: Speaker) -> None:
    for each in ranks(wb, "r"):
        name = each.headers["X-WANDB-CLIENT-ID"]
        send(each, "r", console=[f"2026-11-29T12:00:00.000001 [{name}] hello [again] from {name}"])

    nodes = [edge["node"] for edge in wb.field("r", "logLines { edges { node { label line } } }")["edges"]]

    assert nodes == [{"label": name, "line": f"hello [again] from {name}"} for name in ("primary", "worker")]


def test_the_cause_of_a_failure_is_of_the_program_that_failed_last(wb: Speaker) -> None:
    primary, worker = ranks(wb, "r")
    trace = ["Traceback (most recent call last):", '  File "mine.py", line 7, in <module>', "ValueError: units is 3"]
    send(primary, "r", console=[f"ERROR 2026-11-29T12:00:00.000001 [primary] {line}" for line in trace[:2]])
    send(worker, "r", console=["2026-11-29T12:00:00.000001 [worker] waits"])

    send(primary, "r", 2, console=[f"ERROR 2026-11-29T12:00:00.000001 [primary] {trace[2]}"], end=1)

    assert wb.told("r")["cause"] == "ValueError: units is 3"


def test_a_program_has_a_name_of_a_reasonable_length(wb: Speaker) -> None:
    start(wb, "r")

    refused = send(wb.rank("x" * 129), "r", history=[{"a": 1}])

    assert refused.status_code == 400
    assert "writer has at most 128 characters, not 129" in refused.text
