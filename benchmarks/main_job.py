"""How long the main job takes: `python -m benchmarks.main_job [--rounds 3]`.

Prints, as medians over the rounds and as ratios to the tutorial's way: seconds to the first finished run and to the end
of the 5-run grid with 1, 2 and 3 agents; and what the server alone costs: seconds from start to a healthy answer, its
memory. All sides alternate within a round; run it on an otherwise idle machine, since it measures wall time.
"""

import base64
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from app import data

ROOT = Path(__file__).parents[1]
POLL_S = 0.1
PROJECT = "benchmark"
POINTS = 5
TUTORIAL = "tutorial's way"
FINISHED = "query ($project: String, $filters: JSONString) { project(name: $project) { runCount(filters: $filters) } }"


@dataclass(frozen=True)
class Timing:
    """One job: seconds from its start to its first finished run, to its end, and CPU seconds of its whole tree."""

    first_s: float
    end_s: float
    cpu_s: float


@dataclass(frozen=True)
class ServerCost:
    """What a server costs: seconds from start to a healthy answer, resident MiB when idle and after a sweep."""

    healthy_s: float
    idle_mib: float
    used_mib: float


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each side is run.")
@click.option("--agents", default="1,2,3", show_default=True, help="Numbers of agents to compare.")
def main(rounds: int, agents: str) -> None:
    """Measure the 5-run grid against the tutorial's way."""
    sides = [int(count) for count in agents.split(",")]
    timings: dict[str, list[Timing]] = {}
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        print(data.prepare({**os.environ, "DATA_DIR": folder}), flush=True)
        for number in range(rounds):
            timing, cost = tutorial(Path(folder), number)
            timings.setdefault(TUTORIAL, []).append(timing)
            costs.append(cost)
            for count in sides:
                timings.setdefault(name(count), []).append(job(Path(folder), number, count))
            print(f"round {number + 1} of {rounds} done", flush=True)
    report(timings, costs)


def name(agents: int) -> str:
    return f"make up, {agents} agent{'s' if agents > 1 else ''}"


def tutorial(folder: Path, number: int) -> tuple[Timing, ServerCost]:
    """Does the grid the tutorial's way against a server of its own."""
    server_data = folder / f"tutorial-{number}"
    begin_s = time.monotonic()
    with process([sys.executable, "-m", "server", "--data", str(server_data), "--port", "0"], folder, {}) as server:
        url = wait_for_url(server_data)
        wait_until_healthy(url)
        healthy_s, idle_mib = time.monotonic() - begin_s, memory_mib(server.pid)
        key = (server_data / "api-key").read_text().strip()
        extra = {"WANDB_BASE_URL": url, "WANDB_API_KEY": key, "WANDB_ERROR_REPORTING": "false"}
        command = [sys.executable, "-m", "benchmarks.tutorial", PROJECT]
        timing = timed(command, folder, extra, server_data)
        return timing, ServerCost(healthy_s, idle_mib, memory_mib(server.pid))


def job(folder: Path, number: int, agents: int) -> Timing:
    """Does the grid by `up`, with an empty server and the data prepared."""
    place = folder / f"up-{agents}-{number}"
    place.mkdir()
    (place / "fashion-mnist").symlink_to(folder / "fashion-mnist")
    (place / "empty.env").touch()
    variables = {"DATA_DIR": str(place), "AGENTS": str(agents), "PORT": "0", "ENV_FILE": str(place / "empty.env")}
    return timed([sys.executable, "-m", "app", "up"], place, variables | {"WANDB_PROJECT": PROJECT}, place / "server")


def timed(command: list[str], folder: Path, variables: dict[str, str], server_data: Path) -> Timing:
    """Runs a job and watches its server for the first finished run."""
    begin_s, seen = time.monotonic(), threading.Event()
    with process(command, folder, variables) as running:
        watch = threading.Thread(target=wait_for_first_run, args=(server_data, seen), daemon=True)
        watch.start()
        seen.wait()
        first_s = time.monotonic() - begin_s
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise click.ClickException(f"{' '.join(command)} failed:\n{(folder / 'job.log').read_text()[-2000:]}")
    return Timing(first_s, time.monotonic() - begin_s, usage.ru_utime + usage.ru_stime)


@contextlib.contextmanager
def process(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    environment = kept | {"DATA_DIR": str(folder), "WANDB_DIR": str(folder)} | variables
    with open(folder / "job.log", "ab") as log:
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
            running.wait()


def wait_for_first_run(server_data: Path, seen: threading.Event) -> None:
    url = wait_for_url(server_data)
    key = (server_data / "api-key").read_text().strip()
    while not finished_runs(url, key):
        time.sleep(POLL_S)
    seen.set()


def wait_for_url(server_data: Path) -> str:
    while not (server_data / "server.json").exists():
        time.sleep(POLL_S / 10)
    return str(json.loads((server_data / "server.json").read_text())["url"])


def wait_until_healthy(url: str) -> None:
    while True:
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
            return
        time.sleep(POLL_S / 10)


def finished_runs(url: str, key: str) -> int:
    credentials = base64.b64encode(f"api:{key}".encode()).decode()
    variables = {"project": PROJECT, "filters": json.dumps({"state": "finished"})}
    request = urllib.request.Request(
        f"{url}/graphql",
        json.dumps({"query": FINISHED, "variables": variables}).encode(),
        {"Authorization": f"Basic {credentials}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            found: Any = json.load(reply)["data"]["project"]
    except (urllib.error.URLError, ConnectionError):
        return 0
    return int(found["runCount"]) if found else 0


def memory_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def report(timings: dict[str, list[Timing]], costs: list[ServerCost]) -> None:
    packages = ", ".join(f"{package} {version(package)}" for package in ("wandb", "keras", "numpy"))
    print(f"\n{os.cpu_count()} cores ({processor()}), load {os.getloadavg()[0]:.1f}, {packages}")
    print(f"5-run grid, medians of {len(costs)} rounds (smallest to largest); ratio: the tutorial's way / this")
    print(f"{'':22}{'first run, s':>22}{'end, s':>22}{'ratio':>8}{'CPU, s':>20}{'ratio':>8}")
    base = timings[TUTORIAL]
    for side, rows in timings.items():
        first, end, cpu = ([getattr(row, field) for row in rows] for field in ("first_s", "end_s", "cpu_s"))
        end_ratio = statistics.median(row.end_s for row in base) / statistics.median(end)
        cpu_ratio = statistics.median(row.cpu_s for row in base) / statistics.median(cpu)
        print(f"{side:22}{spread(first):>22}{spread(end):>22}{end_ratio:>8.2f}{spread(cpu):>20}{cpu_ratio:>8.2f}")
    print(f"server: healthy after {spread([cost.healthy_s for cost in costs])} s")
    print(f"server memory, MiB: idle {spread([cost.idle_mib for cost in costs])}, ", end="")
    print(f"after a sweep {spread([cost.used_mib for cost in costs])}")


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
