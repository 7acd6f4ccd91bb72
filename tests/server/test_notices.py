"""NOTIFY_URL: the end of a sweep, and an alert, told to whoever listens there."""

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from server.__main__ import main
from server.ledger.notices import WAITS_S
from server.settings import Settings
from tests.server.real_server import RunningServer, ending
from tests.server.receiver import TOKEN, Receiver, receiving
from tests.server.speaker import Clock, Speaker, speaking, until
from tests.server.test_edit import send

ONE = {
    "name": "one size",
    "method": "grid",
    "metric": {"name": "acc", "goal": "maximize"},
    "parameters": {"units": {"values": [8]}},
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def wb(tmp_path: Path, clock: Clock, receiver: Receiver) -> Iterator[Speaker]:
    with speaking(tmp_path / "data", clock, notify_url=receiver.url) as wb:
        yield wb


def done(wb: Speaker, **summary: Any) -> str:
    """A sweep of one point, done."""
    sweep = wb.register(ONE)
    wb.do_trial(wb.agent(sweep), sweep, **summary)
    return sweep


def waiting(wb: Speaker) -> list[Any]:
    """How often each notice was tried that still waits."""
    with closing(sqlite3.connect(wb.settings.database)) as connection:
        return [tries for (tries,) in connection.execute("SELECT tries FROM notice ORDER BY id")]


def all_told(wb: Speaker) -> Callable[[], bool]:
    return lambda: not waiting(wb)


def test_the_end_of_a_sweep_is_told_once_with_its_best(wb: Speaker, receiver: Receiver) -> None:
    sweep = done(wb, acc=0.875)
    until(all_told(wb))
    (told,), (run,) = receiver.taken, wb.runs(sweep)

    name = run["displayName"]
    path = f"/local/p/sweeps/{sweep}"
    assert told.pop("at").startswith("20")
    assert told == {
        "event": "sweep",
        "id": 1,
        "text": f"one size finished; 1 of 1 trials done (1 finished), best acc 0.875 by {name}. {path}",
        "entity": "local",
        "project": "p",
        "sweep": sweep,
        "sweep_name": "one size",
        "url": path,
        "state": "finished",
        "reason": None,
        "points": {"finished": 1},
        "expected": 1,
        "best": {"run": run["name"], "name": name, "metric": "acc", "value": 0.875, "shown": "0.875"},
    }
    assert receiver.heads[0]["Content-Type"] == "application/json"


def test_an_alert_is_told_as_well(wb: Speaker, receiver: Receiver) -> None:
    wb.begin("r1", displayName="the run")
    wb.alert("r1", "Loss is high", "\x1b[31m3.2", severity="ERROR", waitDuration=60_000)
    wb.alert("r1", "Loss is high", "3.3", waitDuration=60_000)
    until(all_told(wb))

    (told,) = receiver.taken
    assert told["text"] == "ERROR Loss is high: 3.2 (the run). /local/p/runs/r1"
    assert told["event"] == "alert"
    assert told["alert"] == {"level": "ERROR", "title": "Loss is high", "text": "3.2"}
    assert (told["run"], told["sweep"]) == ("r1", None)


def test_without_an_address_nothing_waits_to_be_told_when_there_is_one(
    tmp_path: Path, clock: Clock, receiver: Receiver
) -> None:
    receiver.status = 500
    with speaking(tmp_path / "data", clock, notify_url=receiver.url) as wb:
        done(wb)
        until(lambda: waiting(wb) == [1])
    with speaking(tmp_path / "data", clock) as wb:
        without = waiting(wb)
        done(wb)
        still = waiting(wb)
    receiver.status = 200
    clock.pass_s(60)
    with speaking(tmp_path / "data", clock, notify_url=receiver.url) as wb:
        wb.alert(wb.begin("r1")["bucket"]["name"])
        until(all_told(wb))

    assert (without, still) == ([], [])
    assert [told["event"] for told in receiver.taken] == ["alert"]


def test_what_is_not_taken_is_sent_again_and_given_up_in_the_end(
    wb: Speaker, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 302  # no other address is asked
    done(wb)
    for tries, wait_s in enumerate(WAITS_S, start=1):
        until(lambda tries=tries: waiting(wb) == [tries])  # type: ignore[misc]
        wb.clock.pass_s(wait_s)
    until(lambda: "given up" in caplog.text)

    assert [told["id"] for told in receiver.refused] == [1] * 5
    assert receiver.taken == []
    assert [record.message for record in caplog.records if "notice" in record.message] == [
        *["notice 1 was not taken: HTTP 302; it is sent again"] * 4,
        "notice 1 was not taken: HTTP 302; given up",
    ]


@pytest.mark.parametrize(("there", "why"), [(False, "ConnectionRefusedError"), (True, "RemoteDisconnected")])
def test_a_receiver_that_is_dead_is_tried_again(
    tmp_path: Path, clock: Clock, receiver: Receiver, caplog: pytest.LogCaptureFixture, there: bool, why: str
) -> None:
    receiver.status = 0
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        free = f"http://127.0.0.1:{nobody.getsockname()[1]}/{TOKEN}"
    with speaking(tmp_path / "data", clock, notify_url=receiver.url if there else free) as wb:
        done(wb)
        until(lambda: waiting(wb) == [1])

    assert f"notice 1 was not taken: {why}; it is sent again" in caplog.text
    assert TOKEN not in caplog.text


def test_a_server_that_is_started_again_tells_what_the_one_before_could_not_and_no_more(
    tmp_path: Path, clock: Clock
) -> None:
    with receiving() as receiver:
        url = receiver.url
        with speaking(tmp_path / "data", clock, notify_url=url) as wb:
            done(wb)
            until(all_told(wb))
        receiver.status = 503
        with speaking(tmp_path / "data", clock, notify_url=url) as wb:
            second = done(wb)
            until(lambda: waiting(wb) == [1])
        receiver.status = 200
        clock.pass_s(WAITS_S[0])
        with speaking(tmp_path / "data", clock, notify_url=url) as wb:
            until(all_told(wb))

    assert [told["id"] for told in receiver.taken] == [1, 2]
    assert receiver.taken[1]["sweep"] == second


def test_a_server_that_was_killed_tells_it_with_the_address_of_the_page(
    tmp_path: Path, clock: Clock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_URL", receiver.url)
    receiver.answers.clear()
    with ending(RunningServer(tmp_path / "data")) as server:
        with httpx2.Client(base_url=server.url) as http:
            sweep = done(Speaker(http, server.api_key, clock, Settings(data=server.data)))
        receiver.asked.wait()  # it is being told
        server.kill()
        receiver.status = 500  # what it was told last, nobody has answered
        receiver.answers.set()
        until(lambda: len(receiver.refused) == 1)
        receiver.status = 200
        server.start()
        until(lambda: len(receiver.taken) == 1)
        output = server.output()

    assert receiver.taken[0]["url"] == f"{server.url}/local/p/sweeps/{sweep}"
    assert TOKEN not in output


def test_what_was_told_is_not_told_again_where_that_cannot_be_stored(
    wb: Speaker, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers.clear()
    done(wb)
    receiver.asked.wait()
    with closing(sqlite3.connect(wb.settings.database, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        receiver.answers.set()
        until(lambda: "notices cannot be sent" in caplog.text)
        another.execute("ROLLBACK")
    until(all_told(wb))

    assert len(receiver.taken) == 1


def test_a_receiver_that_does_not_answer_holds_nobody_up(wb: Speaker, receiver: Receiver) -> None:
    receiver.answers.clear()
    done(wb)
    receiver.asked.wait()

    sweep = done(wb, acc=0.5)  # while it is silent
    before = list(receiver.taken)
    receiver.answers.set()
    until(all_told(wb))

    assert before == []
    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert [told["id"] for told in receiver.taken] == [1, 2]


def test_a_sweep_is_at_its_end_when_none_of_its_runs_is_under_way_any_more(wb: Speaker, receiver: Receiver) -> None:
    sweep = wb.register({**ONE, "parameters": {"units": {"values": [8, 16]}}})
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)
    wb.set_state(sweep, "FINISHED")
    wb.alert(run)
    until(lambda: waiting(wb) == [0])
    alone = [told["event"] for told in receiver.taken]
    wb.summarise(run, acc=0.25)
    wb.finish(run)
    until(all_told(wb))

    told = receiver.taken[1]["text"]
    assert alone == ["alert"]
    assert told.startswith("one size finished; 1 of 2 trials done (1 finished), best acc 0.250 by ")


def test_a_sweep_that_goes_on_and_what_is_deleted_are_not_told(wb: Speaker, receiver: Receiver) -> None:
    receiver.status = 500
    deleted, goes_on = done(wb), done(wb)
    wb.begin("r1")
    wb.alert("r1")
    until(lambda: waiting(wb) == [1, 1, 1])
    wb.set_state(goes_on, "RUNNING")
    left = waiting(wb)
    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=wb.field("r1", "id"))
    send(wb, f"/local/p/sweeps/{deleted}/edit", "Delete one size")
    receiver.status = 200
    wb.clock.pass_s(WAITS_S[0])
    until(all_told(wb))

    assert left == [1, 1]
    assert receiver.taken == []


def test_the_address_is_in_no_log_no_page_and_no_file(
    wb: Speaker, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 500
    sweep = done(wb)
    until(lambda: waiting(wb) == [1])

    shown = [wb.http.get(path, headers=wb.headers).text for path in ("/", f"/local/p/sweeps/{sweep}", "/settings")]
    kept = [path.read_bytes() for path in wb.settings.data.rglob("*") if path.is_file()]
    assert not any(TOKEN in text for text in [*shown, caplog.text, repr(wb.settings), str(receiver.refused)])
    assert not any(TOKEN.encode() in content for content in kept)


@pytest.mark.parametrize(
    "value",
    [
        "sweeps.example/hooks/t0ken",
        "ftp://sweeps.example/t0ken",
        "http://",
        "https://me:t0ken@sweeps.example/",
        "https://sweeps.example:99999/t0ken",
        "https://[t0ken/",
        "https://sweeps.example/a t0ken",
    ],
)
def test_an_address_that_is_none_is_one_error_at_the_start_that_does_not_repeat_it(tmp_path: Path, value: str) -> None:
    ended = CliRunner().invoke(main, ["--data", str(tmp_path / "data")], env={"NOTIFY_URL": value})

    assert ended.exit_code == 2
    (line,) = [line for line in ended.output.splitlines() if line.startswith("Error")]
    assert "NOTIFY_URL" in line
    assert "allowed: an http or https address, as https://chat.example/hooks/TOKEN" in line
    assert "t0ken" not in ended.output
