"""The page of a sweep as a reader uses it: every click is checked against what the real client reads."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import METRIC, Filled, page_of
from tests.browser.reading import best_of, column, runs_of, shown_runs
from tests.browser.visits import Visitor
from tests.server.real_server import RunningServer

pytestmark = pytest.mark.browser

PER_PAGE = 50
LIGHT, DARK = "rgb(247, 248, 249)", "rgb(13, 16, 19)"


@pytest.fixture
def page(visitor: Visitor, filled: Filled) -> Page:
    return visitor.open(page_of(filled.many))


@pytest.mark.parametrize("parameter", ["learning_rate", "dropout"])
def test_a_click_on_a_head_sorts_by_it_and_another_turns_it_around(
    page: Page, many_runs: list[Any], parameter: str
) -> None:
    best = best_of(many_runs)
    others = sorted((run for run in many_runs if run.id != best.id), key=lambda run: run.config[parameter])

    page.get_by_role("columnheader", name=parameter).get_by_role("link").click()
    expect(page.get_by_role("columnheader", name=parameter)).to_have_attribute("aria-sort", "ascending")
    assert shown_runs(page) == [best.id, *(run.id for run in others[:PER_PAGE])]

    page.get_by_role("columnheader", name=parameter).get_by_role("link").click()
    expect(page.get_by_role("columnheader", name=parameter)).to_have_attribute("aria-sort", "descending")
    assert shown_runs(page) == [best.id, *(run.id for run in others[: -PER_PAGE - 1 : -1])]


def test_a_click_on_a_count_leaves_its_runs_and_going_back_brings_all_again(page: Page, many_runs: list[Any]) -> None:
    failed = {run.id for run in many_runs if run.state == "failed"}
    everything = shown_runs(page)

    page.locator("#how-far .counts a", has_text="failed").click()

    expect(page.locator("#filters a.chip")).to_contain_text("state failed")
    assert set(shown_runs(page)) == failed
    page.go_back()
    expect(page.locator("#filters a.chip")).to_have_count(0)
    assert shown_runs(page) == everything


def test_ticked_runs_get_letters_and_their_curves_end_where_the_client_says(
    visitor: Visitor, filled: Filled, many_runs: list[Any]
) -> None:
    runs = [run for run in many_runs if run.state == "finished"]
    first, second = sorted(runs, key=lambda run: -run.summary[METRIC])[6:8]
    page = visitor.open(f"{page_of(filled.many)}?run={first.id}")

    page.get_by_role("link", name=f"Compare {second.name}", exact=True).click()

    expect(page.locator("#curves .letters .letter")).to_have_text(["A", "B"])
    ends = [float(text) for text in page.locator("#curves .letters .number").all_inner_texts()]
    assert ends == [pytest.approx(run.summary[METRIC], abs=5e-4) for run in (first, second)]
    page.get_by_role("link", name=f"Compare no longer {first.name}", exact=True).click()
    expect(page.locator("#curves .letters li a")).to_have_text([second.name])


def test_the_best_run_and_its_value_are_those_of_the_client(page: Page, many_runs: list[Any]) -> None:
    best = best_of(many_runs)

    shown = page.locator("#best .best-number").inner_text()

    assert float(shown) == pytest.approx(best.summary[METRIC], abs=0.5 * 10 ** -len(shown.partition(".")[2]))
    expect(page.locator("#best .best-run a")).to_have_attribute("href", re.compile(f"/runs/{best.id}$"))
    assert shown_runs(page)[0] == best.id


def test_a_chosen_colour_scheme_is_kept_on_every_page_until_the_system_decides_again(
    visitor: Visitor, filled: Filled
) -> None:
    page = visitor.open(page_of(filled.few), color_scheme="light")

    def choose(word: str) -> None:
        page.locator("details.scheme summary").click()
        page.get_by_role("button", name=word).click()

    def expect_background(colour: str) -> None:
        expect(page.locator("body")).to_have_css("background-color", colour)

    expect_background(LIGHT)
    choose("Dark")
    expect_background(DARK)
    page.goto("/")
    expect_background(DARK)
    choose("As the system")
    expect_background(LIGHT)
    page.emulate_media(color_scheme="dark")
    expect_background(DARK)


def test_what_has_opened_closes_by_escape_and_by_a_click_elsewhere(page: Page) -> None:
    ways: list[Callable[[], None]] = [lambda: page.keyboard.press("Escape"), lambda: page.locator("h1").click()]
    for name in ("details.scheme", "details#columns", "details#axes-wide"):
        opened = page.locator(name)
        for close in ways:
            opened.locator("summary").click()
            expect(opened).to_have_attribute("open", "")
            close()
            expect(opened).not_to_have_attribute("open", "")


def test_without_a_script_the_table_reads_and_sorts(visitor: Visitor, server: RunningServer, filled: Filled) -> None:
    page = visitor.open(page_of(filled.few), java_script_enabled=False)
    runs = {run.id: run for run in runs_of(server, filled.few)}

    page.get_by_role("columnheader", name="dropout").get_by_role("link").click()

    best, *others = shown_runs(page)
    assert best == best_of(list(runs.values())).id
    assert others == sorted(set(runs) - {best}, key=lambda run: runs[run].config["dropout"])
    assert column(page, "optimizer") == [runs[run].config["optimizer"] for run in (best, *others)]
    expect(page.locator("#stale")).to_be_hidden()
