"""The way from a sweep to its best model and back to the run that made it, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.filled_sweeps import Filled, page_of
from tests.browser.reading import best_of, runs_of
from tests.browser.test_browser_reach import WIDTH, grave_violations
from tests.browser.visits import PHONE, Visitor
from tests.server.maker import Maker
from tests.server.real_server import RunningServer
from tests.server.speaker import Speaker

pytestmark = pytest.mark.browser


def test_the_best_model_is_one_press_away_and_leads_back_to_its_run(
    visitor: Visitor, server: RunningServer, program: Speaker, filled: Filled
) -> None:
    best = best_of(runs_of(server, filled.few))
    files = {"model.keras": b"weights", "ü/" + "x" * 300: b"more", "a #%&? <b>.txt": b"odd"}
    net = Maker(program, "net")
    id = net.log(files, runName=best.id, artifactTypeName="model", description="The last one.")
    page = visitor.open(page_of(filled.few))

    page.locator("#best").get_by_role("link", name="net:v0").click()
    expect(page.locator("h1")).to_have_text("net:v0")
    with page.expect_download() as download:
        page.get_by_role("link", name="a #%&? <b>.txt").click()
    assert download.value.path().read_bytes() == b"odd"
    page.get_by_role("link", name="ü/").click()
    expect(page.get_by_role("link", name="x" * 300)).to_be_visible()
    assert grave_violations(page) == []
    page.set_viewport_size(PHONE["viewport"])
    assert page.evaluate(WIDTH) <= 390
    page.locator("#lineage").get_by_role("link", name=best.name).click()

    expect(page.locator("h1")).to_have_text(best.name)
    assert grave_violations(page) == []
    page.locator("#artifacts").get_by_role("link", name="net:v0").click()
    expect(page.locator("h1")).to_have_text("net:v0")
    visitor.watch.expected.append("status of 404")
    net.delete(id)
    expect(page.locator("#stale")).to_contain_text("What this page shows is deleted.")
