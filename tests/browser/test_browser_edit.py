"""What a person changes by hand and takes away, read back by W&B's own client."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import METRIC, Filled, carry_out, page_of, path_of, register
from tests.browser.test_browser_reach import LARGE, WIDTH, grave_violations
from tests.browser.visits import PHONE, Visitor
from tests.server.speaker import Speaker

pytestmark = pytest.mark.browser

PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def own(program: Speaker, filled: Filled) -> str:
    """A sweep of this file's own, over, that its tests may change; `filled` first, for its runs have numbers."""
    sweep = register(program, 2)
    carry_out(program, sweep, program.agent(sweep), 2)
    program.set_state(sweep, "FINISHED")
    return sweep


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def run_of(visitor: Visitor, sweep: str) -> Any:
    return min(visitor.server.api().sweep(path_of(sweep)).runs, key=lambda run: str(run.created_at))


def test_a_run_is_renamed_tagged_described_deleted_and_brought_back(visitor: Visitor, own: str) -> None:
    run = run_of(visitor, own)
    page = visitor.open(page_of(own))
    page.goto(f"/{run.entity}/{run.project}/runs/{run.id}")
    page.get_by_role("link", name="Edit").click()
    page.locator("[name=name]").fill("the good one")
    page.locator("[name=tags]").fill("seed 1, good")
    page.locator("[name=notes]").fill("**Better** than `all`")
    press(page, "Save")

    expect(page.locator("h1")).to_have_text("the good one")
    expect(page.locator(".written strong")).to_have_text("Better")
    told = visitor.server.api().run("/".join(run.path))
    assert (told.name, told.tags, told.notes) == ("the good one", ["seed 1", "good"], "**Better** than `all`")
    page.get_by_role("link", name="Edit").click()
    press(page, "Delete the good one")
    expect(page.locator("h1")).not_to_have_text("the good one")
    assert run.id not in [each.id for each in visitor.server.api().sweep(path_of(own)).runs]
    page.goto("/deleted")
    press(page, "Bring back run the good one")
    expect(page.get_by_text("nothing", exact=True)).to_be_visible()
    assert run.id in [each.id for each in visitor.server.api().sweep(path_of(own)).runs]


def saved(page: Page, chart: str, folder: Path) -> dict[str, bytes]:
    """What the buttons of a chart save, by the names of the files."""
    files = {}
    for form in ("SVG", "PNG"):
        with page.expect_download() as download:
            press(page, f"Save {chart} as {form}")
        download.value.save_as(folder / form)
        files[download.value.suggested_filename] = (folder / form).read_bytes()
    return files


def test_a_chart_is_saved_as_it_is_drawn(visitor: Visitor, filled: Filled, tmp_path: Path) -> None:
    page = visitor.open(page_of(filled.few) + "?curve-y=log&open=counters+and+constants", **LARGE)
    expect(page.get_by_role("button", name="Save epoch as SVG")).to_be_visible()
    files = saved(page, "Best so far", tmp_path)

    assert files.keys() == {"Best-so-far.svg", "Best-so-far.png"}
    assert b"rgb(" in files["Best-so-far.svg"]
    assert b"var(" not in files["Best-so-far.svg"]
    assert files["Best-so-far.png"].startswith(PNG)


@pytest.mark.parametrize(
    ("address", "chart"),
    [
        ("/local/p/runs/{run}", METRIC),
        ("/local/p?runs=all", METRIC),
        ("/compare?sweep={few}&sweep={many}", "Best so far"),
    ],
)
def test_the_charts_of_the_other_pages_are_saved_too(
    visitor: Visitor, filled: Filled, tmp_path: Path, address: str, chart: str
) -> None:
    run = run_of(visitor, filled.few)
    names = {"run": run.id, "few": path_of(filled.few), "many": path_of(filled.many)}
    page = visitor.open(address.format(**names), **LARGE)
    page.get_by_text("Save charts").click()
    name = chart.replace(" ", "-")

    assert saved(page, chart, tmp_path).keys() == {f"{name}.svg", f"{name}.png"}


def test_a_new_sweep_is_checked_and_registered(visitor: Visitor, own: str) -> None:
    page = visitor.open(f"{page_of(own)}/new")
    file = page.get_by_role("textbox", name="Sweep file")
    written = file.input_value()
    file.fill("method: gird\n" + written)
    press(page, "Register the sweep")
    expect(page.locator(".findings")).to_contain_text("sweep.yaml:")
    file.fill("# narrower\n" + written)
    page.locator("[name=name]").fill("narrower")
    press(page, "Register the sweep")

    expect(page.locator("h1")).to_have_text("narrower")
    name = page.url.rpartition("/")[2]
    assert visitor.server.api().sweep(path_of(name)).name == "narrower"


@pytest.mark.parametrize(("scheme", "path"), [("light", "runs/{run}/edit"), ("dark", "sweeps/{sweep}/new")])
def test_the_pages_to_edit_keep_nobody_out(visitor: Visitor, own: str, scheme: str, path: str) -> None:
    run = run_of(visitor, own)
    address = f"/{run.entity}/{run.project}/{path.format(run=run.id, sweep=own)}"
    page = visitor.open(address, **LARGE, color_scheme=scheme)

    assert grave_violations(page) == []
    page.set_viewport_size(PHONE["viewport"])
    assert page.evaluate(WIDTH) <= 390
