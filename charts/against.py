"""One quantity of runs against another, a dot a run, the stronger the better its result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, Final

from charts import format
from charts.axis import Axis, lay_out
from charts.letter import beside
from charts.mark import told, told_together
from charts.plot import Area, answering, crowd, dots, pixel, plot, stretched
from charts.ramp import colour, ends
from charts.scale import Scale, drawable, metric_scale

HEIGHT: Final = 260
SMALL_HEIGHT: Final = 96
ROOM_ABOVE: Final = 22
ROOM_BELOW: Final = 40
FEW: Final = 20
# A dot that answers takes six times the bytes of one that does not.
MOST_ANSWERS: Final = 500
DIGITS: Final = 5
# Of a letter of an axis' label, about; and how wide a drawing is at least, on a phone or as one of several.
LETTER_PX: Final = 7
LEAST_PX: Final = 280
SMALL_PX: Final = 92
UNIT: Final = Scale(0, 1, (0, 1), 0)


@dataclass(frozen=True)
class Side:
    """One of both axes.

    Attributes:
        note: what is said of it, as "log".
        places: of each run, from 0 at the left or the foot to 1; None where it has none.
        ticks: place and label.
        values: of each run.
    """

    name: str
    note: str
    places: Sequence[float | None]
    ticks: Sequence[tuple[float, str]]
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A run.

    Attributes:
        result: the sweep's metric, for the colour; None draws it in grey.
        chosen: whether a filter has left it; the others are drawn behind.
        run: its id on a page whose script finds it by that; "" elsewhere.
        letter: by which it is told apart; "" for most.
    """

    name: str
    result: float | None
    chosen: bool = True
    run: str = ""
    letter: str = ""


@dataclass(frozen=True)
class Against:
    """The drawing; how many chosen runs have a dot, and how many have no place in it.

    Attributes:
        told_at: gives the attributes of the mark at a `pixel`, "" where there is none.
    """

    svg: str
    drawn: int
    left_out: int
    told_at: Callable[[int, int], str]


def side(axis: Axis, ranked: Sequence[int]) -> Side:
    """The axis of a parameter, or of any other quantity.

    Args:
        ranked: numbers of the runs that have a dot, the worst first; runs of one listed value stand side by side.
    """
    layout = lay_out(axis, ranked)
    lanes = [((lane.low + lane.high) / 2, lane.label) for lane in layout.lanes]
    return Side(axis.name, layout.kind, layout.places, lanes or layout.ticks, axis.values)


def side_of_metric(name: str, values: Sequence[float | None], goal: str, axis: Scale | None = None) -> Side:
    """The axis of the sweep's metric; what is out of scale has no place.

    Args:
        values: of each run; at least one is `drawable`.
        goal: "maximize" or "minimize".
        axis: the same in all charts of a page; None for one that suits these values.
    """
    scale = axis or metric_scale([value for value in values if value is not None and drawable(value)], goal)
    places = [scale.at(value) if value is not None and scale.holds(value) else None for value in values]
    ticks = [(scale.at(tick), scale.said(tick)) for tick in scale.ticks]
    return Side(name, f"{'lower' if goal == 'minimize' else 'higher'} is better", places, ticks, values)


def against(
    across: Side, up: Side, runs: Sequence[Seen], goal: str, small: bool = False, name: str = ""
) -> Against | None:
    """Draws the runs that have a place on both sides; None if there is none.

    Args:
        goal: "maximize" or "minimize", of the result.
        small: as one of several, without words on its axes.
        name: of the drawing, for a script that asks whose one of many dots is.
    """
    height = SMALL_HEIGHT if small else HEIGHT
    area = Area(0, 1, UNIT, height)
    shown = [run for run in range(len(runs)) if across.places[run] is not None and up.places[run] is not None]
    if not shown:
        return None
    chosen = [run for run in shown if runs[run].chosen]
    spots = _Spots(area, across, up, runs, len(chosen) <= MOST_ANSWERS, name)
    behind = [run for run in shown if not runs[run].chosen]
    parts = [
        *_grid(up.ticks[:: max(len(up.ticks) - 1, 1)] if small else up.ticks, height),
        *_feet(across.ticks, height, SMALL_PX if small else LEAST_PX),
        stretched([dots(area, spots.points(behind), "context") if behind else "", *spots.strong(chosen, goal)], height),
        *spots.letters(shown),
        *([] if small else _names(across, up)),
    ]
    label = f"{up.name} against {across.name}: {format.counted(len(chosen), 'run')}"
    above, below = (8, 20) if small else (ROOM_ABOVE, ROOM_BELOW)
    body = f'<svg y="{above}" height="{height + below}" overflow="visible">{"".join(parts)}</svg>'
    svg = plot([body], above + height + below, label)
    left_out = sum(run.chosen for run in runs) - len(chosen)
    return Against(svg, len(chosen), left_out, partial(spots.told_at, chosen))


