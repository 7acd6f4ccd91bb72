"""Who can use the pages: with a keyboard, on a phone, with a screen reader, in either colour scheme."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import Filled, page_of, path_of
from tests.browser.reading import runs_of
from tests.browser.visits import PHONE, Visitor
from tests.server.real_server import RunningServer

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
PAGES = (
    *("list", "sweep of none", "sweep of few", "sweep under way", "sweep of many", "groups"),
    *("two sweeps", "run", "failed run", "project", "search", "not found"),
)
LARGE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
MOST_TABS = 200
# How an element looks, itself and what it holds; and what Tab should stop at, as far as it can be seen.
LOOK = """const look = (element) => [element, ...element.querySelectorAll("*")].map((each) => {
        const style = getComputedStyle(each);
        return [style.outlineStyle, style.outlineWidth, style.stroke, style.strokeWidth].join();
    }).join(";");
    const told = (element) => ({ html: element.outerHTML.slice(0, 200), look: look(element) });"""
STOPS = f"""() => {{
    {LOOK}
    return [...document.querySelectorAll("a[href], button, summary, input, select, [tabindex='0']")]
        .filter((each) => each.type !== "hidden" && each.checkVisibility()).map(told);
}}"""
FOCUSED = f"""() => {{
    {LOOK}
    const element = document.activeElement;
    const box = element.getBoundingClientRect();
    const inSight = box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
    return element === document.body ? null : {{ ...told(element), inSight }};
}}"""
WIDTH = "document.scrollingElement.scrollWidth"


@dataclass(frozen=True)
class Addresses:
    """Where the pages are, by what this file calls them."""

    by_name: dict[str, str]

    def open(self, visitor: Visitor, name: str, **options: Any) -> Page:
        if name == "not found":
            visitor.watch.expected.append("status of 404")
        return visitor.open(self.by_name[name], **options)


@pytest.fixture(scope="session")
def addresses(server: RunningServer, filled: Filled) -> Addresses:
    runs = runs_of(server, filled.few)
    failed = next(run.id for run in runs if run.state == "failed")
    finished = next(run.id for run in runs if run.state == "finished")
    return Addresses(
        {
            "list": "/",
            "sweep of none": page_of(filled.none),
            "sweep of few": f"{page_of(filled.few)}?run={finished},{failed}",
            "two sweeps": f"/compare?sweep={path_of(filled.few)}&sweep={path_of(filled.many)}",
            "sweep under way": page_of(filled.under_way),
            "sweep of many": page_of(filled.many),
            "run": f"/local/p/runs/{finished}",
            "failed run": f"/local/p/runs/{failed}",
            "groups": f"{page_of(filled.few)}?by=p.optimizer&w.host=h&w.tags=no&col=state&col=host",
            "project": "/local/p?runs=all",
            "search": "/search?q=made",
            "not found": "/local/p/sweeps/nobody",
        }
    )


def grave_violations(page: Page) -> list[str]:
    """What axe-core finds, in either colour scheme, that keeps people out."""
    return [violation for scheme in ("light", "dark") for violation in _grave_violations(page, scheme)]


def _grave_violations(page: Page, scheme: Literal["light", "dark"]) -> list[str]:
    page.emulate_media(color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    return [
        f"{scheme}: {each['id']}: {node['failureSummary']} {node['html']}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_grave(visitor: Visitor, addresses: Addresses, name: str) -> None:
    assert grave_violations(addresses.open(visitor, name, **LARGE)) == []


def test_axe_finds_nothing_grave_on_a_phone(visitor: Visitor, addresses: Addresses) -> None:
    assert grave_violations(addresses.open(visitor, "sweep under way", **PHONE)) == []


def test_axe_finds_nothing_grave_in_what_opens_on_a_page(visitor: Visitor, addresses: Addresses) -> None:
    page = addresses.open(visitor, "sweep under way", **LARGE)

    page.locator("details.scheme summary").click()
    page.locator("#config summary").click()
    page.locator("#add-filter summary").click()
    assert grave_violations(page) == []
    page.locator("details.scheme summary").click()
    page.locator("#columns summary").click()
    page.locator("#buttons").get_by_role("button", name="asks first").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert grave_violations(page) == []


def test_axe_finds_nothing_grave_where_filters_are_set(visitor: Visitor, addresses: Addresses) -> None:
    page = addresses.open(visitor, "sweep of many", **LARGE)

    page.goto(f"{page.url}?f.optimizer=adam&f.dropout=0.2..0.4&m=0.5..&top=25&x=time&hide=time")
    expect(page.locator("#filters a.chip")).to_have_count(3)
    assert grave_violations(page) == []


def test_axe_finds_nothing_grave_on_the_page_that_asks_to_sign_in(visitor: Visitor) -> None:
    visitor.watch.expected.append("status of 403")
    page = visitor.open("/", signed_in=False)

    expect(page.locator("h1")).to_have_text("Sign in to see this page")
    assert grave_violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_no_wider_than_a_phone(visitor: Visitor, addresses: Addresses, name: str) -> None:
    page = addresses.open(visitor, name, **PHONE)

    assert page.evaluate(WIDTH) <= 390
    page.set_viewport_size({"width": 820, "height": 1100})
    assert page.evaluate(WIDTH) <= 820


def test_the_first_tab_leads_past_the_head_to_the_content(visitor: Visitor, addresses: Addresses) -> None:
    page = addresses.open(visitor, "sweep of few", **LARGE)

    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["inSight"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")


@pytest.mark.parametrize("name", ["list", "sweep of few", "failed run"])
def test_tab_stops_at_all_that_can_be_pressed_and_shows_where_it_is(
    visitor: Visitor, addresses: Addresses, name: str
) -> None:
    page = addresses.open(visitor, name, **LARGE)
    wanted = page.evaluate(STOPS)
    assert len(wanted) > 10

    stops: list[dict[str, Any]] = []
    while len(stops) < MOST_TABS:
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None:
            break
        stops.append(stop)

    assert [stop["html"] for stop in stops] == [stop["html"] for stop in wanted]
    assert [stop["html"] for stop in stops if not stop["inSight"]] == []
    assert [stop["html"] for stop, before in zip(stops, wanted, strict=True) if stop["look"] == before["look"]] == []


def test_a_question_is_asked_and_answered_with_the_keyboard_alone(
    visitor: Visitor, addresses: Addresses, server: RunningServer, filled: Filled
) -> None:
    page = addresses.open(visitor, "sweep under way", **LARGE)
    asking = page.locator("#buttons").get_by_role("button", name="asks first")

    asking.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Let it go on")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(asking).to_be_focused()
    assert server.api().sweep(f"local/p/{filled.under_way}").state == "RUNNING"
