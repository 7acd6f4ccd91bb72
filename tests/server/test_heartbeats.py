"""Heartbeats that change nothing are answered from memory: nobody can tell, but for how soon they are answered."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.ledger import bin
from server.store import queries
from server.store.database import Database
from tests.server.speaker import GRID, Clock, Speaker, speaking

HOUR_S = 3600.0
STOP = "mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }"


@pytest.fixture
def wb(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A client of an application that looks for who is gone only when it is told to."""
    with speaking(tmp_path / "data", clock, tick_s=HOUR_S) as speaker:
        yield speaker


def told_to_go_on(wb: Speaker, sweep: str) -> tuple[str, str]:
    """An agent and its run, of which two heartbeats were answered."""
    agent = wb.agent(sweep)
    run = str(wb.beat(agent)["run_id"])
    wb.begin(run, sweep)
    for _ in range(2):
        assert wb.beat(agent, run) is None
    return agent, run


def test_writes_nothing_for_a_heartbeat_that_changes_nothing(wb: Speaker) -> None:
    agent, run = told_to_go_on(wb, wb.register(GRID))

    with closing(sqlite3.connect(wb.settings.database)) as other:
        (before,) = other.execute("PRAGMA data_version").fetchone()
        for _ in range(3):
            wb.beat(agent, run)
        (after,) = other.execute("PRAGMA data_version").fetchone()

    assert after == before


def test_keeps_a_run_whose_agent_alone_is_heard_of_and_gives_it_up_when_that_falls_silent(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent, run = told_to_go_on(wb, sweep)

    wb.live_for_s(agent, run, 600)
    lived = [each["name"] for each in wb.runs(sweep, "running")]
    wb.clock.pass_s(61)
    wb.look()

    assert lived == [run]
    assert [each["name"] for each in wb.runs(sweep, "crashed")] == [run]


def test_tells_an_agent_to_stop_a_run_that_was_stopped_after_it_had_been_told_to_go_on(wb: Speaker) -> None:
    agent, run = told_to_go_on(wb, wb.register(GRID))

    wb.ask(STOP, id=wb.field(run, "id"))
    at_once = wb.beat(agent, run)
    wb.clock.pass_s(wb.settings.stop_grace_s)

    assert at_once is None, "the run hears it first, in its file stream"
    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}


def test_tells_an_agent_to_stop_the_runs_of_a_sweep_that_was_cancelled(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent, run = told_to_go_on(wb, sweep)

    wb.set_state(sweep, "CANCELED")

    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}


def test_tells_an_agent_that_comes_back_to_stop_a_run_whose_point_another_has_taken(wb: Speaker) -> None:
    sweep = wb.register(GRID | {"parameters": {"units": {"values": [8]}}})
    agent, run = told_to_go_on(wb, sweep)
    wb.clock.pass_s(61)
    wb.look()
    back = wb.beat(agent, run)

    other = wb.beat(wb.agent(sweep))

    assert back is None, "its point is still free"
    assert other["type"] == "run"
    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}


def test_gives_a_deleted_run_up_to_no_agent_that_still_has_it(wb: Speaker) -> None:
    agent, run = told_to_go_on(wb, wb.register(GRID))

    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=wb.field(run, "id"))

    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}


def test_hears_of_what_another_program_has_written(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent, run = told_to_go_on(wb, sweep)
    wb.finish(run)
    wb.set_state(sweep, "FINISHED")
    assert [wb.beat(agent, run), wb.beat(agent, run)] == [None, None], "the process takes a while to end"

    with closing(Database(wb.settings.database)) as other, other.write() as tx:
        found = queries.sweep(tx, sweep)
        assert found is not None
        bin.delete_sweep(tx, found, wb.clock())
    wb.look()

    with pytest.raises(AssertionError, match="not known here"):
        wb.beat(agent, run)


def test_tells_the_time_of_every_heartbeat_to_who_asks_for_it(wb: Speaker) -> None:
    agent, run = told_to_go_on(wb, wb.register(GRID))
    document = """mutation ($id: ID!, $state: JSONString) {
        agentHeartbeat(input: {id: $id, runState: $state}) { agent { heartbeatAt } commands } }"""

    told = []
    for _ in range(3):
        wb.clock.pass_s(5)
        answer = wb.ask(document, id=agent, state=f'{{"{run}": true}}')
        told.append(answer["agentHeartbeat"]["agent"]["heartbeatAt"])

    assert len(set(told)) == 3


def test_gives_up_a_run_that_its_agent_reports_no_more_though_it_reports_another(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent, run = told_to_go_on(wb, sweep)
    wb.begin("another", sweep)

    for _ in range(4):
        assert wb.beat(agent, "another") is None
        wb.clock.pass_s(5)
    wb.beat(agent, "another")

    assert [each["name"] for each in wb.runs(sweep, "crashed")] == [run], "its living agent has not had it for 15 s"


def test_keeps_what_was_heard_when_the_server_ends(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock, tick_s=HOUR_S) as wb:
        sweep = wb.register(GRID)
        agent, run = told_to_go_on(wb, sweep)
        clock.pass_s(50)
        wb.beat(agent, run)
        told_s = clock()

    with closing(sqlite3.connect(wb.settings.database)) as database:
        assert database.execute("SELECT heartbeat_at_s FROM agent").fetchone() == (told_s,)
    with speaking(tmp_path / "data", clock, tick_s=HOUR_S) as wb:
        clock.pass_s(59)
        wb.look()
        assert [each["name"] for each in wb.runs(sweep, "running")] == [run]