@dataclass(frozen=True)
class _Spots:
    area: Area
    across: Side
    up: Side
    runs: Sequence[Seen]
    answer: bool
    name: str

    def points(self, members: Sequence[int]) -> list[tuple[float, float]]:
        return [(self.across.places[run] or 0.0, self.up.places[run] or 0.0) for run in members]

    def strong(self, members: Sequence[int], goal: str) -> list[str]:
        """By colour, the best last; runs without a result first, in grey."""
        few = " few" if len(members) <= FEW else ""
        return [self._dots(group, f"{css}{few}") for css, group in self._by_colour(members, goal).items()]

    def letters(self, members: Sequence[int]) -> list[str]:
        """Beside the dots of the runs that have one."""
        lettered = [run for run in members if self.runs[run].letter]
        places = zip(lettered, self.points(lettered), strict=True)
        return beside([(x, self.area.y(y), self.runs[run].letter) for run, (x, y) in places], self.area.height)

    def _by_colour(self, members: Sequence[int], goal: str) -> dict[str, list[int]]:
        results = {run: value for run in members if (value := self.runs[run].result) is not None and drawable(value)}
        groups: dict[str, list[int]] = {"context": [run for run in members if run not in results]}
        if results:
            scale = metric_scale(list(results.values()), goal)
            ends_of = ends(scale, list(results.values()), goal)
            for run in sorted(results, key=results.__getitem__, reverse=goal == "minimize"):
                groups.setdefault(f"ramp-{colour(scale.at(results[run]), *ends_of)}", []).append(run)
        return {css: group for css, group in groups.items() if group}

    def _dots(self, members: Sequence[int], css: str) -> str:
        if not all(self.runs[run].run for run in members):
            return dots(self.area, self.points(members), css)
        if not self.answer:
            return crowd(self.area, self.points(members), css, self.name)
        return answering(self.area, self.points(members), [told(*self._said_of(run)) for run in members], css)

    def told_at(self, members: Sequence[int], x: int, y: int) -> str:
        places = zip(members, self.points(members), strict=True)
        return told_together([self._said_of(run) for run, place in places if pixel(self.area, *place) == (x, y)])

    def _said_of(self, run: int) -> tuple[str, list[tuple[str, str]], str]:
        values = [(each.name, format.parameter(each.values[run], DIGITS)) for each in (self.up, self.across)]
        return self.runs[run].name, values, self.runs[run].run


def _grid(ticks: Sequence[tuple[float, str]], height: int) -> list[str]:
    parts = []
    for place, label in ticks:
        y = f"{height * (1 - place):.1f}"
        parts.append(f'<line class="grid" x2="100%" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="y-label" x="-8" y="{y}" dy="0.35em">{escape(label)}</text>')
    return parts


def _feet(ticks: Sequence[tuple[float, str]], height: int, width_px: int) -> list[str]:
    """Hairlines and the labels under them, as many as have room in so narrow a drawing."""
    parts = [f'<line class="grid" x1="{at:.2%}" x2="{at:.2%}" y1="0" y2="{height}"/>' for at, _ in ticks]
    for place, label in roomy(ticks, width_px):
        anchor = "start" if place < 0.02 else "end" if place > 0.98 else "middle"
        parts.append(
            f'<text class="x-label" x="{place:.2%}" y="{height + 17}" text-anchor="{anchor}">{escape(label)}</text>'
        )
    return parts


def roomy(ticks: Sequence[tuple[float, str]], width_px: int) -> list[tuple[float, str]]:
    """The labels that do not overprint one another in so many pixels: every one, or every second, third and so on."""
    for every in range(1, len(ticks) + 1):
        kept = list(ticks[::every])
        widths = [LETTER_PX * len(label) for _, label in kept]
        gaps = [(kept[at + 1][0] - kept[at][0]) * width_px for at in range(len(kept) - 1)]
        if all(gap >= (widths[at] + widths[at + 1]) / 2 + LETTER_PX for at, gap in enumerate(gaps)):
            break
    return kept if ticks else []


def _names(across: Side, up: Side) -> list[str]:
    return [
        f'<text class="axis-name" x="0" y="-10">{escape(up.name)}<tspan class="axis-kind" dx="6">{_upward(up)}</tspan>'
        f"</text>",
        f'<text class="axis-name" x="100%" y="{HEIGHT + 36}" text-anchor="end">{escape(across.name)}'
        f'<tspan class="axis-kind" dx="6">{across.note}</tspan></text>',
    ]


def _upward(up: Side) -> str:
    return up.note.replace("→", "↑")
