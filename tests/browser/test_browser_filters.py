"""Filters of a sweep's page, made by hand: what is left is what the real client says lies within them."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import METRIC, SPACE, Filled, carry_out, page_of, register
from tests.browser.reading import best_of, column, runs_of, shown_runs
from tests.browser.visits import Visitor
from tests.server.real_server import RunningServer
from tests.server.speaker import Speaker

pytestmark = pytest.mark.browser

LARGE: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}}
WIDE = ".parallel.wide"


@pytest.fixture
def page(visitor: Visitor, filled: Filled) -> Page:
    return visitor.open(page_of(filled.many), **LARGE)


def asked(page: Page, field: str) -> list[str]:
    """What the address asks of a field."""
    return parse_qs(urlsplit(page.url).query).get(field, [])


@contextmanager
def dragging(page: Page, field: str, begin: float, end: float) -> Iterator[None]:
    """Drags along an axis, and lets go at the end of the block; places from 0 at its foot to 1 at its top."""
    area = page.locator(f"{WIDE} rect.brush-area[data-field='{field}']")
    area.scroll_into_view_if_needed()
    # What comes after the first look moves what stands below it.
    expect(page.locator("#main")).not_to_have_attribute("aria-busy", "true")
    box = area.bounding_box()
    assert box is not None
    x, height = box["x"] + box["width"] / 2, box["height"]
    page.mouse.move(x, box["y"] + height * (1 - begin))
    page.mouse.down()
    page.mouse.move(x, box["y"] + height * (1 - end), steps=10)
    yield
    page.mouse.up()


def drag(page: Page, field: str, begin: float, end: float) -> None:
    with dragging(page, field, begin, end):
        pass


def lines(page: Page, css: str = "") -> set[str]:
    """The runs whose lines are not in grey."""
    found = page.locator(f"{WIDE} .lines:not(.context) path[data-run]{css}")
    return set(found.evaluate_all("lines => lines.map((each) => each.dataset.run)"))


def ends(text: str) -> tuple[float, float]:
    """Of a range, which may be open at one end."""
    low, high = text.split("..")
    return float(low or "-inf"), float(high or "inf")


def within(runs: list[Any], parameter: str, text: str) -> set[str]:
    low, high = ends(text)
    return {run.id for run in runs if low <= run.config[parameter] <= high}


def open_menu(page: Page, name: str) -> None:
    """It may have stayed open."""
    if page.locator(f"{name}[open]").count() == 0:
        page.locator(f"{name} summary").click()


def expect_left(page: Page, runs: set[str]) -> None:
    """Checks every part that names its runs."""
    assert 0 < len(runs) < 50, "a test that shows nothing, or not all"
    expect(page.locator("#chosen-count")).to_have_text(str(len(runs)))
    assert set(shown_runs(page)) == runs
    assert lines(page)
    assert lines(page) <= runs


@pytest.mark.parametrize("parameter", ["learning_rate", "dropout"])
def test_a_drag_along_an_axis_leaves_the_runs_within_it_and_going_back_brings_all_again(
    page: Page, many_runs: list[Any], parameter: str
) -> None:
    everything = shown_runs(page)
    page.evaluate("window.same = true")

    with dragging(page, f"f.{parameter}", 0.3, 0.7):
        expect(page.locator(f"{WIDE} .lines path.out").first).to_be_attached()
        meanwhile = lines(page, ":not(.out)")
    chip = page.locator("#filters a.chip")
    expect(chip).to_contain_text(parameter)

    (text,) = asked(page, f"f.{parameter}")
    expect_left(page, within(many_runs, parameter, text))
    assert meanwhile == lines(page)
    page.go_back()
    expect(chip).to_have_count(0)
    assert shown_runs(page) == everything
    assert page.evaluate("window.same")


def test_the_end_of_a_range_is_moved_by_a_drag(page: Page, many_runs: list[Any]) -> None:
    drag(page, "f.dropout", 0.3, 0.6)
    expect(page.locator("#filters a.chip")).to_contain_text("dropout")
    low, high = ends(asked(page, "f.dropout")[0])
    before = page.url

    drag(page, "f.dropout", 0.6, 0.8)
    expect(page).not_to_have_url(before)

    (text,) = asked(page, "f.dropout")
    assert ends(text)[0] == low
    assert ends(text)[1] > high
    expect_left(page, within(many_runs, "dropout", text))


def test_a_range_is_set_and_cleared_with_the_keyboard_alone(page: Page, many_runs: list[Any]) -> None:
    lower, upper = (
        page.locator(WIDE).get_by_role("slider", name=f"dropout, {word} end of the range")
        for word in ("lower", "upper")
    )

    lower.focus()
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator(f"{WIDE} .lines path.out").first).to_be_attached()
    page.keyboard.press("Tab")
    expect(upper).to_be_focused()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")

    expect(page.locator("#filters a.chip")).to_contain_text("dropout")
    (text,) = asked(page, "f.dropout")
    assert all(map(math.isfinite, ends(text)))
    expect_left(page, within(many_runs, "dropout", text))
    expect(upper).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator("#filters a.chip")).to_have_count(0)


def test_a_drag_along_the_metrics_axis_leaves_the_runs_with_such_a_value(page: Page, many_runs: list[Any]) -> None:
    drag(page, "m", 0.6, 1.0)
    expect(page.locator("#filters a.chip")).to_contain_text(METRIC)

    (text,) = asked(page, "m")
    low, high = ends(text)
    left = {run.id for run in many_runs if run.state != "failed" and low <= run.summary[METRIC] <= high}
    expect_left(page, left)


def test_two_axes_leave_what_lies_within_both_and_a_chip_drops_one(page: Page, many_runs: list[Any]) -> None:
    drag(page, "f.dropout", 0.1, 0.8)
    page.locator("#filters a.chip", has_text="dropout").wait_for()
    drag(page, "f.learning_rate", 0.9, 0.3)
    page.locator("#filters a.chip", has_text="learning_rate").wait_for()

    (dropout,), (rate,) = asked(page, "f.dropout"), asked(page, "f.learning_rate")
    by_rate = within(many_runs, "learning_rate", rate)
    expect_left(page, by_rate & within(many_runs, "dropout", dropout))
    page.locator("#filters a.chip", has_text="dropout").click()
    expect_left(page, by_rate)


def test_a_click_on_a_value_leaves_its_runs_and_another_brings_the_others_back(
    page: Page, many_runs: list[Any]
) -> None:
    everything = shown_runs(page)

    page.locator(WIDE).get_by_role("link", name="Only runs with optimizer adam").click()
    expect(page.locator("#filters a.chip")).to_contain_text("optimizer adam")

    assert asked(page, "f.optimizer") == ["adam"]
    expect_left(page, {run.id for run in many_runs if run.config["optimizer"] == "adam"})
    page.locator(WIDE).get_by_role("link", name="Leave out the filter optimizer adam").click()
    expect(page.locator("#filters a.chip")).to_have_count(0)
    assert shown_runs(page) == everything


@pytest.mark.parametrize("script", [True, False])
def test_the_form_leaves_what_it_is_told(visitor: Visitor, filled: Filled, many_runs: list[Any], script: bool) -> None:
    page = visitor.open(f"{page_of(filled.many)}?f.optimizer=adam", java_script_enabled=script, **LARGE)

    open_menu(page, "#add-filter")
    page.get_by_label("Only runs whose").select_option(label="dropout")
    page.get_by_label("is", exact=True).fill("0.1..0.3")
    page.get_by_role("button", name="Filter", exact=True).click()

    expect(page.locator("#filters a.chip")).to_have_count(2)
    adam = {run.id for run in many_runs if run.config["optimizer"] == "adam"}
    expect_left(page, adam & within(many_runs, "dropout", "0.1..0.3"))


@pytest.mark.parametrize("share", [10, 25])
def test_the_best_share_is_that_of_the_clients_values(page: Page, many_runs: list[Any], share: int) -> None:
    results = [run for run in many_runs if run.state != "failed"]
    ranked = sorted(results, key=lambda run: -run.summary[METRIC])

    page.get_by_role("link", name=f"Best {share} %").click()

    expect_left(page, {run.id for run in ranked[: math.ceil(len(ranked) * share / 100)]})
    assert asked(page, "top") == [str(share)]


def test_of_two_ticked_runs_exactly_what_differs_is_shown(
    visitor: Visitor, filled: Filled, many_runs: list[Any]
) -> None:
    finished = [run for run in many_runs if run.state == "finished"]
    first = finished[0]
    second = next(run for run in finished[1:] if run.config["optimizer"] == first.config["optimizer"])
    page = visitor.open(f"{page_of(filled.many)}?run={first.id}&page=1&sort=run&order=asc", **LARGE)

    page.get_by_role("link", name=f"Compare {second.name}", exact=True).click()

    rows = page.locator("#compare tbody:not(#compared-origins) tr:not(.part)")
    expect(rows.first).to_be_visible()
    shown = {cells[0]: cells[1:] for cells in (row.locator("th, td").all_inner_texts() for row in rows.all())}
    differing = {name for name in SPACE if first.config[name] != second.config[name]}
    assert set(shown) & set(SPACE) == differing
    for name in ("learning_rate", "dropout"):
        told = [float(text) for text in shown[name]]
        assert told == [pytest.approx(run.config[name], rel=1e-3) for run in (first, second)]
    assert [float(text) for text in shown[METRIC]] == [
        pytest.approx(run.summary[METRIC], abs=5e-4) for run in (first, second)
    ]


def test_a_column_is_left_out_and_shown_again_and_the_others_keep_their_cells(page: Page, many_runs: list[Any]) -> None:
    optimizers = {run.id: run.config["optimizer"] for run in many_runs}
    dropout = page.get_by_role("columnheader", name="dropout")

    open_menu(page, "#columns")
    page.get_by_role("link", name=re.compile("dropout ?: leave out")).click()
    expect(dropout).to_have_count(0)

    assert asked(page, "hide") == ["p.dropout"]
    assert column(page, "optimizer") == [optimizers[run] for run in shown_runs(page)]
    open_menu(page, "#columns")
    page.get_by_role("link", name=re.compile("dropout ?: show")).click()
    expect(dropout).to_have_count(1)


def test_the_best_so_far_is_drawn_over_time_and_stays_the_same_best(page: Page) -> None:
    best = page.locator("#best .best-number").inner_text()
    expect(page.locator("#best figure")).to_contain_text("60 runs")

    page.locator("#best").get_by_role("link", name="Time").click()

    expect(page.locator("#best figure")).not_to_contain_text("60 runs")
    expect(page.locator("#best .best-number")).to_have_text(best)
    assert asked(page, "x") == ["time"]


def test_a_filter_is_made_and_dropped_with_the_keyboard_alone(page: Page, many_runs: list[Any]) -> None:
    page.keyboard.press("/")
    expect(page.locator("#filter-field")).to_be_focused()
    page.keyboard.type("dropout")
    page.keyboard.press("Tab")
    page.keyboard.type("0.2..0.4")
    page.keyboard.press("Enter")

    expect(page.locator("#filters a.chip")).to_contain_text("dropout")
    expect_left(page, within(many_runs, "dropout", "0.2..0.4"))
    page.locator("#filters a.chip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#filters a.chip")).to_have_count(0)


def test_a_value_is_chosen_with_the_keyboard_and_keeps_the_focus(page: Page, many_runs: list[Any]) -> None:
    page.locator(WIDE).get_by_role("link", name="Only runs with optimizer adam").focus()

    page.keyboard.press("Enter")

    expect(page.locator("#filters a.chip")).to_contain_text("optimizer adam")
    expect(page.locator(WIDE).get_by_role("link", name="Leave out the filter optimizer adam")).to_be_focused()
    expect_left(page, {run.id for run in many_runs if run.config["optimizer"] == "adam"})


def test_a_row_that_is_pointed_at_shows_its_line(page: Page, many_runs: list[Any]) -> None:
    best = best_of(many_runs)

    page.locator(f"tr[data-run='{best.id}'] td.metric").hover()

    line = page.locator(f"{WIDE} .lines path[data-run='{best.id}']").get_attribute("d")
    expect(page.locator(f"{WIDE} path.hovered")).to_have_attribute("d", str(line))


def test_a_page_goes_on_filtering_what_comes_and_waits_while_somebody_drags(
    visitor: Visitor, program: Speaker, server: RunningServer
) -> None:
    sweep = register(program, 20)
    agent = program.agent(sweep)
    carry_out(program, sweep, agent, 12)
    page = visitor.open(f"{page_of(sweep)}?f.optimizer=adam", **LARGE)
    settled = page.locator("#how-far .settled")

    carry_out(program, sweep, agent, 2)
    expect(settled).to_have_text("14 of 20 trials done")
    expect_left(page, {run.id for run in runs_of(server, sweep) if run.config["optimizer"] == "adam"})
    with dragging(page, "m", 0.05, 0.9):
        expect(page.locator(f"{WIDE} [data-held] rect.brush")).to_be_visible()
        carry_out(program, sweep, agent, 1)
        expect(settled).to_have_text("15 of 20 trials done")
        expect(page.locator(f"{WIDE} [data-held] rect.brush")).to_be_visible()

    expect(page.locator("#filters a.chip")).to_have_count(2)
    low, high = ends(asked(page, "m")[0])
    within_both = {
        run.id
        for run in runs_of(server, sweep)
        if run.config["optimizer"] == "adam" and run.state != "failed" and low <= run.summary[METRIC] <= high
    }
    expect_left(page, within_both)
