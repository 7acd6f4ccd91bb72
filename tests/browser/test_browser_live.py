"""Open pages of sweeps that real agents work at, and the buttons that change what the agents do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.live_work import Work
from tests.browser.visits import Visitor, visiting
from tests.server.real_server import RunningServer
from tests.server.speaker import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# An agent asks for work every five seconds, and W&B's client takes seconds to start and to end.
WORK_MS = 90_000

Register = Callable[[RunningServer, list[int]], Work]


@dataclass(frozen=True)
class Begun:
    """Sweeps whose agents are at work from the first test on, since an agent takes its time.

    Attributes:
        held: two points, the first of which is held at its first epoch.
        failing: the same after one that failed.
    """

    held: Work
    failing: Work


@pytest.fixture(scope="module", autouse=True)
def begun(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    held = Work(server, tmp_path_factory.mktemp("held"), [8, 32])
    failing = Work(server, tmp_path_factory.mktemp("failing"), [16, 32])
    failing.set("broken")
    for work in (held, failing):
        work.set("hold")
        work.start_agent()
    yield Begun(held, failing)
    for work in (held, failing):
        work.kill()


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    """Registers a sweep of so many units."""
    works = []

    def make(server: RunningServer, units: list[int]) -> Work:
        folder = tmp_path / "work"
        folder.mkdir()
        works.append(Work(server, folder, units))
        return works[-1]

    yield make
    for work in works:
        work.kill()


def press(page: Page, part: str, name: str) -> None:
    """Clicks a button, and takes the mouse away: a table under it keeps its rows."""
    page.locator(part).get_by_role("button", name=name, exact=True).click()
    page.mouse.move(0, 0)


def row(name: str) -> str:
    """The row of a run."""
    return f"table.runs tbody tr:has(a[title='{name}'])"


def test_a_page_says_that_its_server_is_gone_and_catches_up_when_it_is_back(
    browser: Browser, own_server: RunningServer, register: Register
) -> None:
    work = register(own_server, [8, 16])
    with visiting(browser, own_server) as visitor:
        visitor.watch.expected.append("net::ERR_")
        page = visitor.open(work.page)
        page.evaluate("window.same = true")

        own_server.stop()
        expect(page.locator("#stale")).to_contain_text("The server does not answer. What you see is from")
        expect(page.locator("#badge")).to_have_text("Waiting")
        own_server.start()

        expect(page.locator("#stale")).to_be_hidden()
        work.wandb("sweep", "--stop", work.path)
        expect(page.locator("#badge")).to_have_text("Finished")
        assert page.evaluate("window.same")


def test_a_paused_sweep_hands_out_nothing_until_it_is_resumed(visitor: Visitor, begun: Begun) -> None:
    work = begun.held
    page = visitor.open(work.page)
    expect(page.locator(row("trial 1"))).to_contain_text("Running", timeout=WORK_MS)

    press(page, "#buttons", "Pause light")
    expect(page.locator("#badge")).to_have_text("Paused")
    assert work.state() == "PAUSED"
    work.set("hold", False)
    expect(page.locator(row("trial 1"))).to_contain_text("Finished", timeout=WORK_MS)
    expect(page.locator("#agents .doing")).to_have_text("idle: the sweep is paused", timeout=WORK_MS)
    since = work.agent_heard()
    until(lambda: work.agent_heard() != since, WORK_MS / 1000)
    assert [run.state for run in work.runs()] == ["finished"]
    press(page, "#buttons", "Resume light")

    expect(page.locator("#badge")).to_have_text("Finished", timeout=WORK_MS)
    assert work.state() == "FINISHED"
    assert sorted((run.config["units"], run.state) for run in work.runs()) == [(8, "finished"), (32, "finished")]


def test_a_failed_run_is_retried_and_a_running_one_stopped_by_a_click(visitor: Visitor, begun: Begun) -> None:
    work = begun.failing
    page = visitor.open(work.page)
    expect(page.locator("#failures")).to_contain_text("trial 1", timeout=WORK_MS)
    expect(page.locator(row("trial 2"))).to_contain_text("Running", timeout=WORK_MS)

    work.set("broken", False)
    press(page, row("trial 1"), "Retry trial 1")
    press(page, row("trial 2"), "Stop trial 2, asks first")
    press(page, "[role=dialog]:popover-open", "Stop trial 2")
    expect(page.locator(row("trial 2"))).to_contain_text("Killed", timeout=WORK_MS)
    work.set("hold", False)

    expect(page.locator("#badge")).to_have_text("Finished", timeout=WORK_MS)
    assert work.exit_codes() == [0]
    states = sorted((run.config["units"], run.state) for run in work.runs())
    assert states == [(16, "failed"), (16, "finished"), (32, "killed")]


def test_a_sweep_is_watched_from_nothing_to_its_end_on_pages_that_are_never_loaded_again(
    browser: Browser, own_server: RunningServer, register: Register
) -> None:
    with visiting(browser, own_server) as visitor:
        front = visitor.open("/")
        expect(front.locator("h1")).to_have_text("No sweeps yet")
        front.evaluate("window.same = true")

        work = register(own_server, [8, 16, 32])
        expect(front.locator("table.sweeps tbody tr")).to_have_count(1)
        page = visitor.open(work.page)
        expect(page.locator("#waiting")).to_contain_text(f"wandb agent {work.path}")
        page.evaluate("window.same = true")
        work.set("hold")
        work.start_agent()
        work.start_agent()
        expect(page.locator("#badge")).to_have_text("Running", timeout=WORK_MS)
        expect(page.locator("#how-far .counts .run b")).to_have_text("2", timeout=WORK_MS)
        expect(page.locator("#best .best-number")).to_be_visible(timeout=WORK_MS)
        expect(page.locator("#curves .letters li")).to_have_count(2, timeout=WORK_MS)
        work.set("hold", False)
        expect(page.locator("#badge")).to_have_text("Finished", timeout=WORK_MS)
        expect(front.locator("table.sweeps .status")).to_contain_text("Finished", timeout=WORK_MS)

        assert work.exit_codes() == [0, 0]
        runs = {run.name: f"{run.summary['val_accuracy']:.4f}" for run in work.runs()}
        names = page.locator("table.runs tbody tr th a[title]").all_inner_texts()
        values = page.locator("table.runs tbody tr td.metric").all_inner_texts()
        assert dict(zip(names, values, strict=True)) == runs
        expect(page.locator("#how-far .settled")).to_have_text("3 of 3 trials done")
        assert page.evaluate("window.same")
        assert front.evaluate("window.same")
