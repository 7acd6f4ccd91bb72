"""Results of two metrics against each other, those of the Pareto front marked; numbers grow up and to the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from charts import format
from charts.letter import beside
from charts.mark import told
from charts.plot import Area, answering, dots, grid, line, plot, stretched
from charts.scale import Scale, axis_of, drawable, metric_scale

HEIGHT: Final = 260
LABELS_HEIGHT: Final = 42
ROOM_ABOVE: Final = 22
# More marks than these cover one another, and each is a link.
MOST_MARKS: Final = 200
# How far beyond the usual end a run of the front may stand, in lengths of the axis; farther it would squash the others.
REACH: Final = 3
DIGITS: Final = 5


@dataclass(frozen=True)
class Quantity:
    """What an axis shows: a metric's name and its goal, "maximize" or "minimize"."""

    name: str
    goal: str


@dataclass(frozen=True)
class Spot:
    """A result.

    Attributes:
        name, url: of the run.
        run: W&B's id of it on a page whose script finds it by that; "" elsewhere.
        letter: by which it is told apart; "" for most.
        on_front: no other result is better in all metrics.
        chosen: whether a filter has left it; the others are drawn in grey.
    """

    x: float
    y: float
    name: str
    url: str
    on_front: bool = False
    chosen: bool = True
    run: str = ""
    letter: str = ""


@dataclass(frozen=True)
class Scatter:
    """The drawing, and how many chosen results are too far off for it."""

    svg: str
    out_of_scale: int

    @property
    def left_out(self) -> str:
        """The same in words, "" for none."""
        return f"Not drawn: ▽ {format.count(self.out_of_scale)} out of scale" if self.out_of_scale else ""


def scatter(
    spots: Sequence[Spot],
    across: Quantity,
    up: Quantity,
    joined: bool = True,
    whole: bool = False,
    axis: Scale | None = None,
) -> Scatter | None:
    """Draws the results; None where there is none to draw.

    Args:
        joined: by steps between those of the front, below and left of which all others lie: where there are no metrics
            but these two.
        whole: gives every result a place, however bad it is.
        axis: of the second quantity, the same in all charts of a page; None for one that suits these results.
    """
    known = [spot for spot in spots if drawable(spot.x) and drawable(spot.y)]
    if not known:
        return None
    best = [spot for spot in known if spot.on_front]
    x_scale = _scale([spot.x for spot in best], metric_scale([spot.x for spot in known], across.goal, whole))
    y_scale = _scale([spot.y for spot in best], axis or metric_scale([spot.y for spot in known], up.goal, whole))
    area = Area(x_scale.low, x_scale.high, y_scale, HEIGHT, across=x_scale)
    shown = [spot for spot in known if x_scale.holds(spot.x) and y_scale.holds(spot.y)]
    front = sorted((spot for spot in shown if spot.on_front), key=lambda spot: area.x(spot.x))
    parts = [*grid(area), *_across(area, x_scale), *_dots(area, shown, across, up)]
    if front and joined:
        parts.append(stretched([line(area, _steps(front, across), "front-line")], HEIGHT))
    lettered = [(area.x(spot.x), area.y(spot.y), spot.letter) for spot in shown if spot.letter]
    marks = [_mark(area, spot, across, up) for spot in front[:MOST_MARKS]]
    parts += [*marks, *beside(lettered, HEIGHT), *_names(across, up)]
    body = f'<svg y="{ROOM_ABOVE}" overflow="visible" height="{HEIGHT + LABELS_HEIGHT}">{"".join(parts)}</svg>'
    chosen = sum(spot.chosen for spot in shown)
    label = f"{up.name} against {across.name}: {format.counted(chosen, 'result')}, {len(front)} on the Pareto front"
    left_out = sum(spot.chosen for spot in known) - chosen
    return Scatter(plot([body], ROOM_ABOVE + HEIGHT + LABELS_HEIGHT, label, role="group"), left_out)


def _scale(best: Sequence[float], usual: Scale) -> Scale:
    """The usual axis, and on to those of the front that are not far beyond its end."""
    reach = REACH * (usual.high - usual.low)
    near = [value for value in best if usual.low - reach <= value <= usual.high + reach]
    return axis_of([usual.low, usual.high, *near], usual.log) if near else usual


def _better(quantity: Quantity) -> str:
    return f"{escape(quantity.name)}, {'lower' if quantity.goal == 'minimize' else 'higher'} is better"


def _dots(area: Area, shown: Sequence[Spot], across: Quantity, up: Quantity) -> list[str]:
    """All of them, those that a filter has left over the others; those of the front are marked besides."""
    behind = [(spot.x, spot.y) for spot in shown if not spot.chosen]
    chosen = [spot for spot in shown if spot.chosen and not spot.on_front]
    points = [(spot.x, spot.y) for spot in chosen]
    if len(points) <= MOST_MARKS and all(spot.run for spot in chosen):
        drawn = answering(area, points, [_told(spot, across, up) for spot in chosen], "ramp-2 few")
    else:
        drawn = dots(area, points, "ramp-2 few")
    return [stretched([dots(area, behind, "context") if behind else "", drawn if points else ""], HEIGHT)]


def _told(spot: Spot, across: Quantity, up: Quantity) -> str:
    values = [(each.name, format.parameter(value, DIGITS)) for each, value in ((up, spot.y), (across, spot.x))]
    return told(spot.name, values, spot.run)


def _steps(front: Sequence[Spot], across: Quantity) -> list[tuple[float, float]]:
    """Around what is worse than the front: with smaller values across being better, that lies on its right."""
    corners = [(front[0].x, front[0].y)]
    for spot in front[1:]:
        x, y = corners[-1]
        corners += [(spot.x, y) if across.goal == "minimize" else (x, spot.y), (spot.x, spot.y)]
    return corners


def _mark(area: Area, spot: Spot, across: Quantity, up: Quantity) -> str:
    values = f"{up.name} {format.parameter(spot.y, DIGITS)}, {across.name} {format.parameter(spot.x, DIGITS)}"
    said = escape(f"{spot.name}: {values}")
    place = f'cx="{area.x(spot.x):.2%}" cy="{area.y(spot.y):.1f}"'
    title = "" if spot.run else f"<title>{said}</title>"
    answer = _told(spot, across, up) if spot.run else ""
    circle = f'<circle class="front-mark" {place} r="5"{answer}/>'
    return f'<a href="{escape(spot.url)}" aria-label="{said}">{title}{circle}</a>'


def _across(area: Area, scale: Scale) -> list[str]:
    parts = []
    for tick in scale.ticks:
        x, label = f"{area.x(tick):.2%}", scale.said(tick)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{HEIGHT}"/>')
        parts.append(f'<text class="x-label" x="{x}" y="{HEIGHT + 18}" text-anchor="middle">{label}</text>')
    return parts


def _names(across: Quantity, up: Quantity) -> list[str]:
    return [
        f'<text class="axis-name" x="0" y="-10">{_better(up)}</text>',
        f'<text class="axis-name" x="100%" y="{HEIGHT + 36}" text-anchor="end">{_better(across)}</text>',
    ]
