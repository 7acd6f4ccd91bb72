"""The server's log tells each event of a sweep in a line, and no request."""

import logging
from pathlib import Path

import pytest

from tests.server.speaker import GRID, Clock, Speaker, speaking, until


def test_each_event_is_a_line_with_its_sweep_and_run(wb: Speaker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    name = agent_name(wb, sweep)
    first = wb.do_trial(agent, sweep, loss=1.0)
    second = wb.do_trial(agent, sweep, exit_code=3)
    wb.set_state(sweep, "CANCELED")

    until(lambda: any("canceled" in message for message in caplog.messages))

    about = f"sweep local/p/{sweep}: "
    told = [message.removeprefix(about) for message in caplog.messages if message.startswith(about)]
    assert [line for line in told if line.startswith("run ")] == [
        f"run {first} handed: {name}",
        f"run {first} ended: finished 0",
        f"run {first} settled: finished",
        f"run {second} handed: {name}",
        f"run {second} ended: failed 3",
    ]
    assert [line for line in told if not line.startswith("run ")][-1] == "canceled"
    loggers = {record.name for record in caplog.records if record.name.startswith("server")}
    assert loggers == {"server.journal", "server.ledger.audit"}  # who has cancelled it


def agent_name(wb: Speaker, sweep: str) -> str:
    document = '{ project(name: "p") { sweep(sweepName: "%s") { agents { edges { node { name } } } } } }'
    found = wb.ask(document.replace("%s", sweep))["project"]["sweep"]["agents"]["edges"]
    return str(found[0]["node"]["name"])


def test_what_was_before_the_start_is_not_told_again(
    tmp_path: "Path", clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        sweep = wb.register(GRID)
        wb.do_trial(wb.agent(sweep), sweep, loss=1.0)
    caplog.clear()
    caplog.set_level(logging.INFO)

    with speaking(tmp_path / "data", clock) as wb:
        wb.look()
        wb.set_state(sweep, "PAUSED")
        until(lambda: any("paused" in message for message in caplog.messages))

    assert [message for message in caplog.messages if "settled" in message] == []
