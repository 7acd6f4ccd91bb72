"""Columns, groups, saved views and search, taken into the hand; what they show is what the real client says."""

from statistics import fmean
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import METRIC, Filled, page_of
from tests.browser.reading import column, runs_of, shown_runs
from tests.browser.visits import PHONE, Visitor
from tests.server.real_server import RunningServer

pytestmark = pytest.mark.browser

LARGE: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}}


@pytest.fixture
def page(visitor: Visitor, filled: Filled) -> Page:
    return visitor.open(page_of(filled.many), **LARGE)


def heads(page: Page) -> list[str]:
    return [text.strip(" ↓↑") for text in page.locator("table.runs thead th").all_inner_texts()]


def open_menu(page: Page, name: str) -> None:
    """It may have stayed open."""
    if page.locator(f"{name}[open]").count() == 0:
        page.locator(f"{name} summary").click()


def test_a_column_is_added_moved_and_sorted_by_and_holds_what_the_client_says(page: Page, many_runs: list[Any]) -> None:
    page.evaluate("window.same = true")
    open_menu(page, "#columns")
    page.locator("#column-name").fill("config.epochs")
    page.locator("#columns").get_by_role("button", name="Show").click()
    expect(page.locator("table.runs thead th").last).to_have_text("epochs")

    open_menu(page, "#columns")
    page.get_by_role("link", name="epochs: one to the left", exact=True).click()
    expect(page.locator("table.runs thead th").last).to_have_text("Time")
    page.get_by_role("columnheader", name="dropout").get_by_role("link").click()
    expect(page.locator("table.runs th[aria-sort]")).to_contain_text("dropout")

    runs = {run.id: run for run in many_runs}
    rest = shown_runs(page)[1:]
    assert heads(page)[-2:] == ["epochs", "Time"]
    assert column(page, "epochs") == [str(runs[run].config["epochs"]) for run in shown_runs(page)]
    assert [runs[run].config["dropout"] for run in rest] == sorted(runs[run].config["dropout"] for run in rest)
    assert page.evaluate("window.same"), "no step has loaded the page anew"


def test_groups_have_the_means_of_the_clients_runs_and_lead_to_them(page: Page, many_runs: list[Any]) -> None:
    open_menu(page, "#group-by")
    page.locator("#group-by").get_by_role("link", name="optimizer", exact=True).click()
    expect(page.locator("table.groups tbody tr")).to_have_count(2)

    failed = ("failed", "crashed")
    values = {
        name: [run.summary[METRIC] for run in many_runs if run.config["optimizer"] == name and run.state not in failed]
        for name in ("adam", "rmsprop")
    }
    rows = (each.split("\t") for each in page.locator("table.groups tbody tr").all_inner_texts())
    shown = {row[0].split()[-1]: row for row in rows}  # the letter of its curve stands before a group's name
    assert {name: float(row[1]) for name, row in shown.items()} == {
        name: pytest.approx(fmean(found), abs=6e-4) for name, found in values.items()
    }
    assert {name: int(row[3].split(" of ")[0]) for name, row in shown.items()} == {
        name: len(found) for name, found in values.items()
    }
    best = max(values, key=lambda name: fmean(values[name]))
    expect(page.locator("#best")).to_contain_text(f"mean of {len(values[best])} runs")
    page.locator("table.groups").get_by_role("link", name="adam").click()
    expect(page.locator("#filters a.chip")).to_contain_text("adam")
    assert set(shown_runs(page)) <= {run.id for run in many_runs if run.config["optimizer"] == "adam"}


@pytest.mark.parametrize("script", [True, False])
def test_a_view_is_saved_opened_again_and_dropped(visitor: Visitor, filled: Filled, script: bool) -> None:
    page = visitor.open(f"{page_of(filled.few)}?col=host&sort=time", java_script_enabled=script, **LARGE)
    open_menu(page, "#views")
    page.get_by_label("What is shown now as").fill("by time")
    page.get_by_role("button", name="Save this view").click()
    page.wait_for_load_state()
    page.goto(page_of(filled.few))

    open_menu(page, "#views")
    page.get_by_role("link", name="by time").click()
    expect(page.locator("table.runs th[aria-sort]")).to_have_count(0)
    assert heads(page) == ["Run", "Host"]
    open_menu(page, "#views")
    page.get_by_role("button", name="Drop the view by time").click()
    page.wait_for_load_state()
    open_menu(page, "#views")
    expect(page.get_by_role("link", name="by time")).to_have_count(0)


def test_what_is_searched_for_is_found_from_any_page(page: Page, server: RunningServer, filled: Filled) -> None:
    run = runs_of(server, filled.few)[0]
    page.get_by_label("Search sweeps and runs").fill(run.id)
    page.keyboard.press("Enter")

    page.locator("table.runs-found").get_by_role("link", name=run.name, exact=True).click()

    expect(page.locator("h1")).to_have_text(run.name)
    assert page.url.endswith(f"/runs/{run.id}")


@pytest.mark.parametrize("script", [True, False])
def test_on_a_phone_the_table_folds_after_ten_rows_and_a_press_shows_the_others(
    visitor: Visitor, filled: Filled, script: bool
) -> None:
    page = visitor.open(page_of(filled.many), **PHONE, java_script_enabled=script)
    shown = page.locator("table.runs tbody tr:visible")
    expect(shown).to_have_count(10)

    page.locator("#rest summary").click()

    expect(shown).to_have_count(51)
    page.locator("#parallel .legend summary").click()
    expect(page.locator("#parallel .legend")).to_contain_text("A line is a run")
