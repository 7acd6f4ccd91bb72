"""Histograms: one as bars, several as a heat map over the steps at which they were logged."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from charts import format
from charts.mark import told
from charts.plot import WIDTH, Area, fitting, grid, plot, stretched
from charts.ramp import COLOURS
from charts.scale import Scale, drawable, scale, whole_ticks

HEIGHT: Final = 160
TOP: Final = 8
LABELS_HEIGHT: Final = 26
ROWS: Final = 24
MOST_COLUMNS: Final = 40
MOST_BINS: Final = 512
DIGITS: Final = 4

# Of a heat map: left and right as parts of the width, the first row from the top and the one after the last.
_Cell = tuple[float, float, int, int]


@dataclass(frozen=True)
class Histogram:
    """How many values lie in each bin; `edges` grow, and are one more than the counts."""

    counts: Sequence[float]
    edges: Sequence[float]

    @property
    def total(self) -> float:
        return sum(self.counts)


def checked(counts: Sequence[float], edges: Sequence[float]) -> Histogram | None:
    """What programs send as a histogram; None for what is none."""
    whole = 0 < len(counts) <= MOST_BINS and len(edges) == len(counts) + 1
    sound = whole and all(map(drawable, [*counts, *edges])) and min(counts) >= 0 and sum(counts) > 0
    return Histogram(counts, edges) if sound and all(low < high for low, high in pairwise(edges)) else None


def of_values(values: Sequence[float], bins: int = ROWS) -> Histogram | None:
    """The histogram of some values in bins of one width; None without values that can be drawn."""
    kept = sorted(filter(drawable, values))
    if not kept:
        return None
    axis = scale(kept[0], kept[-1])
    edges = [axis.low + (axis.high - axis.low) * place / bins for place in range(bins + 1)]
    counts = [0] * bins
    for value in kept:
        counts[min(max(bisect_right(edges, value) - 1, 0), bins - 1)] += 1
    return Histogram(counts, edges)


def histogram(drawn: Histogram, name: str, beside: Sequence[Histogram] = ()) -> str:
    """Draws one as bars; SVG as wide as its place, with room for labels at its left.

    Args:
        beside: others that it is compared with, by the same axes.
    """
    every = [drawn, *beside]
    across = scale(min(each.edges[0] for each in every), max(each.edges[-1] for each in every))
    up = scale(0, max(max(each.counts) for each in every))
    area = Area(across.low, across.high, up, HEIGHT, across)
    bars = "".join(_bar(area, *bin) for bin in zip(pairwise(drawn.edges), drawn.counts, strict=True) if bin[1])
    ticks = [(across.at(tick), across.said(tick)) for tick in across.ticks]
    body = [*grid(area), stretched([f'<g class="value-bar">{bars}</g>'], HEIGHT)]
    return _framed(body, ticks, f"{name}: histogram of {_text(drawn.total)} values")


def _bar(area: Area, edges: tuple[float, float], count: float) -> str:
    left, right = (area.x(edge) * WIDTH for edge in edges)
    low, high = map(_text, edges)
    tip = told(_text(count), [("", f"from {low} to {high}")])
    y = area.y(count)
    return f'<rect{tip} x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}" height="{area.height - y:.1f}"/>'


def _text(value: float) -> str:
    return format.parameter(int(value) if float(value).is_integer() else value, DIGITS)


def histograms(drawn: Sequence[tuple[float, Histogram]], name: str) -> str:
    """Draws several over their steps, which grow: the more of a step's values, the stronger the place of their bin.

    Args:
        drawn: (step, histogram), at most `MOST_COLUMNS`.
    """
    up = scale(min(each.edges[0] for _, each in drawn), max(each.edges[-1] for _, each in drawn))
    area = Area(drawn[0][0], drawn[-1][0], up, HEIGHT)
    paths = [_path(css, cells) for css, cells in _cells(drawn, up).items()]
    ticks = [
        (area.x(tick), f"step {format.count(tick)}" if tick == drawn[-1][0] else format.count(tick))
        for tick in whole_ticks(int(drawn[0][0]), int(drawn[-1][0]))
    ]
    return _framed([*grid(area), stretched(paths, HEIGHT)], ticks, f"{name}: {len(drawn)} histograms over steps")


def _cells(drawn: Sequence[tuple[float, Histogram]], up: Scale) -> dict[str, list[_Cell]]:
    """By colour the cells that are not empty."""
    first, last = drawn[0][0], drawn[-1][0]
    found: dict[str, list[_Cell]] = {f"fill-{number}": [] for number in range(1, COLOURS + 1)}
    edges = _borders([(step - first) / (last - first) if last > first else 0.5 for step, _ in drawn])
    for (left, right), (_, each) in zip(edges, drawn, strict=True):
        shares = _in_rows(each, up)
        colours = [min(int(share / max(shares) * COLOURS), COLOURS - 1) + 1 if share > 0 else 0 for share in shares]
        for number, begin, end in _stretches(colours):
            found[f"fill-{number}"].append((left, right, ROWS - end, ROWS - begin))
    return {css: cells for css, cells in found.items() if cells}


def _stretches(colours: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(colour, begin, end) of rows of one colour beside one another; 0 is none."""
    begin = 0
    for number, rows in groupby(colours):
        end = begin + len(list(rows))
        if number:
            yield number, begin, end
        begin = end


def _borders(places: Sequence[float]) -> list[tuple[float, float]]:
    """The ends of each column: half way to those beside it."""
    inner = [(one + other) / 2 for one, other in pairwise(places)]
    ends = [0.0, *inner, 1.0]
    return list(pairwise(ends))


def _in_rows(each: Histogram, up: Scale) -> list[float]:
    """Its counts in rows of one height, each bin's spread evenly over the rows that it lies in."""
    rows = [0.0] * ROWS
    for (low, high), count in zip(pairwise(each.edges), each.counts, strict=True):
        begin, end = up.at(low) * ROWS, up.at(high) * ROWS
        if end <= begin:  # too narrow to be told from nothing
            continue
        for row in range(max(int(begin), 0), min(int(end) + 1, ROWS)):
            rows[row] += count * max(min(end, row + 1) - max(begin, row), 0.0) / (end - begin)
    return rows


def _path(css: str, cells: Sequence[_Cell]) -> str:
    height = HEIGHT / ROWS
    parts = (
        f"M{left * WIDTH:.0f} {top * height:.0f}H{right * WIDTH:.0f}V{foot * height:.0f}H{left * WIDTH:.0f}z"
        for left, right, top, foot in cells
    )
    return f'<path class="{css}" d="{"".join(parts)}"/>'


def _framed(body: Sequence[str], ticks: Sequence[tuple[float, str]], label: str) -> str:
    head = f'<svg y="{TOP}" height="{HEIGHT}" overflow="visible">'
    parts = [head, *body, "</svg>", *fitting(ticks, TOP + HEIGHT + LABELS_HEIGHT - 6)]
    return plot(parts, TOP + HEIGHT + LABELS_HEIGHT, label, "group")
