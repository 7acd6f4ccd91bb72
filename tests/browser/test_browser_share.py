"""A link for others, from the button that makes it to the one that ends it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import Filled, page_of
from tests.browser.test_browser_reach import LARGE, WIDTH, grave_violations
from tests.browser.visits import PHONE, Visitor

pytestmark = pytest.mark.browser


def make_link(page: Page) -> str:
    page.get_by_role("button", name=re.compile("^(Share|New link) ")).click()
    expect(page.locator("h1")).to_have_text("A link for others")
    return page.locator("pre code").inner_text()


def test_a_link_shows_one_sweep_without_buttons_until_sharing_ends(visitor: Visitor, filled: Filled) -> None:
    shown, other = page_of(filled.under_way), page_of(filled.few)
    page = visitor.open(shown)
    link = make_link(page)

    guest = visitor.open(link, signed_in=False)
    assert guest.url == visitor.server.url + shown
    expect(guest.locator("table.runs tbody tr")).to_have_count(5)
    expect(guest.locator("form[method=post]")).to_have_count(0)
    assert "Stop" not in guest.locator("main").inner_text()
    visitor.watch.expected.append("status of 403")
    guest.goto(other)
    expect(guest.locator("h1")).to_have_text("Sign in to see this page")
    guest.goto(shown)
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="End sharing").click()

    expect(page.get_by_role("button", name="End sharing")).to_have_count(0)
    guest.reload()
    expect(guest.locator("h1")).to_have_text("Sign in to see this page")
    guest.goto(link)
    expect(guest.locator("h1")).to_have_text("This link shows nothing any more")


def test_the_page_with_the_link_and_the_shared_page_keep_nobody_out(visitor: Visitor, filled: Filled) -> None:
    page = visitor.open(page_of(filled.few), **LARGE)
    link = make_link(page)
    guest = visitor.open(link, signed_in=False, **LARGE)

    for each in (page, guest):
        assert grave_violations(each) == []
        each.set_viewport_size(PHONE["viewport"])
        assert each.evaluate(WIDTH) <= 390
