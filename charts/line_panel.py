"""A metric of many runs: thin lines, and over them the strong ones of those that are told apart by letter and dash."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from charts import format
from charts.clock import elapsed, time_ticks
from charts.letter import LETTERS, beside
from charts.plot import Area, fitting, grid, plot
from charts.scale import axis_of, drawable, scale, whole_ticks, worst_shown

RUNGS_HEIGHT: Final = 24
TOP: Final = 8
LABELS_HEIGHT: Final = 26
MAX_DOTS: Final = 40
TICK_ROOM: Final = 45
# The ends of the space that lines are drawn in: fine enough that a script can read values off their paths.
UNITS: Final = 10_000
TIME: Final = "time"
X_NAME_LENGTH: Final = 16
LETTER_ROOM_PX: Final = 16

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A run and its values: (x, value), x growing; what is no number leaves a gap.

    Attributes:
        css: "thin", "best", "curve", or "curve-other" for what another is compared with.
        letter: of a strong line; "" for others.
        run: its id on a page whose script finds it by that; "" elsewhere.
        answers: whether it tells its values to a script, though it is of no run.
        band: (x, low, high), x growing: how far what it is the mean of lies apart.
    """

    name: str
    points: Sequence[Point]
    css: str = "curve"
    letter: str = ""
    run: str = ""
    answers: bool = False
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class Look:
    """How a panel is drawn.

    Attributes:
        x: name of the horizontal axis; `TIME` for one of seconds.
        log: whether the vertical axis is logarithmic; None leaves that to the values.
        height: of the lines' space, in CSS pixels.
    """

    x: str
    log: bool | None = None
    height: int = 160


@dataclass(frozen=True)
class Panel:
    """The drawing; how many runs leave its scale, and whether that is logarithmic."""

    svg: str
    out_of_scale: int
    log: bool


def line_panel(
    metric: str,
    lines: Sequence[Line],
    look: Look,
    rungs: Sequence[int] = (),
    needed: Mapping[int, float] | None = None,
) -> Panel | None:
    """Draws a metric's lines, the first one on top.

    Args:
        metric: its name, for who cannot see the plot.
        rungs: where early termination compared runs, drawn as upright lines.
        needed: the value that a run needed at a rung to go on, where it is known.

    Returns:
        SVG as wide as its place, with room for labels at both sides; None if nothing can be drawn.
    """
    kept = [(line, [point for point in line.points if all(map(drawable, point))]) for line in lines]
    kept = [(line, points) for line, points in kept if points]
    if not kept:
        return None
    area = _area([*(points for _, points in kept), *_edges([line for line, _ in kept])], look)
    drawn = [_Drawn(area, line, points, look) for line, points in kept]
    top = RUNGS_HEIGHT if rungs else TOP
    parts = [
        f'<svg y="{top}" height="{look.height}" overflow="visible">',
        *grid(area),
        *_rungs(area, [rung for rung in rungs if area.first <= rung <= area.last]),
        _space(area, look, drawn),
        *_needed(area, needed or {}, drawn),
        *_letters(area, drawn),
        "</svg>",
        *_x_labels(area, look, [points for _, points in kept], top + look.height + LABELS_HEIGHT - 6),
    ]
    out = sum(any(not area.scale.holds(y) for _, y in each.points) for each in drawn)
    svg = plot(parts, top + look.height + LABELS_HEIGHT, _label(metric, drawn, look), "group")
    return Panel(svg, out, area.scale.log)


def _label(metric: str, drawn: Sequence["_Drawn"], look: Look) -> str:
    """What the drawing shows, of up to five runs with their names."""
    strong = [each for each in drawn if each.line.css != "thin"] or drawn
    if len(strong) == 1:
        only = strong[0]
        first, last = (only.area.scale.said(value, 2) for _, value in (only.points[0], only.last))
        return f"{metric} by {look.x} of {only.line.name}: {first} at first, {last} at last"
    names = ", ".join(each.line.name for each in strong[: len(LETTERS)])
    more = len(drawn) - min(len(strong), len(LETTERS))
    others = f" and {format.counted(more, 'other run')}" if more else ""
    return f"{metric} by {look.x} of {names}{others}"


