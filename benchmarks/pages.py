"""What the pages cost: `python -m benchmarks.pages`, about five minutes; `--fill DIR` only fills a folder to look at.

Prints, for sweeps of 5, 300 and 5,000 runs: the server's milliseconds for a page, cold (its first request since the
start) and warm; bytes raw and as sent, with all files that the page names; when a browser has painted its first screen;
how soon a brush greys lines and, let go, shows the chosen runs, then all of the page. Then when the curves of 50 runs
of 10,000 rows are painted, and the server's CPU time while 100 runs log a row every two seconds, with and without a
page of their sweep open; in the end what W&B publishes of its pages. Wants Chromium, and an otherwise idle machine.

    python -m benchmarks.pages --fill /tmp/made-up
    python -m server --data /tmp/made-up --agent-silent-s 86400
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import click
import httpx2
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks import long_curves, made_up
from benchmarks.job import python
from benchmarks.made_up import EPOCHS, LIVE, METRIC, PROJECT, Filled
from benchmarks.page_brush import Brush, brush

MEASURED: Final = ("5 runs", "300 runs", "5,000 runs")
BRUSHED: Final = ("300 runs", "5,000 runs")
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
SCREEN: Final[ViewportSize] = {"width": 1440, "height": 900}
START_S: Final = 30.0
LOG_EVERY_S: Final = 2.0
FEEDERS: Final = 4
# What the pages promise, on an idle machine.
MOST_SENT_KB: Final = 150.0
MOST_PAINT_MS: Final = 1000.0
MOST_MOVE_MS: Final = 100.0
MOST_RELEASE_MS: Final = 500.0
# CPU time is counted in hundredths of a second.
WARM: Final = 5
MIDDLE: Final = "medians"

# A message that is posted in an animation frame arrives when that frame is painted.
PAINTED: Final = """
window.painted = (done) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done(performance.now());
  channel.port2.postMessage(null);
});
window.seen = {};
const look = () => {
  for (const [id, drawn] of [["best", "#best svg"], ["main", "#parallel svg, #scatter svg"]]) {
    const drawing = document.querySelector(drawn);
    const box = drawing && drawing.getBoundingClientRect();
    if (box && box.height && box.top < innerHeight && !(id in seen)) {
      seen[id] = null;
      painted((now) => (seen[id] = now));
    }
  }
  if (Object.keys(seen).length < 2) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
FIRST_SCREEN: Final = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return paint && seen.best && seen.main ? [paint.startTime, seen.best, seen.main] : null;
}"""
CURVES_PAINTED: Final = """() => new Promise((resolve) => {
  document.getElementById("curves").scrollIntoView();
  const lines = [...document.querySelectorAll("[data-x] path[data-run]")];
  const points = lines.map((line) => line.getAttribute("d").split(/[Ml]/).length - 1);
  const panels = document.querySelectorAll("svg[data-x]").length;
  painted((now) => resolve([now, panels, lines.length, points.reduce((sum, each) => sum + each, 0)]));
})"""
# What is asked for in the address, by what that is.
CURVES: Final = {"as usual": "", "log, by time": "?curve-y=log&curve-x=_runtime", "smoothed": "?smooth=0.9&open=batch"}
FETCHES: Final = "performance.getEntriesByType('resource').filter((each) => each.initiatorType === 'fetch').length"


# What W&B says of its own pages, read on 2026-11-30; it states neither bytes of a page nor milliseconds.
PUBLISHED: Final = {
    "runs of a project, for pages that load soon, self-managed": ("10,000", "docs.wandb.ai/models/track/limits"),
    "the same on its own cloud": ("100,000", "docs.wandb.ai/models/track/limits"),
    "logged values of one metric": ("100,000", "docs.wandb.ai/models/track/limits"),
    "points of a curve, of more that were logged": (
        "1,500",
        "docs.wandb.ai/guides/app/features/panels/line-plot/reference",
    ),
}


@dataclass(frozen=True)
class Server:
    """A server of a filled folder."""

    url: str
    key: str
    process: "subprocess.Popen[bytes]"

    def http(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, auth=("api", self.key), timeout=60)

    def cpu_s(self) -> float:
        """User and system seconds since its start."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@click.command()
@click.option("--fill", "folder", type=click.Path(path_type=Path), help="Fills an empty folder and ends.")
@click.option("--rounds", default=5, show_default=True, help="How often warm pages, paints and brushes are measured.")
@click.option("--live-s", default=30.0, show_default=True, help="Seconds of each window of live runs; there are four.")
def main(folder: Path | None, rounds: int, live_s: float) -> None:
    """Measure pages of made-up sweeps."""
    if folder is not None:
        for name, sweep in made_up.fill(folder, time.time()).sweeps.items():
            print(f"{name:<15}/local/{PROJECT}/sweeps/{sweep}")
        return
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        data = Path(temporary) / "data"
        filled = made_up.fill(data, time.time())
        program = next(filter(None, map(shutil.which, CHROMIUM)), None)
        browser = playwright.chromium.launch(executable_path=program, chromium_sandbox=os.geteuid() != 0)
        report_server(data, filled, rounds)
        with serving(data) as server:
            report_paints(browser, server, filled, rounds)
            report_brushes(browser, server, filled, rounds)
        report_curves(browser, data, long_curves.fill(data, time.time()), rounds)
        with serving(data) as server:
            report_live(browser, server, filled, live_s)
        browser.close()
    report_published()


