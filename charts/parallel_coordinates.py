"""Parallel coordinates: an upright axis for each parameter and one for the metric, and through them a line a run."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from charts import format
from charts.axis import Axis, Lane, Layout, lay_out
from charts.plot import WIDTH, Area, plot, stretched
from charts.ramp import COLOURS, POWER, colour
from charts.scale import drawable, metric_scale

TOP: Final = 52
HEIGHT: Final = 300
TRAY_HEIGHT: Final = 48
FEW: Final = 20
MANY: Final = 1000
# Of more runs than are drawn, this share is the best of them; the rest is every n-th of the others.
BEST_SHARE: Final = 0.2
# A lane that says so has lost more than this to the tray.
LOST_LANE: Final = 0.6
LINE_HEIGHT: Final = 15
GOALS: Final = {"maximize": "maximise", "minimize": "minimise"}


@dataclass(frozen=True)
class Outcome:
    """A run's name and its metric; None if it ended without a value."""

    name: str
    metric: float | None


@dataclass(frozen=True)
class ParallelCoordinates:
    """The drawing; how many runs have a line, and what it leaves out."""

    svg: str
    drawn: int
    thinned_out: int
    out_of_scale: int
    without_value: int


def parallel_coordinates(
    axes: Sequence[Axis],
    metric: str,
    goal: str,
    outcomes: Sequence[Outcome],
    most: int = 2000,
    name_length: int = 18,
) -> ParallelCoordinates | None:
    """Draws ended runs, the better the stronger, the best on top with its name.

    Args:
        axes: at least one, from left to right; the strongest belongs beside the metric.
        goal: "maximize" or "minimize"; the better values stand higher.
        outcomes: of the runs, in the order of the axes' values.
        most: lines drawn; of more runs the best, and the others evenly by rank.
        name_length: letters of a parameter's name over its axis; longer ones end in "…".

    Returns:
        SVG as wide as its place, which keeps room for labels at both sides; None if no run has a value to draw. Runs
        out of scale and runs without a value are counted under the axes.
    """
    values = {run: outcome.metric for run, outcome in enumerate(outcomes) if outcome.metric is not None}
    within = [value for value in values.values() if drawable(value)]
    if not within:
        return None
    area = Area(0, 1, metric_scale(within, goal), HEIGHT, upside_down=goal == "minimize")
    inside = [run for run, value in values.items() if area.scale.holds(value)]
    ranked = sorted(inside, key=lambda run: values[run], reverse=area.upside_down)
    drawn = _thinned_out(ranked, most)
    layouts = [lay_out(axis, drawn) for axis in axes]
    lines = _Lines(layouts, area, values, values[ranked[-1]])
    missing = _Missing(area, len(values) - len(inside), len(outcomes) - len(values), frozenset(inside), values.keys())
    best = ranked[-1]
    parts = [
        f'<svg y="{TOP}" height="{HEIGHT}" overflow="visible">',
        stretched([*lines.ramp(drawn), *lines.best(best)], HEIGHT),
        *(part for number, layout in enumerate(layouts) for part in _axis(layout, number / len(layouts), missing)),
        stretched(lines.dots(drawn), HEIGHT) if len(drawn) <= FEW else "",
        *_metric_axis(area, [values[run] for run in reversed(ranked)], outcomes[best].name),
        "</svg>",
        *_heads([*((layout.name, layout.kind) for layout in layouts), (metric, GOALS[goal])], name_length),
        *missing.tray(),
    ]
    label = f"{format.counted(len(drawn), 'run')} over {', '.join(axis.name for axis in axes)} and {metric}"
    svg = plot(parts, TOP + HEIGHT + TRAY_HEIGHT, label)
    return ParallelCoordinates(svg, len(drawn), len(inside) - len(drawn), missing.out_of_scale, missing.without_value)