@dataclass(frozen=True)
class _Drawn:
    area: Area
    line: Line
    points: Sequence[Point]
    look: Look

    @property
    def last(self) -> Point:
        return self.points[-1]

    @property
    def css(self) -> str:
        letter = f" tick-{self.line.letter.lower()}" if self.line.letter else ""
        return f"{self.line.css}{letter}"

    def svg(self) -> str:
        parts = [part for part in self._parts() if part]
        path = "".join(map(self._path, parts))
        marks = f'<path class="{self._dots_css()}" d="{"".join(map(self._dots, parts))}"/>' if self._dotted() else ""
        return f'<path class="{self.css}"{self._told()} d="{path}"/>{marks}'

    def _dots_css(self) -> str:
        letter = f" tick-{self.line.letter.lower()}" if self.line.letter else ""
        return f"dots curve-dots{letter}"

    def _dotted(self) -> bool:
        return self.line.css not in ("thin", "curve-other") and len(self.points) <= MAX_DOTS

    def _told(self) -> str:
        if not (self.line.run or self.line.answers):
            return ""
        tip = f"{self.line.name}\n{self.area.scale.said(self.last[1], 2)} at {x_text(self.look.x, self.last[0])}"
        run = f' data-run="{escape(self.line.run)}"' if self.line.run else ""
        return f'{run} data-tip="{escape(tip)}"'

    def _parts(self) -> Iterable[list[tuple[int, int]]]:
        """The stretches between what is no number or out of scale, in units."""
        part: list[tuple[int, int]] = []
        for x, y in self.line.points:
            if drawable(y) and drawable(x) and self.area.scale.holds(y):
                part.append((round(self.area.x(x) * UNITS), round((1 - self.area.scale.at(y)) * UNITS)))
            else:
                yield part
                part = []
        yield part

    def _path(self, places: Sequence[tuple[int, int]]) -> str:
        """From the first place on by steps, which take fewer letters; a single place is a line of no length."""
        (x, y), *others = places
        steps = [f"M{x} {y}"]
        for next_x, next_y in others or [(x, y)]:
            dx, dy = next_x - x, next_y - y
            steps.append(f"l{dx}{dy}" if dy < 0 else f"l{dx} {dy}")
            x, y = next_x, next_y
        return "".join(steps)

    def _dots(self, places: Sequence[tuple[int, int]]) -> str:
        return "".join(f"M{x} {y}h0" for x, y in places)


def x_text(name: str, value: float) -> str:
    """A place of the horizontal axis in words: epoch 12, 3 m 20 s."""
    if name == TIME:
        return format.duration(value)
    return f"{name} {format.count(int(value)) if float(value).is_integer() else format.parameter(value, 4)}"


