"""What a run says while it lives: its console followed to the end, its alerts."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_browser_reach import grave_violations
from tests.browser.visits import PHONE, Visitor
from tests.server.speaker import Speaker

pytestmark = pytest.mark.browser

RUN = "/local/p/runs/talkative"
# What is in sight of the box of lines, from its top to its foot, and how far it is from its end.
IN_SIGHT = """() => {
    const box = document.querySelector(".console");
    const { top, bottom } = box.getBoundingClientRect();
    const inside = (line) => line.getBoundingClientRect().top >= top && line.getBoundingClientRect().bottom <= bottom;
    const seen = [...box.querySelectorAll("li")].filter(inside).map((line) => Number(line.id.slice(1)));
    return [seen[0], seen[seen.length - 1]];
}"""


def say(program: Speaker, first: int, last: int) -> None:
    """Lines of a run's console, numbered from 1."""
    lines = [f"2026-11-23T14:07:02.5 line \x1b[32m{number}\x1b[0m" for number in range(first, last + 1)]
    lines[-1] = f"ERROR {lines[-1]}"
    file = {"offset": first - 1, "content": lines}
    program.stream("talkative", files={"output.log": file}).raise_for_status()


@pytest.fixture(scope="module", autouse=True)
def talkative(program: Speaker) -> None:
    """A run under way that has said 300 lines."""
    program.begin("talkative")
    say(program, 1, 300)


def in_sight(page: Page) -> tuple[int, int]:
    first, last = page.evaluate(IN_SIGHT)
    return first, last


def test_a_console_is_followed_at_its_end_and_holds_still_for_who_reads_back(
    visitor: Visitor, program: Speaker
) -> None:
    page = visitor.open(f"{RUN}/logs", viewport={"width": 1280, "height": 900})

    assert in_sight(page)[1] == 300
    say(program, 301, 320)
    expect(page.locator("#L320")).to_be_visible()
    assert in_sight(page)[1] == 320
    page.keyboard.press("Shift")
    page.locator(".console").focus()
    say(program, 321, 330)
    expect(page.locator("#L330")).to_be_visible()
    expect(page.locator(".console:focus-visible")).to_have_count(1)  # whoever scrolls by keys stays in the box
    page.locator(".console").hover()
    page.mouse.wheel(0, -1000)
    page.wait_for_function("document.querySelector('.console').scrollTop < -900")
    reading = in_sight(page)
    with page.expect_response(lambda answer: answer.url.endswith("/logs")):
        say(program, 331, 500)
    assert in_sight(page) == reading
    page.mouse.wheel(0, 5000)
    expect(page.locator("#L500")).to_be_visible()
    assert in_sight(page)[1] == 500


def test_a_console_is_searched_and_gone_through_by_the_keyboard(visitor: Visitor, program: Speaker) -> None:
    page = visitor.open(f"{RUN}/logs", viewport={"width": 1280, "height": 900})

    page.locator("#console-text").press_sequentially("line 1")
    page.keyboard.press("Enter")
    expect(page.locator(".console mark").first).to_have_text("line 1")
    assert page.url.endswith("/logs?q=line+1")
    expect(page.locator("#console .panel-head p")).to_contain_text("111 lines with “line 1”")
    page.get_by_role("link", name="150", exact=True).press("Enter")
    expect(page.locator("#L150")).to_be_in_viewport()
    assert page.url.endswith("/logs?from=130#L150")
    page.get_by_role("link", name="First").press("Enter")
    expect(page.locator("#L1")).to_be_visible()
    assert page.url.endswith("/logs?from=1")


@pytest.mark.parametrize("options", [{"viewport": {"width": 1280, "height": 900}}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_grave_in_a_console_and_in_alerts(
    visitor: Visitor, program: Speaker, options: dict[str, Any]
) -> None:
    program.alert("talkative", "Loss is high", "It was 3.2 " * 30, severity="WARN")

    for path in (f"{RUN}/logs?q=line", RUN):
        page = visitor.open(path, **options)
        expect(page.locator("#console li.error").first).to_be_attached()
        assert grave_violations(page) == []
        assert page.evaluate("document.scrollingElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
