"""Parallel coordinates: an upright axis for each parameter and one for the metric, and through them a line a run."""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import pairwise, zip_longest
from typing import Final

from charts import format
from charts.axis import Axis, Lane, Layout, Pick, lay_out
from charts.brushes import brushes
from charts.labels import distinct
from charts.letter import boxed, spread
from charts.mark import told
from charts.plot import WIDTH, Area, plot, stretched
from charts.ramp import COLOURS, POWER, colour, ends
from charts.scale import Scale, drawable, metric_scale

TOP: Final = 52
HEIGHT: Final = 300
TRAY_HEIGHT: Final = 48
FEW: Final = 20
# Browsers draw lines that are no thicker than a pixel five times as fast.
DENSE: Final = 300
MANY: Final = 1000
# Of more runs than are drawn, this share is the best of them; the rest is every n-th of the others.
BEST_SHARE: Final = 0.2
# Of the runs that are not chosen, fewer are enough to see where they went.
CONTEXT_SHARE: Final = 0.4
# A lane that says so has lost more than this to the tray.
LOST_LANE: Final = 0.6
LINE_HEIGHT: Final = 15
DIGITS: Final = 5
# Of lines: some megabytes.
TEXTS_KEPT: Final = 16_384
# Of a letter of a name over an axis, about; a name is cut to as many as there is room for, between these.
LETTER_PX: Final = 7
LEAST_LETTERS: Final = 5
MOST_LETTERS: Final = 18
# Drawings at least as wide may stand in a place of twice the width.
ROOMY_PX: Final = 600
GOALS: Final = {"maximize": "maximise", "minimize": "minimise"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run and its result.

    Attributes:
        metric: None if it ended without a value.
        chosen: whether a filter has left it; the others are drawn in grey.
        run: its id on a page whose script finds it by that; "" elsewhere.
        letter: by which it is told apart, and its line drawn over the others; "" for most.
    """

    name: str
    metric: float | None
    chosen: bool = True
    run: str = ""
    letter: str = ""


@dataclass(frozen=True)
class ParallelCoordinates:
    """The drawing; how many of the chosen runs have a line, and how many have none, by reason."""

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
    least_px: int = ROOMY_PX,
    picks: Sequence[Pick] = (),
    axis: Scale | None = None,
) -> ParallelCoordinates | None:
    """Draws ended runs, the better the stronger, the best over all others with its name.

    Args:
        axes: at least one, from left to right; the strongest belongs beside the metric.
        goal: "maximize" or "minimize".
        outcomes: of the runs, in the order of the axes' values.
        most: lines drawn; of more runs the best, and the others evenly by rank.
        least_px: width of the narrowest place that it may stand in, for the names over its axes.
        picks: of each axis and, last, of the metric's, on a page that can be asked for a part of the runs; else none.
        axis: of the metric, the same in all charts of a page; None for one that suits these outcomes.

    Returns:
        SVG as wide as its place, which keeps room for labels at both sides; None if no run has a value to draw. Runs
        that are not chosen lie in grey behind the others, whose places and colours do not depend on the choice. Chosen
        runs out of scale and without a value are counted under the axes.
    """
    values = {run: outcome.metric for run, outcome in enumerate(outcomes) if outcome.metric is not None}
    within = [value for value in values.values() if drawable(value)]
    if not any(axis is None or axis.holds(value) for value in within):
        return None
    minimize = goal == "minimize"
    area = Area(0, 1, axis or metric_scale(within, goal), HEIGHT)
    inside = [run for run, value in values.items() if area.scale.holds(value)]
    ranked = sorted(inside, key=lambda run: values[run], reverse=minimize)
    chosen = [run for run in ranked if outcomes[run].chosen]
    drawn = _thinned_out(chosen, most)
    context = _thinned_out([run for run in ranked if not outcomes[run].chosen], round(most * CONTEXT_SHARE))
    # Within a lane, as on the metric's axis, higher values stand higher.
    standing = {run: place for place, run in enumerate(ranked[::-1] if minimize else ranked)}
    upwards = sorted([*drawn, *context], key=standing.__getitem__)
    layouts = [lay_out(axis, upwards, pick) for axis, pick in zip_longest(axes, picks[: len(axes)])]
    # Among so many lines nobody sees a tenth of a pixel, which is a quarter of the bytes.
    decimals = 0 if len(drawn) + len(context) > DENSE else 1
    lines = _Lines(layouts, area, outcomes, values, ends(area.scale, within, goal), metric, decimals)
    missing = _Missing(
        area, minimize, {run for run, each in enumerate(outcomes) if each.chosen}, set(inside), values.keys()
    )
    best = chosen[-1] if chosen else None
    lettered = [run for run in ranked[::-1] if outcomes[run].letter]
    parts = [
        f'<svg y="{TOP}" height="{HEIGHT}" overflow="visible">',
        stretched([lines.behind(context), *lines.ramp(drawn), *lines.best(best), *lines.lettered(lettered)], HEIGHT),
        *(part for number, layout in enumerate(layouts) for part in _axis(layout, number / len(layouts), missing)),
        stretched(lines.dots(drawn), HEIGHT) if len(drawn) <= FEW else "",
        *_metric_axis(
            area, [values[run] for run in reversed(ranked)], lines.ends, best, outcomes, picks[-1] if picks else None
        ),
        *_letters(area, [(outcomes[run].letter, values[run]) for run in lettered]),
        "</svg>",
        *_heads([*((layout.name, layout.kind) for layout in layouts), (metric, GOALS[goal])], least_px),
        *missing.tray(),
    ]
    label = f"{format.counted(len(drawn), 'run')} over {', '.join(axis.name for axis in axes)} and {metric}"
    svg = plot(parts, TOP + HEIGHT + TRAY_HEIGHT, label, "group" if picks else "img")
    return ParallelCoordinates(
        svg, len(drawn), len(chosen) - len(drawn), missing.count(valued=True), missing.count(valued=False)
    )


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
    outcomes: Sequence[Outcome]
    values: dict[int, float]
    ends: tuple[float, float]
    metric: str
    decimals: int

    def behind(self, runs: Sequence[int]) -> str:
        """Runs that are not chosen, in one group."""
        css = "many" if len(runs) > MANY else ""
        return f'<g class="lines context {css}">{"".join(map(self._line, runs))}</g>' if runs else ""

    def ramp(self, runs: Sequence[int]) -> list[str]:
        """A group of lines for each colour, from the worst to the best."""
        css = "few" if len(runs) <= FEW else "many" if len(runs) > MANY else "dense" if len(runs) > DENSE else ""
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
        for run in runs:
            groups.setdefault(colour(self.area.scale.at(self.values[run]), *self.ends), []).append(run)
        return list(groups.items())

    def best(self, run: int | None) -> list[str]:
        if run is None:
            return []
        path = self._path(run)
        return [f'<path class="{css}" d="{path}"/>' for css in ("best-casing", "best-line")]

    def lettered(self, runs: Sequence[int]) -> list[str]:
        """Those that are told apart, each in the colour of its letter."""
        return [f'<path class="curve tick-{self.outcomes[run].letter.lower()}" d="{self._path(run)}"/>' for run in runs]

    def _points(self, run: int) -> list[tuple[float, float] | None]:
        """Where a run's line meets the axes; None where the run has no value."""
        places = [layout.places[run] for layout in self.layouts]
        gap = WIDTH / len(self.layouts)
        points = [
            None if at is None else (round(gap * number, 1), round(HEIGHT * (1 - at), self.decimals))
            for number, at in enumerate(places)
        ]
        return [*points, (WIDTH, round(self.area.y(self.values[run]), self.decimals))]

    def _line(self, run: int) -> str:
        outcome = self.outcomes[run]
        if not outcome.run:
            return f'<path d="{self._path(run)}"/>'
        if not outcome.chosen:
            return f'<path data-run="{escape(outcome.run)}" d="{self._path(run)}"/>'
        return f'<path{_told(outcome.name, self.metric, self.values[run], outcome.run)} d="{self._path(run)}"/>'

    def _path(self, run: int) -> str:
        parts: list[str] = []
        before = None
        for point in self._points(run):
            if point and before:
                dx, dy = point[0] - before[0], point[1] - before[1]
                parts.append(_curve(dx, dy))
            elif point:
                parts.append(f"M{point[0]:.4g} {point[1]:.4g}")
            before = point
        return "".join(parts)

    def _dots(self, run: int) -> str:
        return "".join(f"M{point[0]:.4g} {point[1]:.4g}h0" for point in self._points(run) if point)


@lru_cache(maxsize=TEXTS_KEPT)
def _told(name: str, metric: str, value: float, run: str) -> str:
    """Kept, since each change of a filter draws most of the same runs."""
    return told(name, [(metric, format.parameter(value, DIGITS))], run)


@lru_cache(maxsize=TEXTS_KEPT)
def _curve(dx: float, dy: float) -> str:
    """Kept: among many lines, which stand on whole pixels, there are few different ones."""
    return f"c{dx / 2:.5g} 0 {dx / 2:.5g} {dy:.4g} {dx:.4g} {dy:.4g}"


@dataclass(frozen=True)
class _Missing:
    """What the drawing leaves out: which runs are in it, and which have a value."""

    area: Area
    minimize: bool
    chosen: Set[int]
    inside: Set[int]
    valued: Set[int]

    def count(self, valued: bool) -> int:
        """Chosen runs out of scale, or without a value."""
        left_out = self.chosen - self.inside
        return len(left_out & self.valued if valued else left_out - self.valued)

    def of_lane(self, lane: Lane) -> str:
        """ "▽ 75 of 79" beside a lane that has lost most of its runs; else "". Phones have no room for "of 79"."""
        lost = [run for run in lane.runs if run not in self.inside]
        glyph = "▽" if any(run in self.valued for run in lost) else "✕"
        of = f'<tspan class="spacious"> of {len(lane.runs)}</tspan>'
        return f"{glyph} {len(lost)}{of}" if len(lost) > LOST_LANE * len(lane.runs) else ""

    def tray(self) -> list[str]:
        missing = []
        if out_of_scale := self.count(valued=True):
            scale = self.area.scale
            edge = f"above {scale.said(scale.high)}" if self.minimize else f"below {scale.said(scale.low)}"
            missing.append(f"<tspan>▽ {format.count(out_of_scale)} {edge}</tspan>")
        if without_value := self.count(valued=False):
            missing.append(f'<tspan class="bad">✕ {format.count(without_value)} without a value</tspan>')
        if not missing:
            return []
        y = TOP + HEIGHT + 16
        between = '<tspan dx="8"> </tspan>'.join(['<tspan class="spacious">Not drawn:</tspan>', *missing])
        return [
            f'<line class="tray" x2="100%" y1="{y}" y2="{y}"/>',
            f'<text x="100%" y="{y + 22}" text-anchor="end">{between}</text>',
        ]


def _axis(layout: Layout, x: float, missing: _Missing) -> list[str]:
    at = f"{x:.2%}"
    if not layout.lanes:
        ticks = "".join(_label(at, HEIGHT * (1 - place), text) for place, text in layout.ticks)
        held = brushes(layout.pick, layout.ends, layout.at, layout.kind == "log", at, HEIGHT) if layout.pick else []
        return [f'<line class="axis" x1="{at}" x2="{at}" y2="{HEIGHT}"/>', ticks, *held]
    parts = []
    for lane in layout.lanes:
        parts.append(_lane(layout, lane, at))
        if lost := missing.of_lane(lane):
            place = f'x="{at}" dx="10" y="{HEIGHT * (1 - (lane.low + lane.high) / 2):.1f}" dy="0.35em"'
            parts.append(f'<text class="plate" {place}>{lost}</text>')
    return parts


def _lane(layout: Layout, lane: Lane, x: str) -> str:
    """The value's box and label; on a page that can be asked for it, a link around both."""
    top, height = HEIGHT * (1 - lane.high), HEIGHT * (lane.high - lane.low)
    pick = layout.pick
    taken = pick is not None and pick.taken(lane.value)
    place = f'x="{x}" y="{top:.1f}" width="4" height="{height:.1f}" rx="2" transform="translate(-2)"'
    box = f'<rect class="lane{" taken" if taken else ""}" {place}/>{_label(x, top + height / 2, lane.label)}'
    if pick is None or pick.toggled is None:
        return box
    what = f"{layout.name} {lane.label}"
    name = f"Leave out the filter {what}" if taken else f"Only runs with {what}"
    wide = (
        f'<rect class="lane-area" x="{x}" y="{top:.1f}" width="36" height="{height:.1f}" transform="translate(-18)"/>'
    )
    return f'<a class="lane-link" href="{escape(pick.toggled(lane.value))}" aria-label="{escape(name)}">{box}{wide}</a>'


def _label(x: str, y: float, text: str) -> str:
    return f'<text class="plate end" x="{x}" dx="-9" y="{y:.1f}" dy="0.35em">{escape(text)}</text>'


def _metric_axis(
    area: Area,
    ranked: Sequence[float],
    ends: tuple[float, float],
    best: int | None,
    outcomes: Sequence[Outcome],
    pick: Pick | None,
) -> list[str]:
    """The axis is the legend, up to the best: each of the ramp's colours as far as it goes.

    Args:
        ranked: all values in scale, best first.
        ends: the places of the worst and of the best.
        best: the run to name, if any.
    """
    worst, end = ends
    shares = [(step / COLOURS) ** (1 / POWER) for step in range(COLOURS + 1)]
    places = [area.height * (1 - worst - (end - worst) * share) for share in shares]
    parts = [
        f'<line class="axis" x1="100%" x2="100%" y2="{area.height}"/>',
        *(
            f'<rect class="fill-{number}" x="100%" y="{min(pair):.1f}" width="8" height="{abs(pair[0] - pair[1]):.1f}"'
            ' transform="translate(-4)"/>'
            for number, pair in enumerate(pairwise(places), start=1)
        ),
    ]
    value = None if best is None else outcomes[best].metric
    y = -math.inf if value is None else area.y(value)
    # The name of a best run at the foot stands over its value, not in the tray.
    under = -LINE_HEIGHT if y > area.height - LINE_HEIGHT else LINE_HEIGHT
    for tick in area.scale.ticks:
        if not min(0, under) - LINE_HEIGHT < area.y(tick) - y < max(0, under) + LINE_HEIGHT:
            text = area.scale.said(tick)
            parts.append(f'<text x="100%" dx="12" y="{area.y(tick):.1f}" dy="0.35em">{text}</text>')
    if best is not None:
        decimals = max(area.scale.decimals, format.metric_decimals(list(dict.fromkeys(ranked))))
        said, named = format.metric(value, decimals), escape(_short(outcomes[best].name))
        parts += [
            f'<circle class="best-mark" cx="100%" cy="{y:.1f}" r="4.5"/>',
            f'<text class="best-label" x="100%" dx="12" y="{y:.1f}" dy="0.35em">{said}</text>',
            f'<text x="100%" dx="12" y="{y + under:.1f}" dy="0.35em">{named}</text>',
        ]
    if pick:

        def at(value: float) -> float:
            return 1 - area.y(value) / HEIGHT

        parts += brushes(pick, (area.scale.low, area.scale.high), at, area.scale.log, "100%", HEIGHT)
    return parts


def _letters(area: Area, ends: Sequence[tuple[str, float]]) -> list[str]:
    """Beside the ends of their lines, on the left of the metric's axis: what it says stands on the right."""
    ordered = sorted((area.y(value), letter) for letter, value in ends)
    places = spread([y for y, _ in ordered], area.height)
    return [boxed(letter, "100%", place, -26) for (_, letter), place in zip(ordered, places, strict=True)]


def _heads(names: Sequence[tuple[str, str]], least_px: int) -> list[str]:
    """Names and kinds over the axes; where the drawing is narrow, names are cut shorter."""
    least = max(least_px // len(names) // LETTER_PX, LEAST_LETTERS)
    tight = distinct([name for name, _ in names], least)
    roomy = distinct([name for name, _ in names], max(least, MOST_LETTERS)) if least_px >= ROOMY_PX else tight
    parts = []
    for number, (name, kind) in enumerate(names):
        x = f'x="{number / (len(names) - 1):.2%}" text-anchor="middle"'
        parts.append(_name(name, roomy[number], tight[number], x))
        parts.append(f'<text class="axis-kind" {x} y="28">{kind}</text>')
    return parts


def _name(name: str, roomy: str, tight: str, x: str) -> str:
    title = "" if roomy == tight == name else f"<title>{escape(name)}</title>"
    texts = [("", roomy)] if roomy == tight else [(' class="roomy"', roomy), (' class="tight"', tight)]
    spans = "".join(f"<tspan{css}>{escape(text)}</tspan>" for css, text in texts)
    return f'<text class="axis-name" {x} y="12">{title}{spans}</text>'


def _short(text: str, length: int = 14) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
