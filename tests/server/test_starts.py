"""A run that starts again without `resume` overwrites its former start; nothing else does. Shapes are the client's."""

import json
from typing import Any

import pytest

from server.ledger import clearing, starts
from tests.server.speaker import GRID, Clock, Speaker, until

HISTORY, EVENTS = "wandb-history.jsonl", "wandb-events.jsonl"
HYPERBAND: dict[str, Any] = GRID | {
    "metric": {"name": "acc", "goal": "maximize"},
    "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2},
}


def start(wb: Speaker, run: str, sweep: str | None = None, **fields: Any) -> dict[str, Any]:
    """The first call of a start."""
    return wb.begin(run, sweep, jobProgram="trial.py", host="h", **fields)


def resume(wb: Speaker, run: str, sweep: str | None = None) -> dict[str, Any]:
    return start(wb, run, sweep, id=wb.field(run, "id"))


def rows(clock: Clock, *values: float, step: int = 0) -> list[str]:
    """History as the client logs it, a second apart."""
    made = []
    for place, value in enumerate(values):
        clock.pass_s(1)
        made.append(json.dumps({"_step": step + place, "_timestamp": clock(), "acc": value}))
    return made


def send(wb: Speaker, run: str, history: list[str], offset: int = 0, **more: Any) -> Any:
    return wb.stream(run, files={HISTORY: {"offset": offset, "content": history}}, **more)


def all_of(wb: Speaker, run: str, values: list[float], **more: Any) -> Any:
    """One request with something of everything, from line 0 on."""
    clock, said = wb.clock, [f"epoch {value}" for value in values]
    return wb.stream(
        run,
        files={
            HISTORY: {"offset": 0, "content": rows(clock, *values)},
            EVENTS: {"offset": 0, "content": rows(clock, *values)},
            "output.log": {"offset": 0, "content": said},
            "wandb-summary.json": {"offset": 0, "content": [json.dumps({"acc": values[-1], f"first {values[0]}": 1})]},
        },
        **more,
    )


def logged(wb: Speaker, run: str) -> list[float]:
    return [json.loads(row)["acc"] for row in wb.field(run, "history")]


def put(wb: Speaker, run: str, name: str, text: bytes) -> None:
    document = """mutation ($run: String!, $names: [String!]!) { createRunFiles(input: {
        entityName: "local", projectName: "p", runName: $run, files: $names}) { files { uploadUrl } } }"""
    (file,) = wb.ask(document, run=run, names=[name])["createRunFiles"]["files"]
    assert wb.http.put(file["uploadUrl"], content=text).status_code == 200


def files(wb: Speaker, run: str) -> list[str]:
    return [edge["node"]["name"] for edge in wb.field(run, "files { edges { node { name } } }")["edges"]]


def test_a_new_start_overwrites_all_that_the_former_one_sent(wb: Speaker) -> None:
    start(wb, "r")
    all_of(wb, "r", [100.0, 101.0, 102.0, 103.0], complete=True, exitcode=1)

    counted_from = start(wb, "r")["bucket"]["historyLineCount"]
    all_of(wb, "r", [1.0, 2.0])

    assert counted_from == 0
    assert logged(wb, "r") == [1.0, 2.0]
    assert len(wb.field("r", "events")) == 2
    lines = wb.field("r", "logLines { edges { node { line } } }")["edges"]
    assert [line["node"]["line"] for line in lines] == ["epoch 1.0", "epoch 2.0"]
    assert json.loads(wb.field("r", "summaryMetrics")) == {"acc": 2.0, "first 1.0": 1}
    assert (wb.field("r", "state"), wb.field("r", "historyLineCount")) == ("running", 2)


