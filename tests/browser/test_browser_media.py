"""Media in a real browser: pictures are seen, sound is played, a logged page runs nothing, all by key and step."""

import io
import json
import re
import struct
import wave
import zlib
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.filled_sweeps import page_of
from tests.browser.test_browser_reach import WIDTH, grave_violations
from tests.browser.visits import PHONE, Visitor
from tests.server.speaker import Speaker
from tests.server.test_pages_media import histogram, image
from tests.server.test_starts import put

pytestmark = pytest.mark.browser

LARGE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
SWEEP = {"method": "grid", "metric": {"name": "acc", "goal": "maximize"}, "parameters": {"units": {"values": [8, 16]}}}
BOX = {"minX": 0.25, "minY": 0.25, "maxX": 0.75, "maxY": 0.75}
EVIL = b"<title>logged</title><p>read me</p><script>document.title = 'ran'</script>"
SEEN = "(image) => image.complete && image.naturalWidth"
PLAYED = """(audio) => new Promise((done) => {
    audio.onloadedmetadata = () => done(audio.duration);
    audio.onerror = () => done(0);
    audio.load();
    audio.preload = "metadata";
})"""


def png(grey: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes([grey]) * 8 for _ in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(b"\0\1" * 8000)
    return file.getvalue()


def log(program: Speaker, run: str, number: int) -> None:
    """What a program logs in four steps."""
    pictures = [f"{run}-{step}.png" for step in range(4)]
    for step, name in enumerate(pictures):
        put(program, run, f"media/images/{name}", png(40 * step))
    rows = ",".join(f'[{row}, "row {row}"]' for row in range(25))
    put(program, run, "media/t.json", f'{{"columns": ["n", "word"], "data": [{rows}]}}'.encode())
    put(program, run, "media/a.wav", sound())
    put(program, run, "media/page.html", EVIL)
    steps = [
        {
            "_step": step,
            "acc": number + step,
            "seen": image(name, f"step {step} of {number}"),
            "w": histogram([step, 2, 1]),
        }
        for step, name in enumerate(pictures)
    ]
    put(program, run, "media/b.json", json.dumps({"box_data": [{"position": BOX, "box_caption": "thing"}]}).encode())
    steps[3] |= {
        "found": image(pictures[3]) | {"width": 8, "height": 8, "boxes": {"said": {"path": "media/b.json"}}},
        "t": {"_type": "table-file", "path": "media/t.json"},
        "sound": {"_type": "audio-file", "path": "media/a.wav", "caption": "beep"},
        "page": {"_type": "html-file", "path": "media/page.html"},
    }
    program.log(run, 0, *steps)
    program.summarise(run, acc=number)
    program.finish(run)


@pytest.fixture(scope="module")
def sweep(program: Speaker) -> str:
    """Of two runs, `side-0` and `side-1`."""
    name = program.register(SWEEP)
    agent = program.agent(name)
    for number in range(2):
        run = program.beat(agent)["run_id"]
        program.begin(run, name, displayName=f"side-{number}")
        log(program, run, number)
    return name


@pytest.fixture
def run_page(visitor: Visitor, program: Speaker, sweep: str) -> Page:
    run = next(each["name"] for each in program.runs(sweep) if each["displayName"] == "side-0")
    return visitor.open(f"/local/p/runs/{run}", **LARGE)


def key(page: Page, name: str) -> Any:
    return page.locator(f'.media-key[aria-label="{name}"]')


def test_pictures_are_seen_and_sound_is_played(run_page: Page) -> None:
    picture = key(run_page, "seen").locator("img").last
    picture.scroll_into_view_if_needed()

    expect(key(run_page, "seen").locator(".media-caption")).to_have_text([f"step {step} of 0" for step in range(4)])
    run_page.wait_for_function("() => [...document.querySelectorAll('#media img')].every((each) => each.complete)")
    assert picture.evaluate(SEEN) == 8
    assert key(run_page, "sound").locator("audio").evaluate(PLAYED) == pytest.approx(1.0, abs=0.05)


def test_a_table_is_sorted_and_paged_in_place_and_the_address_holds_it(run_page: Page) -> None:
    table = key(run_page, "t")
    table.get_by_role("link", name="n", exact=True).click()
    table.get_by_role("link", name="n ↑").click()
    expect(table.locator("tbody td").first).to_have_text("24")
    table.get_by_role("link", name="3", exact=True).click()

    expect(table.locator("tbody td:first-child")).to_have_text([str(n) for n in range(4, -1, -1)])
    run_page.reload()
    expect(table.locator("tbody td").first).to_have_text("4")


def test_a_step_is_chosen_by_the_keyboard_and_left_again(run_page: Page) -> None:
    run_page.locator("#media-step").fill("2")
    run_page.locator("#media-step").press("Enter")

    expect(key(run_page, "seen").locator(".media-caption")).to_have_text(["step 2 of 0"])
    expect(run_page).to_have_url(re.compile("media-step=2"))
    run_page.locator("#media").get_by_role("link", name="all").press("Enter")
    expect(key(run_page, "seen").locator(".media-caption")).to_have_count(4)


def test_a_bar_of_a_histogram_says_how_many_values_it_stands_for(run_page: Page) -> None:
    bar = key(run_page, "w").locator("rect[data-tip]").last
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box

    run_page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(run_page.locator("#tip")).to_have_text(re.compile("^1\\s*from 2 to 3"))


def test_a_box_in_an_image_says_what_it_is_around(run_page: Page) -> None:
    drawn = key(run_page, "found").locator("svg.boxed")
    drawn.scroll_into_view_if_needed()
    drawn.hover()

    expect(run_page.locator("#tip")).to_have_text("thing")


def test_what_is_played_goes_on_while_the_page_follows_its_run(visitor: Visitor, program: Speaker) -> None:
    program.begin("live")
    put(program, "live", "media/a.wav", sound())
    heard = {"_type": "audio-file", "path": "media/a.wav"}
    program.log("live", 0, {"_step": 0, "sound": heard})
    page = visitor.open("/local/p/runs/live", **LARGE)
    page.locator("audio").evaluate("(audio) => { audio.muted = audio.loop = audio.mine = true; return audio.play(); }")

    program.log("live", 1, {"_step": 1, "sound": heard})
    expect(page.locator("#history .panel-head p")).to_contain_text("2 rows")
    assert page.locator("audio").evaluate("(audio) => audio.mine && !audio.paused")
    page.locator("audio").evaluate("(audio) => audio.pause()")
    program.log("live", 2, {"_step": 2, "sound": heard})
    expect(key(page, "sound")).to_contain_text("step 2")
    program.finish("live")


def test_a_page_that_was_logged_is_read_and_runs_nothing(visitor: Visitor, run_page: Page) -> None:
    visitor.watch.expected.append("Blocked script execution")
    run_page.goto(str(key(run_page, "page").get_by_role("link", name="page.html").get_attribute("href")))

    expect(run_page.locator("p")).to_have_text("read me")
    assert run_page.title() == "logged"


def test_chosen_runs_stand_side_by_side_at_one_step(visitor: Visitor, sweep: str) -> None:
    page = visitor.open(page_of(sweep), **LARGE)
    page.locator("#media-step").fill("1")
    page.locator("#media-step").press("Enter")

    expect(key(page, "seen").locator(".media-caption")).to_have_text(["step 1 of 1", "step 1 of 0"])
    expect(key(page, "t")).to_contain_text("nothing up to this step")
    page.locator("#media").get_by_role("link", name="2 →").click()
    expect(key(page, "seen").locator(".media-caption")).to_have_text(["step 2 of 1", "step 2 of 0"])


def test_axe_finds_nothing_grave_in_media_and_nothing_leaves_the_screen(
    visitor: Visitor, program: Speaker, sweep: str
) -> None:
    run = f"/local/p/runs/{program.runs(sweep)[0]['name']}"

    for path, options in ((page_of(sweep), LARGE), (run, PHONE)):
        page = visitor.open(path, **options)
        expect(page.locator("#media")).to_be_visible()
        assert grave_violations(page) == []
        assert page.evaluate(WIDTH) <= options["viewport"]["width"]


def test_without_a_script_media_are_seen_and_steps_and_tables_asked_for(
    visitor: Visitor, sweep: str, program: Speaker
) -> None:
    run = program.runs(sweep)[0]["name"]
    page = visitor.open(f"/local/p/runs/{run}", java_script_enabled=False, **LARGE)

    key(page, "t").get_by_role("link", name="2", exact=True).click()
    expect(key(page, "t").locator("tbody td").first).to_have_text("10")
    page.locator("#media-step").fill("1")
    page.locator("#media").get_by_role("button", name="Show").click()
    expect(key(page, "seen").locator(".media-when")).to_have_text(["step 1"])
