"""A brush along an axis of a sweep's page in a browser, as `benchmarks.pages` measures it."""

from dataclasses import dataclass
from typing import Final

import click
from playwright.sync_api import Page

MOVES: Final = 15
# `painted` is the page's own: it calls back with the moment at which the next frame is painted.
WATCH_BRUSH: Final = """() => {
  window.moved = [];
  window.released = null;
  window.swaps = [];
  addEventListener("pointermove", (event) => event.buttons && painted((now) => moved.push(now - event.timeStamp)));
  addEventListener("pointerup", (event) => {
    const chosen = () => document.getElementById("chosen-count").textContent;
    const before = chosen();
    document.addEventListener("swapped", () => painted((now) => swaps.push(now - event.timeStamp)));
    const look = () => {
      if (chosen() === before) requestAnimationFrame(look);
      else painted((now) => (released = now - event.timeStamp));
    };
    look();
  });
}"""
# What is looked at first, and the whole page.
SWAPS: Final = 2


@dataclass(frozen=True)
class Brush:
    """Milliseconds to a painted frame: after each move, and after the release with the chosen runs, and with all.

    Attributes:
        lines: of runs, that were drawn before it.
    """

    moves_ms: list[float]
    release_ms: float
    whole_ms: float
    lines: int


def brush(page: Page, top: float) -> Brush:
    """Drags along the metric's axis, from its foot to a part of its height."""
    area = page.locator('.parallel.wide .brush-area[data-field="m"]')
    area.scroll_into_view_if_needed()
    lines = page.locator(".parallel.wide .lines path").count()
    page.evaluate(WATCH_BRUSH)
    box = area.bounding_box()
    if box is None:
        raise click.ClickException("the metric's axis cannot be brushed")
    x, foot, way = box["x"] + box["width"] / 2, box["y"] + 0.95 * box["height"], (0.95 - top) * box["height"]
    page.mouse.move(x, foot)
    page.mouse.down()
    for step in range(1, MOVES + 1):
        page.mouse.move(x, foot - way * step / MOVES)
        page.wait_for_function(f"() => moved.length >= {step}")
    if not page.locator(".lines path.out").count():
        raise click.ClickException("the brush greyed nothing")
    page.mouse.up()
    release_ms = float(page.wait_for_function("() => released").json_value())
    whole_ms = float(page.wait_for_function(f"() => swaps[{SWAPS - 1}]").json_value())
    return Brush(list(page.evaluate("moved")), release_ms, whole_ms, lines)
