"""The tables of `docs/speed.md` on whole sweeps, in Markdown: `python -m benchmarks.speed [--rounds 3] [--rivals]`.

    python -m benchmarks.speed --sweep sweeps/full_grid.yaml --rounds 1     # 300 runs; hours
    python -m benchmarks.speed --rounds 1 --json FILE                       # one more, to those that FILE keeps
    python -m benchmarks.speed --show FILE                                  # once more, of what --json FILE kept

Each sweep is done by the tutorial's way with one agent and with two, by `make up` as it comes, and with --rivals by
those that `rivals.sh` has installed; the sides alternate, and every other round begins with the last. Each job's
line says the load before and after it, and how many cores other programs took meanwhile: wall times want 0.
"""

import functools
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import click
import yaml

from app import data
from app.config import TrialConfig
from benchmarks import job, main_job, rivals
from benchmarks.job import Price

SWEEPS = ("sweeps/layer_size.yaml", "benchmarks/twenty.yaml")
OURS = "`make up`"
COLUMNS = ("", "wall, s", "ratio", "CPU s a run", "ratio", "of it bare products", "cores used", "peak MiB", "others")

Sides = dict[str, Callable[[Path], Price]]
Kept = dict[str, dict[str, list[dict[str, Any]]]]  # by sweep and side


@click.command()
@click.option("--sweep", "sweeps", multiple=True, default=SWEEPS, show_default=True, help="Grids of the trainer.")
@click.option("--rounds", default=3, show_default=True, help="How often each side does each sweep.")
@click.option("--tutorial", default="1,2", show_default=True, help="Agents of the tutorial's way; empty leaves it out.")
@click.option("--rivals", "others", is_flag=True, help="Other tuners too.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Adds each side's figures to a file.")
@click.option("--show", type=click.Path(exists=True, path_type=Path), help="Measures nothing; shows such a file.")
def main(
    sweeps: Sequence[str], rounds: int, tutorial: str, others: bool, output: Path | None, show: Path | None
) -> None:
    """Measure whole sweeps and print their tables."""
    source = show or output
    kept: Kept = json.loads(source.read_text()) if source and source.exists() else {}
    if not show:
        if others:
            rivals.must_be_there()
        job.adopt_orphans()
        with tempfile.TemporaryDirectory() as folder:
            print(data.prepare({**os.environ, "DATA_DIR": folder}), flush=True)
            for number, sweep in product(range(rounds), sweeps):
                place = Path(folder, f"{number}-{Path(sweep).stem}")
                for _ in measure(place, sides(sweep, tutorial, others), sweep, kept):
                    if output:
                        output.write_text(json.dumps(kept))
    for sweep, prices in kept.items():
        print("\n".join(table(sweep, prices)))


def sides(sweep: str, tutorial: str, others: bool) -> Sides:
    """Every way to do a sweep, by its name."""
    found: Sides = {OURS: lambda place: main_job.by_up(place, sweep, None, "1")}
    for count in filter(None, tutorial.split(",")):
        found[f"tutorial's way, {main_job.agents_of(int(count))}"] = functools.partial(
            _by_tutorial, sweep=sweep, agents=int(count)
        )
    for name, program in rivals.PROGRAMS.items() if others else ():
        found[name] = functools.partial(rivals.by_rival, program=program, sweep=sweep, workers=os.cpu_count() or 1)
    return found


def _by_tutorial(place: Path, sweep: str, agents: int) -> Price:
    return main_job.by_tutorial(place, sweep, agents, 0)[0]


def measure(place: Path, ways: Sides, sweep: str, kept: Kept) -> Iterator[None]:
    """One more round of a sweep by all sides; yields after each."""
    prices = kept.setdefault(sweep, {})
    number = max(map(len, prices.values()), default=0)
    for position, name in enumerate([*ways][:: -1 if number % 2 else 1]):
        price = ways[name](place / str(position))
        prices.setdefault(name, []).append(asdict(price))
        print(f"{sweep}, round {number + 1}, {main_job.told(name, price)}", flush=True)
        yield


def table(sweep: str, prices: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """The lines of a sweep's table."""
    points = [*points_of(sweep)]
    bare_s = statistics.mean(point.epochs * bare_epoch_s(point.layer1_size) for point in points)
    rounds = max(map(len, prices.values()))
    yield f"\n{sweep}: {len(points)} runs, medians of {rounds} (smallest to largest). {main_job.machine()}\n"
    yield _row(COLUMNS)
    yield _row(["---"] * len(COLUMNS))
    for name, rows in prices.items():
        yield _row([name, *cells(rows, prices[OURS], len(points), bare_s)])


def cells(rows: list[dict[str, Any]], ours: list[dict[str, Any]], runs: int, bare_s: float) -> Iterator[str]:
    """What a side cost, and how many times as much as `ours`; a run's bare products take `bare_s`."""
    wall, own_wall = ([row["end_s"] for row in side] for side in (rows, ours))
    cpu, own_cpu = ([row["cpu_s"] / runs for row in side] for side in (rows, ours))
    middle, own_middle = map(statistics.median, (cpu, own_cpu))
    yield from (main_job.spread(wall), f"{statistics.median(wall) / statistics.median(own_wall):.2f}")
    yield from (main_job.spread(cpu), f"{middle / own_middle:.2f}", f"{bare_s / middle:.0%}")
    yield main_job.spread([row["cpu_s"] / row["end_s"] for row in rows])
    yield f"{statistics.median(row['peak_mib'] for row in rows):,.0f}"
    yield f"{max(row['others'] for row in rows):.2f} cores, load {max(row['load'][0] for row in rows):.1f} before"


def points_of(sweep: str) -> Iterator[TrialConfig]:
    """The grid's points."""
    parameters = yaml.safe_load(Path(sweep).read_text())["parameters"]
    values = [each.get("values", [each.get("value")]) for each in parameters.values()]
    for chosen in product(*values):
        yield TrialConfig.checked(dict(zip(parameters, chosen, strict=True)))


@functools.cache
def bare_epoch_s(layer1_size: int) -> float:
    """CPU seconds of an epoch's bare matrix products, by `floor` in a process that has one thread."""
    command = job.python("benchmarks.floor", "--bare", "--layer1-size", str(layer1_size))
    said = subprocess.run(command, cwd=job.ROOT, stdout=subprocess.PIPE, check=True).stdout.split()
    return float(said[-1])  # the first time it tells of the data that it has prepared


def _row(values: Sequence[str]) -> str:
    return f"| {' | '.join(values)} |"


if __name__ == "__main__":
    main()
