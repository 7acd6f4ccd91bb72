"""An application in this process for the tests of the protocol and the ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from speaker import Clock, Speaker, speaking


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wb(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A client of a fresh application."""
    with speaking(tmp_path / "data", clock) as speaker:
        yield speaker
