"""Waiting for a sweep that others work for."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import click
import pytest
from rich.console import Console

from app.commands.client import BackendError, Refused
from app.commands.follow import until_over
from app.commands.progress import Progress
from app.commands.results import Reader, Results, RunResult

GOING = Results("e/p/s", "a sweep", "", "RUNNING", "val_accuracy", True, 2, ())
RUNNING = replace(GOING, runs=(RunResult("r1", "trial 1", "running", {"size": 1}),))
HANDED_OUT = replace(GOING, runs=(RunResult("r1", "trial 1", "pending", {"size": 1}),))
OVER = replace(GOING, state="FINISHED")
AWAY = BackendError("http://server: no answer in time")

LOOK_S = 2.0


class Told:
    """A reader that tells one thing after the other, the last one for ever, on a clock that moves when one waits."""

    path = "e/p/s"

    def __init__(self, *told: Results | BackendError) -> None:
        self._told: Iterator[Results | BackendError] = iter(told)
        self._last: Results | BackendError = told[0]
        self.now_s = 0.0
        self.said = io.StringIO()

    def read(self) -> Results:
        self._last = next(self._told, self._last)
        if isinstance(self._last, BackendError):
            raise self._last
        return self._last

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def follow(self) -> Results:
        progress = Progress(Console(file=self.said))
        return until_over(cast(Reader, self), progress, LOOK_S, 90, lambda: self.now_s, self.wait)


def test_it_ends_when_the_sweep_is_over_and_shows_each_change_once() -> None:
    told = Told(GOING, RUNNING, RUNNING, OVER)

    assert told.follow() is OVER
    assert told.said.getvalue().splitlines() == ["0 of 2 runs finished", "0 of 2 runs finished, 1 running"]
    assert told.now_s == 3 * LOOK_S


def test_a_refusal_ends_it_at_once() -> None:
    told = Told(GOING, Refused("http://server: HTTP 401"))

    with pytest.raises(Refused):
        told.follow()
    assert told.now_s == LOOK_S


def test_without_an_agent_it_gives_up_in_one_clear_line() -> None:
    with pytest.raises(click.ClickException, match=r"^no agent works for the sweep: no run is under way, and nothing"):
        Told(GOING).follow()


def test_a_running_run_is_waited_for_as_long_as_it_takes() -> None:
    assert Told(*[RUNNING] * 500, OVER).follow() is OVER


def test_a_run_whose_agent_went_before_it_started_is_waited_for_until_the_server_gives_it_up() -> None:
    assert Told(*[HANDED_OUT] * 60, RUNNING, OVER).follow() is OVER


def test_a_paused_sweep_is_waited_for_and_told() -> None:
    told = Told(*[replace(GOING, state="PAUSED")] * 500, OVER)

    assert told.follow() is OVER
    assert told.said.getvalue().count("The sweep is paused.") == 1


def test_a_backend_that_comes_back_is_waited_for_and_one_that_does_not_is_told() -> None:
    assert Told(GOING, *[AWAY] * 20, OVER).follow() is OVER
    with pytest.raises(click.ClickException, match="no answer in time"):
        Told(GOING, AWAY).follow()
