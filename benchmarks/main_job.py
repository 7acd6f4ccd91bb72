"""What a sweep costs: `python -m benchmarks.main_job [--rounds 3] [--sweep FILE] [--json FILE]`.

Prints, as medians over the rounds and as ratios to the first side: seconds to the first finished run and to the end of
the sweep, CPU seconds of every process, the peak of memory; and what the server alone costs. Each side has an empty
server and prepared data; all sides alternate within a round. Wall times want an otherwise idle machine.
"""

import base64
import contextlib
import dataclasses
import json
import os
import platform
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from app import data
from benchmarks import job
from benchmarks.job import Price

POLL_S = 0.1
PROJECT = "benchmark"
FINISHED = "query ($project: String, $filters: JSONString) { project(name: $project) { runCount(filters: $filters) } }"


@dataclass(frozen=True)
class ServerCost:
    """What a server costs: seconds from start to a healthy answer, MiB when idle and after a sweep."""

    healthy_s: float
    idle_mib: float
    used_mib: float


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each side is run.")
@click.option("--sweep", default="sweeps/layer_size.yaml", show_default=True, help="Any sweep of the trainer.")
@click.option("--tutorial", default="1,2", show_default=True, help="Agents of the tutorial's way; empty leaves it out.")
@click.option("--tutorial-threads", default=0, help="TensorFlow's threads there; 0 leaves them to TensorFlow.")
@click.option("--agents", default="1,2,3", show_default=True, help="Agents of `make up`.")
@click.option("--cold", is_flag=True, help="Also `make up` with WARM=0.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Keeps the figures.")
def main(
    rounds: int, sweep: str, tutorial: str, tutorial_threads: int, agents: str, cold: bool, output: Path | None
) -> None:
    """Measure a sweep against the tutorial's way."""
    job.adopt_orphans()
    prices: dict[str, list[Price]] = {}
    costs: list[ServerCost] = []
    with tempfile.TemporaryDirectory() as folder:
        print(data.prepare({**os.environ, "DATA_DIR": folder}), flush=True)
        for number in range(rounds):
            place = Path(folder) / str(number)
            for count in _numbers(tutorial):
                price, cost = by_tutorial(place / f"tutorial-{count}", sweep, count, tutorial_threads)
                keep(prices, f"tutorial's way, {agents_of(count)}", price, output)
                costs.append(cost)
            for warm in ("1", "0") if cold else ("1",):
                for count in _numbers(agents):
                    name = f"make up{'' if warm == '1' else ' WARM=0'}, {agents_of(count)}"
                    keep(prices, name, by_up(place / f"up-{warm}-{count}", sweep, count, warm), output)
    report(sweep, prices, costs)


def keep(prices: dict[str, list[Price]], side: str, price: Price, output: Path | None) -> None:
    """Adds a price, says it and writes all so far: a side can take hours, and the next one may fail."""
    prices.setdefault(side, []).append(price)
    print(told(side, price), flush=True)
    if output:
        output.write_text(json.dumps({name: [dataclasses.asdict(each) for each in prices[name]] for name in prices}))


def told(side: str, price: Price) -> str:
    """A price in a line."""
    load = f"load {price.load[0]:.1f} before, {price.load[1]:.1f} after, others took {price.others:.2f} cores"
    return f"{side}: {price.end_s:.1f} s, {price.cpu_s:.1f} CPU s; {load}"


def _numbers(text: str) -> list[int]:
    return [int(count) for count in text.split(",") if count]


def agents_of(count: int) -> str:
    """So many agents, in words."""
    return f"{count} agent{'s' if count > 1 else ''}"


