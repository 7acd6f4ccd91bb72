"""Curves of a sweep's runs in a real browser: every line answers, and what is drawn is in the address."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.filled_sweeps import METRIC, Filled, page_of
from tests.browser.visits import Visitor

pytestmark = pytest.mark.browser

LARGE: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}}
END_OF_PATH = """(path) => {
    const { x, y } = path.getPointAtLength(0).matrixTransform(path.getScreenCTM());
    return [x, y];
}"""


def values_of(runs: list[Any], run: str) -> list[float]:
    """What the client says that a run has logged of the metric."""
    known = next(each for each in runs if each.id == run)
    return [row[METRIC] for row in known.scan_history(keys=[METRIC])]


def told(page: Page) -> tuple[float, int]:
    """The value and the epoch that the tip tells."""
    found = re.search(r"(0\.\d+) at epoch (\d+)", page.locator("#tip").inner_text())
    assert found is not None
    return float(found[1]), int(found[2])


def thin_line(page: Page) -> Locator:
    return page.locator("#curves path.thin").first


def test_a_line_tells_its_run_and_its_value_to_a_pointer_and_the_keyboard(
    visitor: Visitor, filled: Filled, many_runs: list[Any]
) -> None:
    page = visitor.open(page_of(filled.many), **LARGE)
    line = thin_line(page)
    line.scroll_into_view_if_needed()
    page.mouse.move(*line.evaluate(END_OF_PATH))
    expect(page.locator("#tip")).to_be_visible()
    run = page.locator("#curves path.hovered").evaluate("() => pointedRun")
    value, epoch = told(page)
    assert value == pytest.approx(values_of(many_runs, run)[epoch - 1], abs=1e-3)

    chart = page.locator("#curves svg.plot")
    chart.focus()
    page.keyboard.press("ArrowDown")
    last = told(page)
    page.keyboard.press("ArrowLeft")
    before = told(page)
    run = str(page.evaluate("() => pointedRun"))
    assert before[1] == last[1] - 1
    assert before[0] == pytest.approx(values_of(many_runs, run)[before[1] - 1], abs=1e-3)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/runs/{run}$"))


def test_what_curves_are_drawn_by_is_chosen_and_stands_in_the_address(visitor: Visitor, filled: Filled) -> None:
    page = visitor.open(page_of(filled.many), **LARGE)

    page.get_by_label("By", exact=True).select_option("step")
    expect(page.locator("#curves .x-label").last).to_have_text("step 3")
    page.get_by_label("Smoothing").select_option("0.5")
    expect(page.locator("#curves header")).to_contain_text("smoothed by 0.5")
    expect(page).to_have_url(re.compile(r"curve-x=_step&smooth=0\.5$"))
    page.go_back()
    expect(page.locator("#curves header")).not_to_contain_text("smoothed")
    expect(page.locator("#curves .x-label").last).to_have_text("step 3")


def test_the_curves_of_a_run_stand_in_its_column_and_tell_their_values(
    visitor: Visitor, filled: Filled, many_runs: list[Any]
) -> None:
    finished = next(run for run in many_runs if run.state == "finished")
    page = visitor.open(f"{page_of(filled.many).split('/sweeps')[0]}/runs/{finished.id}", **LARGE)

    widths = [page.locator(panel).bounding_box() for panel in ("#result", "#curve-panels", "#history")]
    assert len({box and box["width"] for box in widths}) == 1
    line = page.locator("#curve-panels path.curve").first
    line.scroll_into_view_if_needed()
    page.mouse.move(*line.evaluate(END_OF_PATH))
    expect(page.locator("#tip")).to_contain_text(finished.name)
    assert told(page)[0] == pytest.approx(values_of(many_runs, finished.id)[0], abs=1e-3)
