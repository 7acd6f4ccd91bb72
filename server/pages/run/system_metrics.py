"""What a run used of its machine, as W&B's client measures it beside the program."""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from charts import format
from charts.over_time import over_time
from charts.scale import drawable
from server.pages.words.sent import read_object
from server.run_values import number
from server.store import page_queries
from server.store.rows import Run

SHOWN: Final = 4
MOST_PROGRAMS: Final = 4
# Where several programs write one run, each ends the names of its columns with this and its label.
LABEL: Final = "/l:"
SAMPLES: Final = 400
RUNTIME: Final = "_runtime"
GPU: Final = re.compile(r"system\.gpu\.(process\.)?(\d+)\.gpu")
BYTES_PER_MIB: Final = 2**20
MIB_PER_GIB: Final = 1024
# From so many MiB on, an axis has no room for the figures.
MOST_MIB: Final = 10_000


@dataclass(frozen=True)
class Metric:
    """One kind of figures: W&B's column of them, what they are, and a factor that brings them to `unit`."""

    column: str
    name: str
    unit: str
    factor: float = 1.0


@dataclass(frozen=True)
class SystemMetric:
    """A kind of figures of one run: its last value with its unit, and the curve, "" where there is but one value."""

    name: str
    last: str
    svg: Markup


Point = tuple[float, float]
Row = dict[str, object]


def system_metrics(connection: sqlite3.Connection, run: Run) -> tuple[list[SystemMetric], int]:
    """The four kinds of figures that say most about what a run used; fewer if it sent fewer.

    Where several programs write it, those of the first four; and how many programs are left out.
    """
    rows = [read_object(text) for text in page_queries.event_sample(connection, run.id, SAMPLES)]
    each = [shown for label, own in _by_label(rows).items() if (shown := _of_one(label, own))]
    return [metric for shown in each[:MOST_PROGRAMS] for metric in shown], max(len(each) - MOST_PROGRAMS, 0)


def _by_label(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each program, its label taken out of them; "" for a program that has none."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        parts: dict[str, Row] = {}
        for name, value in row.items():
            column, _, label = name.rpartition(LABEL) if LABEL in name else (name, "", "")
            parts.setdefault(label, {RUNTIME: row.get(RUNTIME)})[column] = value
        for label, part in parts.items():
            found.setdefault(label, []).append(part)
    return found


def _of_one(label: str, rows: Sequence[Row]) -> list[SystemMetric]:
    found = ((metric, _points(rows, metric)) for metric in _metrics(rows))
    whose = f" · {label}" if label else ""
    return [_shown(replace(metric, name=metric.name + whose), points) for metric, points in found if points][:SHOWN]


def _metrics(rows: Iterable[Row]) -> list[Metric]:
    """All kinds that a page can show, the most telling first."""
    return [
        Metric("system.cpu", "Processor, this program", "% of all cores"),
        Metric("system.proc.memory.rssMB", "Memory, this program", "MiB"),
        *_of_gpu(rows),
        Metric("system.proc.cpu.threads", "Threads, this program", ""),
        Metric("system.memory_percent", "Memory, whole machine", "% in use"),
        Metric("system.disk./.usageGB", "Disk, whole machine", "GB in use"),
    ]


def _of_gpu(rows: Iterable[Row]) -> list[Metric]:
    """Of the GPU that the program runs on or, where W&B cannot tell, of the first; none without a GPU."""
    devices = {(match[1] is None, int(match[2])) for row in rows for name in row if (match := GPU.fullmatch(name))}
    if not devices:
        return []
    unknown, device = min(devices)
    whose, column = ("", "system.gpu.") if unknown else (", this program", "system.gpu.process.")
    return [
        Metric(f"{column}{device}.gpu", f"GPU {device}{whose}", "% busy"),
        Metric(f"{column}{device}.memoryAllocatedBytes", f"GPU {device} memory{whose}", "MiB", 1 / BYTES_PER_MIB),
    ]


def _points(rows: Iterable[Row], metric: Metric) -> list[Point]:
    """(seconds since the start, value), time growing."""
    points = {}
    for row in rows:
        at_s, value = number(row.get(RUNTIME)), number(row.get(metric.column))
        if at_s is not None and value is not None and drawable(at_s) and drawable(value) and value >= 0:
            points[max(at_s, 0.0)] = value * metric.factor
    return sorted(points.items())


def _shown(metric: Metric, points: Sequence[Point]) -> SystemMetric:
    unit = metric.unit
    if unit == "MiB" and max(value for _, value in points) >= MOST_MIB:
        unit, points = "GiB", [(at_s, value / MIB_PER_GIB) for at_s, value in points]
    svg = over_time(metric.name, points, unit) if len(points) > 1 else ""
    return SystemMetric(metric.name, f"{_written(points[-1][1])} {unit}".strip(), Markup(svg))


def _written(value: float) -> str:
    return format.count(int(value)) if value.is_integer() else format.parameter(value, 3)