def by_tutorial(place: Path, sweep: str, agents: int, threads: int) -> tuple[Price, ServerCost]:
    """Does the sweep the tutorial's way against a server of its own."""
    server_data = _prepared(place) / "server"
    begin_s = time.monotonic()
    with (
        job.measured(place, lambda: wait_for_first_run(server_data)) as prices,
        job.started(job.python("server", "--data", str(server_data), "--port", "0"), place, {}) as server,
    ):
        url = wait_for_url(server_data)
        wait_until_healthy(url)
        healthy_s, idle_mib = time.monotonic() - begin_s, job.memory_mib(server.pid)
        key = (server_data / "api-key").read_text().strip()
        variables = {"WANDB_BASE_URL": url, "WANDB_API_KEY": key, "WANDB_ERROR_REPORTING": "false"}
        if threads:
            variables |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(threads))
        with job.started(job.python("benchmarks.tutorial", PROJECT, sweep, str(agents)), place, variables) as tutorial:
            job.finish(tutorial, place)
        cost = ServerCost(healthy_s, idle_mib, job.memory_mib(server.pid))
    return prices[0], cost


def by_up(place: Path, sweep: str, agents: int | None, warm: str, root: Path = job.ROOT) -> Price:
    """Does the sweep by `up` of a checkout, with an empty server and the data prepared.

    Args:
        place: an empty folder for it.
        sweep: its file.
        agents: how many; None leaves it to `up`.
        warm: WARM.
        root: the checkout.
    """
    (_prepared(place) / "empty.env").touch()
    variables = {"PORT": "0", "ENV_FILE": str(place / "empty.env"), "SWEEP": sweep, "WARM": warm}
    variables["AGENTS"] = str(agents) if agents else ""
    with (
        job.measured(place, lambda: wait_for_first_run(place / "server")) as prices,
        job.started(job.python("app", "up"), place, variables | {"WANDB_PROJECT": PROJECT}, root) as up,
    ):
        job.finish(up, place)
    return prices[0]


def _prepared(place: Path) -> Path:
    place.mkdir(parents=True)
    (place / "fashion-mnist").symlink_to(place.parents[1] / "fashion-mnist")
    return place


def wait_for_first_run(server_data: Path) -> None:
    url = wait_for_url(server_data)
    key = (server_data / "api-key").read_text().strip()
    while not finished_runs(url, key):
        time.sleep(POLL_S)


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


def report(sweep: str, prices: dict[str, list[Price]], costs: list[ServerCost]) -> None:
    """Prints the table."""
    rounds = len(next(iter(prices.values())))
    base = next(iter(prices.values()))
    print(f"\n{machine()}")
    print(f"{sweep}, medians of {rounds} (smallest to largest); ratio: {next(iter(prices))} / this")
    print(f"{'':26}{'first run, s':>20}{'end, s':>24}{'ratio':>7}{'CPU, s':>24}{'ratio':>7}{'peak MiB':>10}")
    for side, rows in prices.items():
        first = [row.first_s for row in rows if row.first_s is not None]
        end, cpu, peak = ([getattr(row, field) for row in rows] for field in ("end_s", "cpu_s", "peak_mib"))
        print(f"{side:26}{spread(first):>20}{spread(end):>24}{ratio(base, rows, 'end_s'):>7.2f}", end="")
        print(f"{spread(cpu):>24}{ratio(base, rows, 'cpu_s'):>7.2f}{statistics.median(peak):>10.0f}")
    if costs:
        print(f"server: healthy after {spread([cost.healthy_s for cost in costs])} s; ", end="")
        print(f"MiB idle {spread([cost.idle_mib for cost in costs])}, ", end="")
        print(f"after a sweep {spread([cost.used_mib for cost in costs])}")


def ratio(base: list[Price], rows: list[Price], field: str) -> float:
    """How many times as much the base costs."""
    dividend, divisor = (statistics.median(float(getattr(row, field)) for row in side) for side in (base, rows))
    return dividend / divisor


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})" if values else "-"


def machine() -> str:
    """One line on where this was measured."""
    packages = ", ".join(f"{package} {version(package)}" for package in ("wandb", "keras", "numpy"))
    return f"{os.cpu_count()} cores ({processor()}), load {os.getloadavg()[0]:.1f}, {packages}"


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
