"""Every chart of a sweep's page answers a pointer, a finger and the keyboard, and says what the real client says."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.filled_sweeps import METRIC, Filled, page_of
from tests.browser.visits import PHONE, Visitor

pytestmark = pytest.mark.browser

LARGE: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}}
DOTS = "#best .dots path"


def opened(visitor: Visitor, filled: Filled, **options: Any) -> Page:
    return visitor.open(page_of(filled.many), **options)


def middle(mark: Locator) -> tuple[float, float]:
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def expect_told(page: Page, runs: list[Any], run: str) -> None:
    """Checks that the tip is of the run, with the value that the client has of it."""
    known = next(each for each in runs if each.id == run)
    tip = page.locator("#tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text(known.name)
    assert float(re.findall(r"0\.\d+", tip.inner_text())[0]) == pytest.approx(known.summary[METRIC], abs=1e-5)


def test_a_dot_that_is_pointed_at_tells_its_run_which_all_charts_show_and_a_click_opens_it(
    visitor: Visitor, filled: Filled, many_runs: list[Any]
) -> None:
    page = opened(visitor, filled, **LARGE)
    dot = page.locator(DOTS).nth(20)
    run = str(dot.get_attribute("data-run"))

    page.mouse.move(*middle(dot))

    expect_told(page, many_runs, run)
    settings = next(each for each in many_runs if each.id == run).config
    expect(page.locator("#tip")).to_contain_text(f"units {settings['units']}")
    for chart in ("#best", ".parallel.wide"):
        expect(page.locator(f"{chart} path.hovered")).to_have_count(1)
    page.mouse.click(*middle(dot))
    expect(page).to_have_url(re.compile(f"/runs/{run}$"))


def test_the_first_tap_tells_and_the_second_opens(visitor: Visitor, filled: Filled, many_runs: list[Any]) -> None:
    page = opened(visitor, filled, **PHONE, has_touch=True, is_mobile=True)
    dot = page.locator(DOTS).nth(20)
    run = str(dot.get_attribute("data-run"))

    page.touchscreen.tap(*middle(dot))

    expect_told(page, many_runs, run)
    expect(page).to_have_url(re.compile(page_of(filled.many)))
    page.touchscreen.tap(*middle(dot))
    expect(page).to_have_url(re.compile(f"/runs/{run}$"))


def test_arrows_go_from_mark_to_mark_of_each_chart_space_draws_the_curve_and_enter_opens_the_run(
    visitor: Visitor, filled: Filled, many_runs: list[Any]
) -> None:
    page = opened(visitor, filled, **LARGE)
    charts = page.locator("#main [data-charted]:visible")
    expect(charts.nth(3)).to_be_attached()
    said = page.locator("#pointed-at")

    for chart in charts.all():
        chart.focus()
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        expect(said).not_to_be_empty()
        page.keyboard.press("Escape")
        said.evaluate("(each) => each.replaceChildren()")
    page.locator("#best [data-charted]").focus()
    page.keyboard.press("ArrowRight")
    run = str(page.locator("#best path.hovered").evaluate("(each) => pointedRun"))

    expect_told(page, many_runs, run)
    page.keyboard.press(" ")
    expect(page).to_have_url(re.compile(rf"run=.*{run}"))
    expect(page.locator(f".letters [data-run='{run}']")).to_have_count(1)
    expect(page.locator("#best [data-charted]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/runs/{run}$"))
