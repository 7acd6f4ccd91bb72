"""The report of a sweep on the server, opened from disk in a browser that has no network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.filled_sweeps import METRIC, Filled, path_of
from tests.browser.reading import best_of
from tests.browser.test_browser_reach import LARGE, WIDTH, grave_violations
from tests.browser.visits import PHONE, Watch
from tests.server.real_server import RunningServer

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def report(server: RunningServer, filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that `python -m app report` writes."""
    folder = tmp_path_factory.mktemp("report")
    names = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": server.api_key, "SWEEP_ID": path_of(filled.many)}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in names.items()))
    environment = {**os.environ, "ENV_FILE": str(folder / ".env"), "DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "app", "report"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "runs finished" in done.stdout, done.stdout + done.stderr
    (path,) = (folder / "data" / "reports").glob("*/report.html")
    return Path(path)


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The report, which must ask for itself and nothing else."""
    watch = Watch(report.as_uri())
    context = browser.new_context(offline=True, **LARGE)
    watch.over(context)
    page = context.new_page()
    page.goto(report.as_uri())
    yield page
    context.close()
    watch.check()
    assert watch.asked == [report.as_uri()]


def test_the_report_shows_the_best_run_and_its_plots_without_a_network(
    page: Page, report: Path, many_runs: list[Any]
) -> None:
    assert report.stat().st_size < MOST_BYTES
    expect(page.locator("p.number")).to_have_text(f"{best_of(many_runs).summary[METRIC]:.4f}")
    drawn = page.locator("svg").evaluate_all("all => all.map((each) => each.getBoundingClientRect().height)")
    assert len([height for height in drawn if height > 100]) >= 3


def test_the_report_fits_a_phone_and_keeps_nobody_out(page: Page) -> None:
    assert grave_violations(page) == []
    page.set_viewport_size(PHONE["viewport"])
    assert page.evaluate(WIDTH) <= 390
