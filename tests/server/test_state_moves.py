"""States change by the table of moves alone: nothing that a client asks for makes two live runs of one point."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.real_server import python
from tests.server.speaker import GRID, Clock, Speaker

ONE_POINT = {"method": "grid", "parameters": {"units": {"values": [8]}}}
SET_STATE = "mutation ($id: ID!, $state: String!) { updateRunState(input: {id: $id, state: $state}) { success } }"
DELETE = "mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"


def set_state(wb: Speaker, run: str, state: str) -> Any:
    return wb.post(SET_STATE, id=wb.field(run, "id"), state=state)


def state(wb: Speaker, run: str) -> str:
    return str(wb.field(run, "state"))


def verdict(data: Path) -> str:
    """The last line of `python -m server verify`."""
    command = [*python(), "-m", "server", "verify", "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[-1]


def finished(wb: Speaker, sweep: str, clock: Clock) -> str:
    return wb.do_trial(wb.agent(sweep), sweep)


def failed(wb: Speaker, sweep: str, clock: Clock) -> str:
    return wb.do_trial(wb.agent(sweep), sweep, 1)


def running(wb: Speaker, sweep: str, clock: Clock) -> str:
    run = str((wb.beat(wb.agent(sweep)) or {})["run_id"])
    wb.begin(run, sweep)
    return run


def given_up(wb: Speaker, sweep: str, clock: Clock) -> str:
    run = running(wb, sweep, clock)
    clock.pass_s(wb.settings.agent_silent_s + 1)
    wb.look()
    return run


def without_point(wb: Speaker, sweep: str, clock: Clock) -> str:
    wb.begin("joined", sweep)
    return "joined"


@pytest.mark.parametrize("to", ["pending", "running", "failed", "finished", "crashed", "killed"])
@pytest.mark.parametrize("made", [finished, failed, running, given_up, without_point])
def test_the_state_of_a_sweeps_run_cannot_be_set_by_hand(
    wb: Speaker, clock: Clock, made: Callable[[Speaker, str, Clock], str], to: str
) -> None:
    run = made(wb, wb.register(GRID), clock)
    before = state(wb, run)

    reply = set_state(wb, run, to)

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["message"] == "Sweep runs cannot have their state updated."
    assert state(wb, run) == before


@pytest.mark.parametrize(
    ("exit_code", "to", "becomes"),
    [
        (None, "pending", "pending"),
        (None, "failed", "failed"),
        (1, "pending", "pending"),
        (0, "pending", None),
        (0, "failed", None),
        (1, "failed", None),
        (1, "running", None),
    ],
)
def test_other_runs_take_the_moves_that_the_client_offers(
    wb: Speaker, exit_code: int | None, to: str, becomes: str | None
) -> None:
    wb.begin("r")
    if exit_code is not None:
        wb.finish("r", exit_code)
    before = state(wb, "r")

    reply = set_state(wb, "r", to)

    assert reply.status_code == (400 if becomes is None else 200)
    assert "invalid state transition" in reply.text or "cannot be set" in reply.text or becomes
    assert state(wb, "r") == (becomes or before)


def test_a_run_that_was_put_back_by_hand_starts_again(wb: Speaker) -> None:
    wb.begin("r")
    wb.finish("r", 1)
    set_state(wb, "r", "pending")

    wb.begin("r")

    assert (state(wb, "r"), wb.field("r", "exitcode")) == ("running", None)


def test_a_run_given_up_stays_so_while_another_of_its_point_waits_to_be_resumed(
    wb: Speaker, clock: Clock, tmp_path: Path
) -> None:
    sweep = wb.register(ONE_POINT)
    first = given_up(wb, sweep, clock)
    agent = wb.agent(sweep)
    second = str((wb.beat(agent) or {})["run_id"])
    wb.begin(second, sweep)
    wb.stream(second, preempting=True)
    wb.finish(second, 143)

    told = wb.log(first, 0, {"loss": 1.0})
    wb.begin(first, sweep)

    assert told.json() == {"stopped": True}
    assert (state(wb, first), state(wb, second)) == ("crashed", "preempted")
    resumed = wb.beat(agent)
    assert resumed is not None
    assert (resumed["type"], resumed["run_id"]) == ("resume", second)
    assert verdict(tmp_path / "data") == "The ledger holds."


@pytest.mark.parametrize("made", [finished, failed, running, given_up])
def test_the_ledger_holds_after_a_run_was_deleted_and_its_point_is_done_again(
    wb: Speaker, clock: Clock, tmp_path: Path, made: Callable[[Speaker, str, Clock], str]
) -> None:
    sweep = wb.register(ONE_POINT)
    wb.ask(DELETE, id=wb.field(made(wb, sweep, clock), "id"))
    wb.set_state(sweep, "RUNNING")

    wb.do_trial(wb.agent(sweep), sweep)

    assert wb.units(sweep, "finished") == [8]
    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert verdict(tmp_path / "data") == "The ledger holds."
