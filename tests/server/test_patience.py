"""How long the server waits for who is silent: set by its flags."""

import resource
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from server.settings import Settings
from tests.server.real_server import RunningServer, python
from tests.server.speaker import Clock, Speaker, speaking, until

NEVER_S = 3600.0  # the test alone looks for who is silent
TWO = {"method": "grid", "parameters": {"units": {"values": [8, 16]}}}


def test_shorter_times_give_silent_agents_and_runs_up_sooner(tmp_path: Path) -> None:
    server = RunningServer(
        tmp_path / "data", "--agent-silent-s", "1", "--run-missing-s", "0.5", "--run-orphan-s", "1.5"
    )
    try:
        with httpx2.Client(base_url=server.url) as http:
            wb = Speaker(http, server.api_key, Clock(), Settings(server.data))
            sweep = wb.register(TWO)
            wb.begin("orphan")
            silent, living = wb.agent(sweep), wb.agent(sweep)
            lost, missing = wb.beat(silent)["run_id"], wb.beat(living)["run_id"]
            for run in (lost, missing):
                wb.begin(run, sweep)

            until(lambda: wb.beat(living) is not None)  # it reports no run, so that another may be given to it
            until(lambda: wb.field(lost, "state") == "crashed")
            until(lambda: wb.field("orphan", "state") == "crashed")
            causes = [wb.field(run, "summaryMetrics") for run in (lost, missing)]
    finally:
        server.stop()

    assert "nothing heard of it or its agent for" in causes[0]
    assert "its process is gone and sent no end" in causes[1]


@pytest.mark.parametrize("flag", ["--agent-silent-s", "--run-missing-s", "--run-orphan-s"])
def test_a_time_that_is_none_is_refused_in_one_line(tmp_path: Path, flag: str) -> None:
    command = [*python(), "-m", "server", "--data", str(tmp_path), flag, "-1"]

    done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"Error: Invalid value for '{flag}': -1.0 is not in the range x>=0."


def test_a_silent_run_that_cannot_be_given_up_keeps_no_other_alive(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with speaking(tmp_path / "data", clock, tick_s=NEVER_S) as wb:
        bad, good = wb.register(TWO), wb.register(TWO)
        runs = []
        for sweep in (bad, good):
            runs.append(wb.beat(wb.agent(sweep))["run_id"])
            wb.begin(runs[-1], sweep)
        # As a disk may leave it: no sweep any more.
        with closing(sqlite3.connect(wb.settings.database)) as connection, connection:
            connection.execute("UPDATE sweep SET config = '' WHERE name = ?", (bad,))

        clock.pass_s(wb.settings.agent_silent_s + 1)
        wb.look()
        wb.look()

        assert [wb.field(run, "state") for run in runs] == ["running", "crashed"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_run_that_can_again_not_be_given_up_is_told_of_again(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with speaking(tmp_path / "data", clock, tick_s=NEVER_S) as wb:
        sweep = wb.register(TWO)
        run = str(wb.beat(wb.agent(sweep))["run_id"])
        seen = []
        with closing(sqlite3.connect(wb.settings.database, isolation_level=None)) as disk:
            for _ in range(2):
                wb.begin(run, sweep)
                disk.execute("UPDATE sweep SET description = config, config = ''")
                clock.pass_s(wb.settings.agent_silent_s + 1)
                wb.look()
                disk.execute("UPDATE sweep SET config = description")
                wb.look()
                seen.append((wb.field(run, "state"), len(caplog.records)))

    assert seen == [("crashed", 1), ("crashed", 2)]


def test_a_disk_that_fails_while_a_run_is_given_up_leaves_the_run_for_the_next_look(wb: Speaker, clock: Clock) -> None:
    wb.begin("r")
    wb.summarise("r", text="x" * 8_000_000)
    clock.pass_s(wb.settings.run_orphan_s + 1)

    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Beyond this size a write fails as on a full disk, and SQLite rolls back by itself.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, whole[1]))
    try:
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            wb.look()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    between = wb.field("r", "state")
    wb.look()

    assert (between, wb.field("r", "state")) == ("running", "crashed")