def report_server(data: Path, filled: Filled, rounds: int) -> None:
    head("sweep page", "cold, ms", "warm, ms", "CPU, ms", "page, kB", "sent, kB", "with files", "sent, kB")
    for name in MEASURED:
        with serving(data) as server, server.http() as http:
            cold_ms, body, sent = fetched(http, path_of(filled, name))
            cpu_s = server.cpu_s()
            warm_ms = statistics.median(fetched(http, path_of(filled, name))[0] for _ in range(WARM * rounds))
            cpu_ms = (server.cpu_s() - cpu_s) / (WARM * rounds) * 1000
            files = [fetched(http, address)[1:] for address in re.findall(r'"(/static/[^"]+)"', body.decode())]
        raw, packed = len(body) + sum(len(content) for content, _ in files), sent + sum(size for _, size in files)
        row(name, cold_ms, warm_ms, cpu_ms, *(size / 1000 for size in (len(body), sent, raw, packed)))
    at_most(*[None] * 6, MOST_SENT_KB)


def report_paints(browser: Browser, server: Server, filled: Filled, rounds: int) -> None:
    print(f"\nFrom the start of loading, {SCREEN['width']} × {SCREEN['height']}, no file kept; {MIDDLE}")
    head("sweep page", "paint, ms", "best, ms", "main plot, ms")
    for name in MEASURED:
        times_ms = [first_screen(browser, server, path_of(filled, name)) for _ in range(rounds)]
        row(name, *map(statistics.median, zip(*times_ms, strict=True)))
    at_most(MOST_PAINT_MS)


def report_brushes(browser: Browser, server: Server, filled: Filled, rounds: int) -> None:
    print(f"\nA brush along the metric's axis: to a painted frame, after each move and after the release; {MIDDLE}")
    head("sweep page", "move, ms", "worst, ms", "release, ms", "all, ms", "CPU, ms", "lines")
    for name in BRUSHED:
        brushes = [brushed(browser, server, path_of(filled, name), number / rounds) for number in range(rounds)]
        moves_ms = [each for brush, _ in brushes for each in brush.moves_ms]
        released = zip(
            *((brush.release_ms, brush.whole_ms, cpu_ms, brush.lines) for brush, cpu_ms in brushes), strict=True
        )
        row(name, statistics.median(moves_ms), max(moves_ms), *map(statistics.median, released))
    at_most(MOST_MOVE_MS, None, MOST_RELEASE_MS)


def brushed(browser: Browser, server: Server, path: str, share: float) -> tuple[Brush, float]:
    """A brush of a fresh page, and the server's CPU milliseconds for it."""
    with opened(browser, server, path) as page:
        page.wait_for_load_state("networkidle")
        cpu_s = server.cpu_s()
        return brush(page, 0.3 + 0.3 * share), (server.cpu_s() - cpu_s) * 1000


def report_curves(browser: Browser, data: Path, sweep: str, rounds: int) -> None:
    print(f"\n{long_curves.RUNS} runs of {long_curves.ROWS:,} rows, all drawn; from the start of loading; {MIDDLE}")
    head("curves of", "cold, ms", "warm, ms", "painted, ms", "panels", "lines", "points")
    for name, asked in CURVES.items():
        with serving(data) as server, server.http() as http:
            path = f"/local/{PROJECT}/sweeps/{sweep}{asked}"
            cold_ms, _, _ = fetched(http, path)
            warm_ms = statistics.median(fetched(http, path)[0] for _ in range(WARM))
            painted = [curves_painted(browser, server, path) for _ in range(rounds)]
        row(name, cold_ms, warm_ms, *map(statistics.median, zip(*painted, strict=True)))


def curves_painted(browser: Browser, server: Server, path: str) -> tuple[float, ...]:
    """Milliseconds until the curves are painted, and how many panels, lines and points these are."""
    with opened(browser, server, path) as page:
        return tuple(page.evaluate(CURVES_PAINTED))


def report_live(browser: Browser, server: Server, filled: Filled, live_s: float) -> None:
    print(f"\nThe server's CPU seconds a minute, {len(filled.live)} runs logging a row every {LOG_EVERY_S:.0f} s")
    head("open pages", "CPU, s", "rows a s", "fetches")
    with logging(server, filled.live) as logged:
        for pages in (0, 1, 0, 1):
            time.sleep(LOG_EVERY_S)
            if pages:
                with opened(browser, server, path_of(filled, LIVE)) as page:
                    row("one", *window(server, logged, page, live_s), page.evaluate(FETCHES))
            else:
                row("none", *window(server, logged, None, live_s), 0)