def test_what_is_sent_again_because_its_answer_was_lost_changes_nothing(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    all_of(wb, "r", [100.0, 101.0], complete=True, exitcode=1)
    first, second = rows(clock, 1.0, 2.0), rows(clock, 3.0, step=2)

    for _ in range(2):
        start(wb, "r")
    for _ in range(2):
        send(wb, "r", first)
    for _ in range(2):
        send(wb, "r", second, offset=2)

    assert logged(wb, "r") == [1.0, 2.0, 3.0]


def test_a_first_call_that_comes_late_a_second_time_costs_a_living_start_nothing(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    put(wb, "r", "model.keras", b"weights")
    send(wb, "r", rows(clock, 1.0, 2.0))

    start(wb, "r")
    again = send(wb, "r", rows(clock, 3.0, step=2), offset=2)
    send(wb, "r", rows(clock, 4.0, step=3), offset=3)

    assert again.json() == {}
    assert logged(wb, "r") == [1.0, 2.0, 3.0, 4.0]
    assert files(wb, "r") == ["model.keras"]


def test_a_start_that_sends_nothing_overwrites_nothing(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    send(wb, "r", rows(clock, 1.0, 2.0))
    put(wb, "r", "model.keras", b"weights")

    start(wb, "r")
    wb.stream("r")
    wb.finish("r", 1)

    assert logged(wb, "r") == [1.0, 2.0]
    assert files(wb, "r") == ["model.keras"]


def test_a_resumed_start_goes_on_behind_the_former_one(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    all_of(wb, "r", [1.0, 2.0], complete=True, exitcode=1)
    start(wb, "r")  # one that comes to nothing in between

    counted_from = resume(wb, "r")["bucket"]["historyLineCount"]
    send(wb, "r", rows(clock, 2.5, 3.0, step=1), offset=2)

    assert counted_from == 2
    assert logged(wb, "r") == [1.0, 2.5, 3.0]
    assert json.loads(wb.field("r", "summaryMetrics"))["first 1.0"] == 1


def test_a_client_that_resumes_without_a_node_id_goes_on_too(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    send(wb, "r", rows(clock, 1.0, 2.0), complete=True, exitcode=0)

    wb.begin("r", host="h")  # `wandb sync --append` of 0.28
    send(wb, "r", rows(clock, 3.0, step=2), offset=2)

    assert logged(wb, "r") == [1.0, 2.0, 3.0]


def test_files_that_the_new_start_does_not_write_vanish(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    for name in ("old.txt", "both.txt"):
        put(wb, "r", name, b"old")
    send(wb, "r", rows(clock, 1.0), complete=True, exitcode=1)

    start(wb, "r")
    put(wb, "r", "both.txt", b"new")
    put(wb, "r", "new.txt", b"new")
    send(wb, "r", rows(clock, 2.0), complete=True, exitcode=0)

    assert files(wb, "r") == ["both.txt", "new.txt"]
    until(lambda: sum(path.is_file() for path in wb.settings.files.rglob("*")) == 2)


def test_what_a_former_start_still_sends_finds_no_place(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    former = rows(clock, *range(100, 104))
    send(wb, "r", former)
    late = rows(clock, 104.0, 105.0, step=4)

    start(wb, "r")
    send(wb, "r", rows(clock, 1.0, 2.0))
    behind_a_gap = send(wb, "r", late, offset=4, complete=True, exitcode=1)
    send(wb, "r", rows(clock, 3.0, 4.0, 5.0, 6.0, step=2), offset=2)
    over_others = send(wb, "r", late, offset=4)
    from_its_beginning = send(wb, "r", former)

    assert [each.json() for each in (behind_a_gap, over_others, from_its_beginning)] == [{}] * 3
    assert logged(wb, "r") == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert wb.field("r", "state") == "running"


@pytest.mark.parametrize("at_once", [clearing.SLICE, 1])
def test_what_a_former_start_slips_in_behind_the_new_ones_lines_gives_way_to_them(
    wb: Speaker, clock: Clock, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "SLICE", at_once)

    def timed(began_s: float, *values: float, step: int = 0) -> list[str]:
        rows_ = [json.loads(row) for row in rows(clock, *values, step=step)]
        return [json.dumps(row | {"_runtime": row["_timestamp"] - began_s}) for row in rows_]

    def both(history: list[str], offset: int) -> Any:
        lines = {"offset": offset, "content": history}
        return wb.stream("r", files={HISTORY: lines, EVENTS: lines}).json()

    first_s = clock()
    start(wb, "r")
    both(timed(first_s, 100.0, 101.0), 0)
    late = timed(first_s, 102.0, 103.0, 104.0, step=2)
    second_s = clock()
    start(wb, "r")
    both(timed(second_s, 1.0, 2.0), 0)

    both(late, 2)
    next_rows = timed(second_s, 3.0, step=2)
    for _ in range(2):
        both(next_rows, 2)
    both(late[1:], 3)
    both(timed(second_s, 4.0, step=3), 3)
    both(late, 2)

    assert logged(wb, "r") == [1.0, 2.0, 3.0, 4.0]
    assert [json.loads(row)["acc"] for row in wb.field("r", "events")] == [1.0, 2.0, 3.0, 4.0]
    assert wb.field("r", "historyLineCount") == 4


def test_a_former_start_that_speaks_once_more_does_not_hide_the_new_one(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    send(wb, "r", rows(clock, 100.0, 101.0, 102.0))

    start(wb, "r")
    send(wb, "r", rows(clock, 103.0, step=3), offset=3)
    send(wb, "r", rows(clock, 1.0, 2.0))

    assert logged(wb, "r") == [1.0, 2.0]


def test_programs_that_write_one_run_together_overwrite_nothing(wb: Speaker, clock: Clock) -> None:
    wb.headers["X-WANDB-USE-ASYNC-FILESTREAM"] = "true"
    start(wb, "r")
    send(wb, "r", rows(clock, 1.0, 2.0))

    counted_from = start(wb, "r")["bucket"]["historyLineCount"]
    wb.stream("r", files={EVENTS: {"offset": 0, "content": rows(clock, 0.0)}})
    send(wb, "r", rows(clock, 3.0, step=2), offset=counted_from)

    assert logged(wb, "r") == [1.0, 2.0, 3.0]


def test_early_termination_sees_the_rows_of_the_new_start(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(HYPERBAND)
    for _ in range(2):
        rival = str(wb.beat(wb.agent(sweep))["run_id"])
        start(wb, rival, sweep)
        send(wb, rival, rows(clock, 0.8, 0.8))
    run = str(wb.beat(agent := wb.agent(sweep))["run_id"])
    start(wb, run, sweep)
    good = send(wb, run, rows(clock, 0.9, 0.9), preempting=True, complete=True, exitcode=143)

    assert wb.beat(agent)["run_id"] == run
    start(wb, run, sweep)
    bad = send(wb, run, rows(clock, 0.1, 0.1))

    assert (good.json(), bad.json()) == ({}, {"stopped": True})
    assert "rank 3 of 3 at epoch 2" in wb.told(run)["cause"]


def test_a_verdict_on_the_former_start_does_not_stop_the_new_one(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(HYPERBAND)
    for _ in range(2):
        rival = str(wb.beat(wb.agent(sweep))["run_id"])
        start(wb, rival, sweep)
        send(wb, rival, rows(clock, 0.8, 0.8))
    run = str(wb.beat(wb.agent(sweep))["run_id"])
    start(wb, run, sweep)
    assert send(wb, run, rows(clock, 0.1, 0.1)).json() == {"stopped": True}

    start(wb, run, sweep)
    anew = send(wb, run, rows(clock, 0.9, 0.9))
    wb.finish(run)

    assert anew.json() == {}
    assert "cause" not in wb.told(run)


def test_a_second_start_in_one_trial_settles_its_point_no_second_time(wb: Speaker) -> None:
    sweep = wb.register(HYPERBAND | {"parameters": {"units": {"values": [8]}}})
    run = str(wb.beat(agent := wb.agent(sweep))["run_id"])
    for values, exit_code in (([0.1, 0.2, 0.3], 0), ([0.5, 0.6], 1)):
        start(wb, run, sweep)
        all_of(wb, run, values, complete=True, exitcode=exit_code)

    assert [(each["name"], each["state"]) for each in wb.runs(sweep)] == [(run, "finished")]
    assert logged(wb, run) == [0.5, 0.6]
    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert wb.beat(agent) == {"type": "exit"}


def test_a_run_that_was_stopped_by_hand_may_start_again(wb: Speaker, clock: Clock) -> None:
    start(wb, "r")
    send(wb, "r", rows(clock, 1.0))
    wb.ask("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=wb.field("r", "id"))
    assert send(wb, "r", rows(clock, 2.0, step=1), 1, complete=True, exitcode=255).json() == {"stopped": True}

    start(wb, "r")

    assert send(wb, "r", rows(clock, 1.0)).json() == {}
