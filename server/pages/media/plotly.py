"""Figures of Plotly, drawn by their data: lines, points, bars and histograms; the rest is to be saved."""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from charts import format
from server.pages.media import drawn
from server.pages.media.drawn import Drawn
from server.run_values import number

LARGEST_BYTES: Final = 8_000_000
DRAWINGS_KEPT: Final = 64
# Plotly's names of numbers in packed lists, as `struct` has them.
PACKED: Final = {"f4": "f", "f8": "d", "i1": "b", "i2": "h", "i4": "i", "u1": "B", "u2": "H", "u4": "I"}
LINES, POINTS = ("scatter", "scattergl"), "markers"

Trace = Mapping[str, Any]


def figure_at(path: Path) -> Drawn | None:
    """Draws the figure in a file; None where it holds what is not drawn here."""
    told = path.stat()
    return _drawn(path, told.st_mtime_ns) if told.st_size <= LARGEST_BYTES else None


@lru_cache(maxsize=DRAWINGS_KEPT)
def _drawn(path: Path, changed_ns: int) -> Drawn | None:
    try:
        figure = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    data = figure.get("data") if isinstance(figure, dict) else None
    traces = [trace for trace in data if isinstance(trace, dict)] if isinstance(data, list) else []
    return _of(traces, _titles(figure)) if traces else None


def _of(traces: Sequence[Trace], titles: tuple[str, str]) -> Drawn | None:
    """All of one kind, or none of them."""
    kinds = {str(trace.get("type", "scatter")) for trace in traces}
    if kinds <= set(LINES):
        return _scatter(traces, *titles)
    if kinds == {"bar"} and len(traces) == 1:
        return _bars(traces[0], *titles)
    if kinds == {"histogram"} and len(traces) == 1:
        return drawn.distribution(drawn.numbers(_list(traces[0].get("x"))), titles[0] or "x")
    return None


def _scatter(traces: Sequence[Trace], x: str, y: str) -> Drawn | None:
    named = [(str(trace.get("name") or f"line {place}"), trace) for place, trace in enumerate(traces, start=1)]
    series = {name: _points(trace) for name, trace in named}
    if all(trace.get("mode") == POINTS for trace in traces):
        return drawn.points([point for points in series.values() for point in points], x or "x", y or "y")
    return drawn.lines(series, x, y or "value")


def _points(trace: Trace) -> list[drawn.Point]:
    ys = _list(trace.get("y"))
    return drawn.pairs(_list(trace.get("x")) or range(len(ys)), ys)


def _bars(trace: Trace, x: str, y: str) -> Drawn | None:
    sides = _list(trace.get("x")), _list(trace.get("y"))
    names, values = reversed(sides) if trace.get("orientation") == "h" else sides
    told = zip(names, map(number, values), strict=False)
    return drawn.bars([(format.parameter(name), value) for name, value in told if value is not None], x, y)


def _list(value: Any) -> list[Any]:
    """A list as it is, or as Plotly packs one of numbers."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or value.get("dtype") not in PACKED:
        return []
    kind = PACKED[value["dtype"]]
    try:
        found = base64.b64decode(str(value.get("bdata", "")))
    except ValueError:
        return []
    count = len(found) // struct.calcsize(kind)
    return list(struct.unpack_from(f"<{count}{kind}", found))


def _titles(figure: Mapping[str, Any]) -> tuple[str, str]:
    layout = figure.get("layout")
    return _title(layout, "xaxis"), _title(layout, "yaxis")


def _title(layout: Any, axis: str) -> str:
    told = layout.get(axis) if isinstance(layout, dict) else None
    title = told.get("title") if isinstance(told, dict) else None
    text = title.get("text") if isinstance(title, dict) else title
    return text if isinstance(text, str) else ""