def window(server: Server, logged: "count[int]", page: Page | None, live_s: float) -> tuple[float, float]:
    """CPU seconds a minute and rows a second, while a page is open or none."""
    begin_s, cpu_s, rows = time.monotonic(), server.cpu_s(), at(logged)
    if page is None:
        time.sleep(live_s)
    else:
        page.wait_for_timeout(1000 * live_s)
    took_s = time.monotonic() - begin_s
    return (server.cpu_s() - cpu_s) / took_s * 60, (at(logged) - rows) / took_s


def at(counter: "count[int]") -> int:
    """Where a counter stands, which others go on with."""
    return int(repr(counter).removeprefix("count(").removesuffix(")"))


def report_published() -> None:
    print("\nW&B's published sizes, to hold these against: at most")
    for what, (size, source) in PUBLISHED.items():
        print(f"{size:>12}  {what} ({source})")


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    """A fresh server, which ends with the block."""
    # Nobody speaks for the agents of the runs that are said to run.
    command = python("server", "--data", str(data), "--port", "0", "--agent-silent-s", "86400")
    log = data.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        end_s = time.monotonic() + START_S
        while not (found := re.search(r"server at (\S+),", log.read_text())):
            if process.poll() is not None or time.monotonic() > end_s:
                raise click.ClickException(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield Server(found[1], (data / "api-key").read_text().strip(), process)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def opened(browser: Browser, server: Server, path: str) -> Iterator[Page]:
    """A page of a browser that has kept nothing, signed in by a one-time link."""
    context = browser.new_context(base_url=server.url, viewport=SCREEN)
    context.add_init_script(PAINTED)
    with server.http() as http:
        link = http.post("/login-links").raise_for_status().json()["url"]
    context.request.get(f"{link}&next=/healthz")
    page = context.new_page()
    page.goto(path)
    yield page
    context.close()


@contextmanager
def logging(server: Server, runs: Sequence[str]) -> Iterator["count[int]"]:
    """Runs that log; a counter of their rows."""
    over, logged = threading.Event(), count()
    shares = [runs[number::FEEDERS] for number in range(FEEDERS)]
    feeders = [threading.Thread(target=feed, args=(server, share, over, logged)) for share in shares]
    for feeder in feeders:
        feeder.start()
    try:
        yield logged
    finally:
        over.set()
        for feeder in feeders:
            feeder.join()


def feed(server: Server, runs: Sequence[str], over: threading.Event, logged: "count[int]") -> None:
    """Posts a row of each run in turn with its summary, as W&B's client does."""
    begin_s = time.monotonic()
    with server.http() as http:
        for number in count():
            line, run = EPOCHS + number // len(runs), runs[number % len(runs)]
            if over.wait(max(begin_s + number * LOG_EVERY_S / len(runs) - time.monotonic(), 0)):
                return
            text = json.dumps({"_step": line, "epoch": line + 1, METRIC: 0.8 - 1 / (line + 2), "loss": 1 / (line + 1)})
            files = {"history.jsonl": {"offset": line, "content": [text]}, "summary.json": {"content": [text]}}
            body = {"files": {f"wandb-{name}": part for name, part in files.items()}}
            http.post(f"/files/local/{PROJECT}/{run}/file_stream", json=body).raise_for_status()
            next(logged)


def first_screen(browser: Browser, server: Server, path: str) -> tuple[float, ...]:
    """Milliseconds to the first paint of anything, of the best so far, of the parallel coordinates."""
    with opened(browser, server, path) as page:
        return tuple(page.wait_for_function(FIRST_SCREEN).json_value())


def fetched(http: httpx2.Client, path: str) -> tuple[float, bytes, int]:
    """Milliseconds, the content, and how many bytes of it were sent."""
    begin_s = time.perf_counter()
    answer = http.get(path, headers={"Accept-Encoding": "gzip"}).raise_for_status()
    return (time.perf_counter() - begin_s) * 1000, answer.content, int(answer.headers["Content-Length"])


def path_of(filled: Filled, name: str) -> str:
    return f"/local/{PROJECT}/sweeps/{filled.sweeps[name]}"


def head(first: str, *names: str) -> None:
    print(f"{first:<12}" + "".join(f"{name:>14}" for name in names))


def at_most(*limits: float | None) -> None:
    """What the column above shall stay below; None for one that has no limit."""
    print(f"{'at most':<12}" + "".join(f"{'' if limit is None else f'{limit:.0f}':>14}" for limit in limits))


def row(first: str, *values: float) -> None:
    texts = (f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" for value in values)
    print(f"{first:<12}" + "".join(f"{text:>14}" for text in texts), flush=True)


if __name__ == "__main__":
    main()
