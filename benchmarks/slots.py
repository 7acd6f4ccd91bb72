"""What a slot waits: `python -m benchmarks.slots [--rounds 2] [--sweep FILE] [--agents 3] [--against CHECKOUT]`.

Does a sweep by `up` with each number of agents, in this checkout and in another one, all alternated. Prints, as
medians: seconds from the command to its end, CPU seconds of all processes, their share of the cores over that time, the
peak of memory; and, by the server's own record, for how long a slot is without a run between the end of an agent's run
and the start of its next one. That record is of use on a busy machine too; the rest wants an idle one.
"""

import os
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import click

from app import data
from benchmarks import job, main_job
from benchmarks.job import Price

RUNS = "SELECT agent_id, started_at_s, ended_at_s FROM run WHERE ended_at_s IS NOT NULL ORDER BY agent_id, started_at_s"

FIGURES = ("end_s", "cpu_s", "peak_mib")


@dataclass(frozen=True)
class Slots:
    """What a server has recorded of the agents' slots.

    Attributes:
        gaps_s: seconds between the end of a run and the start of the same agent's next one.
        idle: their share of the time.
    """

    gaps_s: list[float]
    idle: float

    @classmethod
    def of(cls, runs: list[tuple[int, float, float]]) -> "Slots":
        """Reads (agent, start, end) of each run, by agent and in order; a slot counts from its first run on."""
        gaps_s = [after[1] - run[2] for run, after in pairwise(runs) if run[0] == after[0]]
        spans_s = [end - start for start, end in _spans(runs)]
        return cls(gaps_s, sum(gaps_s) / sum(spans_s))


def _spans(runs: list[tuple[int, float, float]]) -> Iterator[tuple[float, float]]:
    for _, group in groupby(runs, itemgetter(0)):
        own = list(group)
        yield own[0][1], own[-1][2]


Side = tuple[Path, int]
Seen = tuple[Price, Slots]


@click.command()
@click.option("--rounds", default=2, show_default=True, help="How often each side is run.")
@click.option("--sweep", default="benchmarks/twenty.yaml", show_default=True, help="Any sweep of the trainer.")
@click.option("--agents", default="3", show_default=True, help="Numbers of agents, by commas.")
@click.option("--against", multiple=True, type=click.Path(path_type=Path, exists=True), help="Another checkout.")
def main(rounds: int, sweep: str, agents: str, against: tuple[Path, ...]) -> None:
    """Measure how busy a sweep keeps its slots."""
    job.adopt_orphans()
    sides = [(root.resolve(), int(count)) for count in agents.split(",") for root in (job.ROOT, *against)]
    seen: dict[Side, list[Seen]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        print(data.prepare({**os.environ, "DATA_DIR": folder}), flush=True)
        for number in range(rounds):
            for index, (root, count) in enumerate(sides):
                place = Path(folder) / str(number) / str(index)
                price = main_job.by_up(place, str(Path(sweep).resolve()), count, "1", root)
                seen[root, count].append((price, recorded(place / "server")))
                print(line((root, count), seen[root, count][-1:]), flush=True)
    print(f"\n{main_job.machine()}\n{sweep}, medians of {rounds}")
    for side in sides:
        print(line(side, seen[side]))


def recorded(server_data: Path) -> Slots:
    """Reads the record of a server that has ended."""
    with sqlite3.connect(server_data / "sweeps.sqlite") as connection:
        return Slots.of(connection.execute(RUNS).fetchall())


def line(side: Side, seen: list[Seen]) -> str:
    """One side's figures."""
    prices, slots = [price for price, _ in seen], [each for _, each in seen]
    cores = len(os.sched_getaffinity(0))
    end_s, cpu_s, peak_mib = (statistics.median(getattr(price, name) for price in prices) for name in FIGURES)
    busy = statistics.median(price.cpu_s / price.end_s / cores for price in prices)
    gap_s = statistics.median(gap_s for each in slots for gap_s in each.gaps_s)
    idle = statistics.median(each.idle for each in slots)
    root, agents = side
    return (
        f"{root.name}, {main_job.agents_of(agents)}: {end_s:.1f} s, {cpu_s:.1f} CPU s, {busy:.0%} of {cores} cores, "
        f"{peak_mib:.0f} MiB; a slot is without a run for {gap_s:.1f} s, {idle:.0%} of the time"
    )


if __name__ == "__main__":
    main()
