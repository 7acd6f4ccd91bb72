"""An application in this process, or a real server process, for the tests of the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.real_server import RunningServer, ending
from tests.server.speaker import Clock, Speaker, speaking


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wb(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A client of a fresh application."""
    with speaking(tmp_path / "data", clock) as speaker:
        yield speaker


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that the test may kill."""
    with ending(RunningServer(tmp_path / "data"), RunningServer.kill) as running:
        yield running
