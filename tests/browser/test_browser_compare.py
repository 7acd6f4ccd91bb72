"""Runs and sweeps side by side, as a person chooses them; what stands there is what the real client reads."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import METRIC, PROJECT, Filled, page_of
from tests.browser.reading import best_of, runs_of, shown_runs
from tests.browser.visits import Visitor
from tests.server.real_server import RunningServer

pytestmark = pytest.mark.browser


def compared(page: Page) -> dict[str, list[str]]:
    """The texts beside each name."""
    rows = page.locator("#compare tbody tr:not(.part)").all()
    return {cells[0]: cells[1:] for cells in (row.locator("th, td").all_inner_texts() for row in rows)}


def test_chosen_runs_are_compared_and_a_sixth_is_refused_by_click_and_by_key(
    visitor: Visitor, filled: Filled, many_runs: list[Any]
) -> None:
    page = visitor.open(page_of(filled.many))
    runs = {run.id: run for run in many_runs}
    names = shown_runs(page)
    five = [runs[name] for name in names[10:15]]
    page.goto(f"{page_of(filled.many)}?run={','.join(run.id for run in five[:4])}")

    page.get_by_role("link", name=f"Compare {five[4].name}", exact=True).click()

    expect(page.locator("#compare thead .letter")).to_have_text(list("ABCDE"))
    shown = compared(page)
    assert [float(text) for text in shown[METRIC]] == [pytest.approx(run.summary[METRIC], abs=5e-4) for run in five]
    assert [float(text) for text in shown["dropout"]] == [
        pytest.approx(run.config["dropout"], rel=1e-3) for run in five
    ]
    page.get_by_role("link", name=f"Compare {runs[names[20]].name}", exact=True).click()
    alert = page.get_by_role("alert").filter(has_text="is one too many")
    expect(alert).to_contain_text(f"{runs[names[20]].name} is one too many: five runs can be compared")
    assert compared(page) == shown
    page.get_by_role("link", name=f"Compare no longer {five[0].name}", exact=True).click()
    expect(alert).to_have_count(0)
    expect(page.locator("#compare thead .letter")).to_have_text(list("ABCD"))


def test_two_sweeps_are_ticked_in_the_list_and_their_best_are_those_of_the_client(
    visitor: Visitor, server: RunningServer, filled: Filled, many_runs: list[Any]
) -> None:
    page = visitor.open(f"/local/{PROJECT}")

    for sweep in (filled.many, filled.few):
        page.locator(f'input[value="local/{PROJECT}/{sweep}"]').check()
    page.get_by_role("button", name="Compare", exact=True).click()

    expect(page.locator("#so-far .best-number")).to_have_count(2)
    best = {filled.many: best_of(many_runs), filled.few: best_of(runs_of(server, filled.few))}
    places = page.locator("#so-far .pair-best li > p:first-child a")
    order = [str(place.get_attribute("href")).rpartition("/")[2] for place in places.all()]
    assert [float(text) for text in page.locator("#so-far .best-number").all_inner_texts()] == [
        pytest.approx(best[sweep].summary[METRIC], abs=5e-4) for sweep in order
    ]
    page.locator("#so-far svg.plot").focus()
    page.keyboard.press("End")
    expect(page.locator("#tip")).to_contain_text("at run")
    page.get_by_role("link", name="Time", exact=True).click()
    expect(page.get_by_role("link", name="Time", exact=True)).to_have_attribute("aria-current", "true")


def test_all_of_it_is_there_without_javascript(visitor: Visitor, filled: Filled, many_runs: list[Any]) -> None:
    page = visitor.open(page_of(filled.many), java_script_enabled=False)
    first, second = shown_runs_of(page)[:2]

    page.goto(f"{page_of(filled.many)}?run={first}")
    page.locator(f'tr[data-run="{second}"] a.tick').click()

    expect(page.locator("#compare thead .letter")).to_have_text(["A", "B"])
    page.get_by_role("link", name="Compare", exact=True).click()
    page.locator(".offers").last.get_by_role("link").first.click()
    expect(page.locator("#so-far figure svg.plot").first).to_be_visible()


def shown_runs_of(page: Page) -> list[str]:
    """As `shown_runs`, on a page whose scripts do not run."""
    return [str(row.get_attribute("data-run")) for row in page.locator("table.runs tbody tr").all()]
