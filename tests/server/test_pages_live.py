"""How an open page hears of news, over HTTP from a real server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from server.settings import Settings
from tests.patience import HANG_S
from tests.server.real_server import RunningServer
from tests.server.shelf import Seen
from tests.server.speaker import Clock, Speaker

GRID = {"method": "grid", "parameters": {"units": {"values": [8, 16, 32]}}}
# Longer than the time between two events, shorter than that of a line that keeps a quiet stream open.
SILENCE_S = 1.5


@pytest.fixture
def program(own_server: RunningServer, clock: Clock) -> Iterator[Speaker]:
    """A W&B program of a server that nobody else writes to."""
    with httpx2.Client(base_url=own_server.url, timeout=HANG_S) as http:
        yield Speaker(http, own_server.api_key, clock, Settings(data=own_server.data))


@contextmanager
def listening(program: Speaker, since: str = "", last: str = "", limit_s: float = HANG_S) -> Iterator[Iterator[str]]:
    """The names of the states that a stream tells of; a silence of `limit_s` is an error."""
    headers = program.headers | ({"Last-Event-ID": last} if last else {})
    with program.http.stream("GET", "/events", params={"since": since}, headers=headers, timeout=limit_s) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield (line.removeprefix("id: ") for line in reply.iter_lines() if line.startswith("id: "))


def state_shown(program: Speaker, path: str) -> str:
    tags = Seen(program.http.get(path, headers=program.headers).text).tags
    return next(attributes["data-state"] or "" for tag, attributes in tags if tag == "main")


def test_a_page_hears_of_what_happened_after_it_was_made_and_then_of_each_change(program: Speaker) -> None:
    sweep = program.register(GRID)
    shown = state_shown(program, f"/local/p/sweeps/{sweep}")
    agent = program.agent(sweep)

    with listening(program, since=shown) as states:
        first = next(states)
        assert first != shown
        program.beat(agent)
        second = next(states)

    assert second not in (first, shown)
    assert state_shown(program, "/") == second


def test_a_page_that_shows_the_last_state_hears_nothing(program: Speaker) -> None:
    program.register(GRID)
    shown = state_shown(program, "/")

    with listening(program, since=shown, limit_s=SILENCE_S) as states, pytest.raises(httpx2.ReadTimeout):
        next(states)


def test_a_page_that_comes_back_hears_of_what_it_missed(program: Speaker) -> None:
    sweep = program.register(GRID)
    with listening(program) as states:
        last = next(states)
    program.agent(sweep)

    with listening(program, since="what it began with", last=last) as states:
        assert next(states) != last


def test_a_page_of_a_server_that_was_started_again_hears_of_it(own_server: RunningServer, program: Speaker) -> None:
    shown = state_shown(program, "/")
    own_server.stop()
    own_server.start()

    with listening(program, since=shown) as states:
        assert next(states) != shown


def test_a_page_hears_of_many_changes_at_most_twice_a_second(program: Speaker) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)

    with listening(program) as states:
        next(states)
        begin_s = time.monotonic()
        for _ in range(10):
            program.beat(agent)
        told = [next(states)]
        while told[-1] != state_shown(program, "/"):
            told.append(next(states))

    assert len(told) <= 1 + 2 * (time.monotonic() - begin_s)


def test_open_streams_do_not_hold_up_the_end_of_the_server(own_server: RunningServer, program: Speaker) -> None:
    with listening(program) as states:
        next(states)
        own_server.process.terminate()
        assert list(states) == []
        own_server.process.wait(timeout=HANG_S)

    assert "graceful shutdown exceeded" not in own_server.output()


def test_a_stranger_hears_nothing(program: Speaker) -> None:
    assert program.http.get("/events").status_code == 403
