"""Machines sleep, are suspended, and have their clocks set: no live run is given up for it, and no dead one kept."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.keys import OneTimeLinks, load_keys
from server.store.database import Database
from tests.server.speaker import GRID, Clock, Speaker, speaking

Jump = Callable[[Clock], None]
HOUR_S = 3600.0


@pytest.fixture
def wb(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A client of an application that looks for who is gone only when it is told to."""
    with speaking(tmp_path / "data", clock, tick_s=HOUR_S) as speaker:
        yield speaker


def started(wb: Speaker, sweep: str) -> tuple[str, str]:
    """An agent and its run, which has begun."""
    agent = wb.agent(sweep)
    run = str((wb.beat(agent) or {})["run_id"])
    wb.begin(run, sweep)
    return agent, run


def test_looking_for_who_is_gone_waits_for_no_writer_where_nobody_is(wb: Speaker) -> None:
    started(wb, wb.register(GRID))
    busy = sqlite3.connect(wb.settings.database, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")

    wb.look()

    busy.close()


JUMPS: dict[str, Jump] = {
    "set an hour on": lambda clock: clock.set_by_s(HOUR_S),
    "set an hour back": lambda clock: clock.set_by_s(-HOUR_S),
    "a lid closed for a night": lambda clock: clock.set_by_s(8 * HOUR_S),
    "a machine suspended": lambda clock: clock.freeze_s(HOUR_S),
}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_no_live_run_is_given_up_for_a_jump_of_time(wb: Speaker, clock: Clock, jump: Jump) -> None:
    sweep = wb.register(GRID)
    agent, run = started(wb, sweep)
    wb.live_for_s(agent, run, 30)

    jump(clock)
    wb.look()
    wb.live_for_s(agent, run, 30)

    assert wb.field(run, "state") == "running"
    wb.finish(run)
    assert wb.field(run, "state") == "finished"


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_no_dead_run_is_kept_for_a_jump_of_time(wb: Speaker, clock: Clock, jump: Jump) -> None:
    sweep = wb.register(GRID)
    _, run = started(wb, sweep)
    clock.pass_s(60)

    jump(clock)
    wb.look()
    assert wb.field(run, "state") == "running"
    clock.pass_s(wb.settings.agent_silent_s)
    wb.look()

    assert wb.field(run, "state") == "crashed"
    assert "nothing heard of it or its agent for 60 s" in wb.field(run, "summaryMetrics")


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_the_grace_of_a_missing_run_is_time_that_its_end_could_have_come_in(
    wb: Speaker, clock: Clock, jump: Jump
) -> None:
    sweep = wb.register(GRID)
    agent, run = started(wb, sweep)
    wb.beat(agent)

    jump(clock)
    wb.beat(agent)
    assert wb.field(run, "state") == "running"
    clock.pass_s(wb.settings.run_missing_s)
    wb.beat(agent)

    assert wb.field(run, "state") == "crashed"


def test_the_grace_of_a_stop_is_time_that_it_could_have_been_heard_in(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(GRID)
    agent, run = started(wb, sweep)
    wb.ask("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=wb.field(run, "id"))

    clock.set_by_s(HOUR_S)
    assert wb.beat(agent, run) is None
    clock.pass_s(wb.settings.stop_grace_s)

    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}


def test_durations_never_go_backwards(wb: Speaker, clock: Clock) -> None:
    wb.begin("r")
    created = wb.field("r", "createdAt")
    clock.pass_s(100)

    clock.set_by_s(-HOUR_S)
    clock.pass_s(100)
    wb.begin("r")

    assert wb.field("r", "heartbeatAt") > created
    later_s = clock()
    clock.set_by_s(HOUR_S)
    assert clock() == pytest.approx(later_s, abs=1.0)


def test_a_server_that_starts_on_a_clock_set_back_goes_on_from_what_it_has_told(tmp_path: Path, clock: Clock) -> None:
    clock.set_by_s(HOUR_S)
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
        told = wb.field("r", "heartbeatAt")

    assert _next_start(wb, "s") >= told


def test_a_server_does_not_go_on_from_a_clock_that_was_years_ahead(tmp_path: Path, clock: Clock) -> None:
    clock.set_by_s(365 * 24 * HOUR_S)
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
        told = wb.field("r", "heartbeatAt")

    assert _next_start(wb, "s") < told


def _next_start(wb: Speaker, run: str) -> str:
    """When a run is made by a server that takes its time from this machine."""
    database = Database(wb.settings.database)
    keys = load_keys(wb.settings.data)
    try:
        with TestClient(create_app(database, wb.settings, keys, OneTimeLinks(60.0))) as http:
            again = Speaker(http, keys.api_key, wb.clock, wb.settings)
            again.begin(run)
            return str(again.field(run, "createdAt"))
    finally:
        database.close()
