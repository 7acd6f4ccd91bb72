"""One Chromium, and one server for all tests that do not harm it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from server.settings import Settings
from tests.browser.filled_sweeps import Filled, fill_all
from tests.browser.reading import runs_of
from tests.browser.visits import Visitor, visiting
from tests.server.real_server import RunningServer, ending
from tests.server.speaker import Clock, Speaker

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium here: install it, as root on Debian by `apt-get install chromium fonts-dejavu-core`"
# Tests that made a run by hand do not speak for its agent afterwards.
PATIENCE = ("--agent-silent-s", "86400")
# A busy machine is slow; no test waits for this to pass.
PATIENT_MS = 30_000


@pytest.fixture(scope="session", autouse=True)
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, headless; ends all tests at once where there is none."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.exit(MISSING, returncode=1)
    expect.set_options(timeout=PATIENT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, chromium_sandbox=os.geteuid() != 0)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with ending(RunningServer(tmp_path_factory.mktemp("server") / "data", *PATIENCE)) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """An empty server that the test may stop."""
    with ending(RunningServer(tmp_path / "data"), RunningServer.kill) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, server: RunningServer) -> Iterator[Visitor]:
    with visiting(browser, server) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def program(server: RunningServer) -> Iterator[Speaker]:
    """A W&B program of that server, as the protocol goes."""
    with httpx2.Client(base_url=server.url) as http:
        yield Speaker(http, server.api_key, Clock(), Settings(data=server.data))


@pytest.fixture(scope="session")
def filled(program: Speaker) -> Filled:
    """Sweeps of every size."""
    return fill_all(program)


@pytest.fixture(scope="session")
def many_runs(server: RunningServer, filled: Filled) -> list[Any]:
    """The runs of the largest sweep, which is over, as the real client reads them."""
    return runs_of(server, filled.many)