def _thinned_out(ranked: Sequence[int], most: int) -> list[int]:
    if len(ranked) <= most:
        return list(ranked)
    best = round(most * BEST_SHARE)
    others = ranked[:-best]
    places = most - best
    return [others[place * len(others) // places] for place in range(places)] + list(ranked[-best:])


@dataclass(frozen=True)
class _Lines:
    layouts: Sequence[Layout]
    area: Area
    values: dict[int, float]
    best_value: float

    def ramp(self, runs: Sequence[int]) -> list[str]:
        """A group of lines for each colour, from the worst to the best."""
        css = "few" if len(runs) <= FEW else "many" if len(runs) > MANY else ""
        return [
            f'<g class="lines {css} ramp-{number}">{"".join(map(self._line, members))}</g>'
            for number, members in self._by_colour(runs)
        ]

    def dots(self, runs: Sequence[int]) -> list[str]:
        """Where the lines meet the axes."""
        return [
            f'<path class="dots few ramp-{number}" d="{"".join(map(self._dots, members))}"/>'
            for number, members in self._by_colour(runs)
        ]

    def _by_colour(self, runs: Sequence[int]) -> list[tuple[int, list[int]]]:
        groups: dict[int, list[int]] = {}
        worst = _worst(self.area)
        for run in runs:
            groups.setdefault(colour(self.values[run], worst, self.best_value), []).append(run)
        return list(groups.items())

    def best(self, run: int) -> list[str]:
        path = self._path(run)
        return [f'<path class="{css}" d="{path}"/>' for css in ("best-casing", "best-line")]

    def _points(self, run: int) -> list[tuple[float, float] | None]:
        """Where a run's line meets the axes; None where the run has no value."""
        places = [layout.places[run] for layout in self.layouts]
        gap = WIDTH / len(self.layouts)
        points = [None if at is None else (gap * number, HEIGHT * (1 - at)) for number, at in enumerate(places)]
        return [*points, (WIDTH, self.area.y(self.values[run]))]

    def _line(self, run: int) -> str:
        return f'<path d="{self._path(run)}"/>'

    def _path(self, run: int) -> str:
        parts: list[str] = []
        before = None
        for point in self._points(run):
            if point and before:
                dx, dy = point[0] - before[0], point[1] - before[1]
                parts.append(f"c{dx / 2:.4g} 0 {dx / 2:.4g} {dy:.4g} {dx:.4g} {dy:.4g}")
            elif point:
                parts.append(f"M{point[0]:.4g} {point[1]:.4g}")
            before = point
        return "".join(parts)

    def _dots(self, run: int) -> str:
        return "".join(f"M{point[0]:.4g} {point[1]:.4g}h0" for point in self._points(run) if point)


@dataclass(frozen=True)
class _Missing:
    """What the drawing leaves out, which runs are in it, and which have a value."""

    area: Area
    out_of_scale: int
    without_value: int
    inside: Set[int]
    valued: Set[int]

    def of_lane(self, lane: Lane) -> str:
        """ "▽ 75 of 79" beside a lane that has lost most of its runs; else ""."""
        lost = [run for run in lane.runs if run not in self.inside]
        glyph = "▽" if any(run in self.valued for run in lost) else "✕"
        return f"{glyph} {len(lost)} of {len(lane.runs)}" if len(lost) > LOST_LANE * len(lane.runs) else ""

    def tray(self) -> list[str]:
        told = []
        if self.out_of_scale:
            worst, side = _worst(self.area), "above" if self.area.upside_down else "below"
            edge = format.metric(worst, self.area.scale.decimals)
            told.append(f"<tspan>▽ {format.count(self.out_of_scale)} {side} {edge}</tspan>")
        if self.without_value:
            told.append(f'<tspan class="bad">✕ {format.count(self.without_value)} without a value</tspan>')
        if not told:
            return []
        y = TOP + HEIGHT + 16
        between = '<tspan dx="8"> </tspan>'.join(["<tspan>Not drawn:</tspan>", *told])
        return [
            f'<line class="tray" x2="100%" y1="{y}" y2="{y}"/>',
            f'<text x="100%" y="{y + 22}" text-anchor="end">{between}</text>',
        ]


def _worst(area: Area) -> float:
    """The value at the foot of the metric's axis."""
    return area.scale.high if area.upside_down else area.scale.low


def _axis(layout: Layout, x: float, missing: _Missing) -> list[str]:
    at = f"{x:.2%}"
    if not layout.lanes:
        ticks = "".join(_label(at, HEIGHT * (1 - place), text) for place, text in layout.ticks)
        return [f'<line class="axis" x1="{at}" x2="{at}" y2="{HEIGHT}"/>', ticks]
    parts = []
    for lane in layout.lanes:
        top, height = HEIGHT * (1 - lane.high), HEIGHT * (lane.high - lane.low)
        box = f'x="{at}" y="{top:.1f}" width="4" height="{height:.1f}" rx="2"'
        parts.append(f'<rect class="lane" {box} transform="translate(-2)"/>')
        parts.append(_label(at, top + height / 2, lane.label))
        if lost := missing.of_lane(lane):
            place = f'x="{at}" dx="10" y="{top + height / 2:.1f}" dy="0.35em"'
            parts.append(f'<text class="plate" {place}>{lost}</text>')
    return parts


def _label(x: str, y: float, text: str) -> str:
    return f'<text class="plate end" x="{x}" dx="-9" y="{y:.1f}" dy="0.35em">{escape(text)}</text>'


def _metric_axis(area: Area, ranked: Sequence[float], name: str) -> list[str]:
    """The axis is the legend, up to the best: each of the ramp's colours as far as it goes; `ranked` is best first."""
    worst, end = _worst(area), ranked[0]
    places = [area.y(worst + (end - worst) * (step / COLOURS) ** (1 / POWER)) for step in range(COLOURS + 1)]
    parts = [
        f'<line class="axis" x1="100%" x2="100%" y2="{places[-1]:.1f}"/>',
        *(
            f'<rect class="fill-{number}" x="100%" y="{top:.1f}" width="8" height="{bottom - top:.1f}"'
            ' transform="translate(-4)"/>'
            for number, (bottom, top) in enumerate(pairwise(places), start=1)
        ),
    ]
    y = area.y(ranked[0])
    for tick in area.scale.ticks:
        if not -LINE_HEIGHT < area.y(tick) - y < 2 * LINE_HEIGHT:
            text = format.metric(tick, area.scale.decimals)
            parts.append(f'<text x="100%" dx="12" y="{area.y(tick):.1f}" dy="0.35em">{text}</text>')
    value = format.metric(ranked[0], max(area.scale.decimals, format.metric_decimals(list(dict.fromkeys(ranked)))))
    parts.append(f'<circle class="best-mark" cx="100%" cy="{y:.1f}" r="4.5"/>')
    parts.append(f'<text class="best-label" x="100%" dx="12" y="{y:.1f}" dy="0.35em">{value}</text>')
    return [*parts, f'<text x="100%" dx="12" y="{y + LINE_HEIGHT:.1f}" dy="0.35em">{escape(_short(name))}</text>']


def _heads(names: Sequence[tuple[str, str]], length: int) -> list[str]:
    parts = []
    for number, (name, kind) in enumerate(names):
        x = f'x="{number / (len(names) - 1):.2%}" text-anchor="middle"'
        parts.append(f'<text class="axis-name" {x} y="12">{escape(_short(name, length))}</text>')
        parts.append(f'<text class="axis-kind" {x} y="28">{kind}</text>')
    return parts


def _short(text: str, length: int = 14) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