def _area(lines: Sequence[Sequence[Point]], look: Look) -> Area:
    places = [x for points in lines for x, _ in points]
    low, high = _ends(lines)
    values = [y for points in lines for _, y in points if low <= y <= high]
    return Area(min(places), max(places), axis_of(values, look.log, look.height // TICK_ROOM), look.height)


def _ends(lines: Sequence[Sequence[Point]]) -> tuple[float, float]:
    """The lowest and the highest value that are shown; the few lines that go far away do not squash the others.

    By the lines' ends and not by all values: how a curve begins is much the same in all of them.
    """
    lows, highs = [min(y for _, y in points) for points in lines], [max(y for _, y in points) for points in lines]
    return worst_shown(lows, "maximize"), worst_shown(highs, "minimize")


def _space(area: Area, look: Look, drawn: Sequence[_Drawn]) -> str:
    """All lines, and what a script needs to read their values off them."""
    ends = f'data-x="{area.first:.12g} {area.last:.12g}" data-x-name="{escape(look.x)}"'
    log = ' data-log=""' if area.scale.log else ""
    values = f'data-y="{area.scale.low:.12g} {area.scale.high:.12g}"{log}'
    head = (
        f'<svg width="100%" height="{area.height}" viewBox="0 0 {UNITS} {UNITS}" '
        f'preserveAspectRatio="none" {ends} {values}>'
    )
    bands = "".join(_band(area, each.line) for each in reversed(drawn) if each.line.band)
    return f"{head}{bands}{''.join(each.svg() for each in reversed(drawn))}</svg>"


def _edges(lines: Iterable[Line]) -> list[list[Point]]:
    """The lower and the upper edge of each band, for the axis to hold them."""
    sides = [[(x, low) for x, low, _ in line.band] for line in lines if line.band]
    return [*sides, *([(x, high) for x, _, high in line.band] for line in lines if line.band)]


def _band(area: Area, line: Line) -> str:
    """From the left along its upper edge, and back along the lower one; what is out of scale ends at the plot's."""
    upper, lower = [(x, high) for x, _, high in line.band], [(x, low) for x, low, _ in line.band]
    places = [
        f"{round(area.x(x) * UNITS)} {round((1 - min(max(area.scale.at(y), 0.0), 1.0)) * UNITS)}"
        for x, y in [*upper, *reversed(lower)]
        if drawable(x) and drawable(y)
    ]
    return f'<path class="band tick-{line.letter.lower()}" d="M{"L".join(places)}Z"/>' if places else ""


def _rungs(area: Area, rungs: Sequence[int]) -> list[str]:
    parts = []
    for number, rung in enumerate(rungs, start=1):
        x = f"{area.x(rung):.2%}"
        anchor = "end" if area.x(rung) > 0.9 else "start" if area.x(rung) < 0.1 else "middle"
        parts.append(f'<line class="rung" x1="{x}" x2="{x}" y1="-6" y2="{area.height}"/>')
        parts.append(f'<text class="rung-label" x="{x}" y="-11" text-anchor="{anchor}">rung {number}</text>')
    return parts


def _needed(area: Area, needed: Mapping[int, float], drawn: Sequence[_Drawn]) -> list[str]:
    """A short bar across each rung, with the value, on the side that has room for it: a line's letter wants some."""
    parts, ends = [], _letter_places(area, drawn)
    for rung, value in needed.items():
        if not (area.first <= rung <= area.last and area.scale.holds(value)):
            continue
        x, y = f"{area.x(rung):.2%}", area.y(value)
        parts.append(f'<rect class="needed" x="{x}" y="{y - 1:.1f}" width="14" height="2" transform="translate(-7)"/>')
        beside_letter = any(abs(at - area.x(rung)) < 0.03 and abs(up - y) < LETTER_ROOM_PX for at, up, _ in ends)
        leftwards = area.x(rung) > 0.6 or (beside_letter and area.x(rung) > 0.2)
        side = ' dx="-11" text-anchor="end"' if leftwards else ' dx="11"'
        text = f"{area.scale.said(value, 1)} needed"
        parts.append(f'<text class="plate rung-label" x="{x}"{side} y="{y:.1f}" dy="0.35em">{text}</text>')
    return parts


def _letters(area: Area, drawn: Sequence[_Drawn]) -> list[str]:
    """Beside the ends of the lines that have one."""
    return beside(_letter_places(area, drawn), area.height)


def _letter_places(area: Area, drawn: Sequence[_Drawn]) -> list[tuple[float, float, str]]:
    """Where the lines end that have a letter."""
    return [
        (area.x(each.last[0]), area.y(min(max(each.last[1], area.scale.low), area.scale.high)), each.line.letter)
        for each in drawn
        if each.line.letter
    ]


def _x_labels(area: Area, look: Look, lines: Sequence[Sequence[Point]], y: int) -> list[str]:
    if look.x == TIME:
        found = [(area.x(tick), elapsed(tick)) for tick in time_ticks(area.last) if tick >= area.first]
    elif all(float(x).is_integer() for points in lines for x, _ in points):
        found = [(area.x(tick), format.count(tick)) for tick in whole_ticks(int(area.first), int(area.last))]
        found[-1] = (found[-1][0], _named(look.x, found[-1][1]))
    else:
        axis = scale(area.first, area.last)
        found = [(area.x(tick), axis.said(tick)) for tick in axis.ticks if area.first <= tick <= area.last]
        found[-1:] = [(place, _named(look.x, text)) for place, text in found[-1:]]
    return fitting(found, y)


def _named(name: str, text: str) -> str:
    short = name.rpartition("/")[2]
    return f"{short if len(short) <= X_NAME_LENGTH else f'{short[: X_NAME_LENGTH - 1]}…'} {text}"
