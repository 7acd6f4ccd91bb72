"""What pages draw of the data that programs log: lines, points, bars, counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from charts import format
from charts.histogram import histogram, of_values
from charts.letter import LETTERS
from charts.line_panel import Line, Look, line_panel
from charts.points import points_panel
from charts.value_bars import value_bars
from server.run_values import number
from server.sampling import evenly

MOST_POINTS: Final = 500
MOST_LINES: Final = 60
MOST_BARS: Final = 50
MOST_CLASSES: Final = 40
# Backgrounds of a matrix' cells, from none to the strongest; the middle, on which no text is read well, is left out.
HEATS: Final = 6

Point = tuple[float, float]


@dataclass(frozen=True)
class Matrix:
    """Counts of what was (a row each) by what was said to be (a column each); a cell is its text and strength."""

    names: list[str]
    rows: list[tuple[str, list[tuple[str, int]]]]


@dataclass(frozen=True)
class Drawn:
    """A drawing.

    Attributes:
        said: what to know of it.
        legend: (class, name) of its lines: their letters are those of runs, so they are told apart by colour and dash.
    """

    svg: Markup | None = None
    said: str = ""
    legend: list[tuple[str, str]] = field(default_factory=list)
    matrix: Matrix | None = None


def lines(series: Mapping[str, Sequence[Point]], x: str, y: str) -> Drawn | None:
    """Curves by name, of which up to five are told apart; None if nothing can be drawn."""
    kept = dict(list(series.items())[:MOST_LINES])
    drawn = [
        Line(name, [points[at] for at in evenly(len(points), MOST_POINTS)], _css(place, len(kept)), answers=True)
        for place, (name, points) in enumerate(kept.items())
    ]
    panel = line_panel(y, drawn, Look(x or "x"))
    if panel is None:
        return None
    legend = [(each.css, each.name) for each in drawn] if 1 < len(kept) <= len(LETTERS) else []
    some = f"{len(kept)} of {format.counted(len(series), 'line')}" if len(kept) < len(series) else ""
    return Drawn(Markup(panel.svg), _joined(_against(y, x), some), legend)


def _css(place: int, of: int) -> str:
    """The class of one of several lines."""
    return "thin" if of > len(LETTERS) else "curve" if of == 1 else f"curve tick-{LETTERS[place].lower()}"


def points(found: Sequence[Point], x: str, y: str) -> Drawn | None:
    svg = points_panel(found, x, y)
    return Drawn(Markup(svg), _against(y, x)) if svg else None


def bars(rows: Sequence[tuple[str, float]], x: str, y: str) -> Drawn | None:
    svg = value_bars(rows[:MOST_BARS])
    some = f"the first {MOST_BARS} of {format.count(len(rows))}" if len(rows) > MOST_BARS else ""
    return Drawn(Markup(svg), _joined(f"{y} by {x}" if x and y else "", some)) if svg else None


def distribution(values: Sequence[float], name: str) -> Drawn | None:
    found = of_values(values)
    return Drawn(Markup(histogram(found, name)), f"{format.counted(len(values), 'value')} of {name}") if found else None


def matrix(counts: Mapping[tuple[str, str], float], names: Sequence[str]) -> Drawn | None:
    """A confusion matrix.

    Args:
        counts: by (what was, what was said to be).
    """
    if not names or len(names) > MOST_CLASSES:
        return None
    rows = [(was, [_cell(counts, was, said, names) for said in names]) for was in names]
    return Drawn(said="actual in rows, predicted in columns", matrix=Matrix(list(names), rows))


def _cell(counts: Mapping[tuple[str, str], float], was: str, said: str, names: Sequence[str]) -> tuple[str, int]:
    """As strong as its share of what was so."""
    count, of = counts.get((was, said), 0.0), sum(counts.get((was, each), 0.0) for each in names)
    heat = round(min(max(count / of, 0.0), 1.0) * HEATS) if of > 0 else 0
    return format.parameter(int(count) if count.is_integer() else count, 4), heat


def numbers(values: Iterable[Any]) -> list[float]:
    return [found for value in values if (found := number(value)) is not None]


def pairs(xs: Iterable[Any], ys: Iterable[Any]) -> list[Point]:
    """The points of two columns, where both have a number."""
    told = ((number(x), number(y)) for x, y in zip(xs, ys, strict=False))
    return [(x, y) for x, y in told if x is not None and y is not None]


def _against(y: str, x: str) -> str:
    return f"{y} against {x}" if x and y else ""


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
