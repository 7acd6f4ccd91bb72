"""A metric over the epochs of a few runs, told apart by letter, dash and colour, with their names beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from charts import format
from charts.letter import LETTERS
from charts.line_panel import Line, Look, line_panel

HEIGHT = 196

Point = tuple[float, float]


@dataclass(frozen=True)
class LearningCurve:
    """A run's name and its values: (epoch or step, value), x growing."""

    name: str
    points: Sequence[Point]


def learning_curves(metric: str, curves: Sequence[LearningCurve], unit: str, rungs: Sequence[int] = ()) -> str:
    """Draws up to five runs.

    Args:
        metric: its name, for who cannot see the plot.
        curves: values that are not finite are left out.
        unit: of the horizontal axis, "epoch" or "step".
        rungs: where early termination compared runs, drawn as upright lines.

    Returns:
        SVG as wide as its place, with room for labels at both sides; "" if nothing can be drawn.
    """
    lettered = zip(LETTERS, curves, strict=False)
    lines = [Line(curve.name, curve.points, letter=letter) for letter, curve in lettered]
    panel = line_panel(metric, lines, Look(unit, height=HEIGHT), rungs)
    return panel.svg if panel else ""


def legend(curves: Sequence[LearningCurve], decimals: int) -> str:
    """The letters with their runs and last values, as an HTML list."""
    rows = (
        f'<li><b class="letter tick-{letter.lower()}">{letter}</b> <span>{escape(curve.name)}</span> '
        f"{format.metric(curve.points[-1][1] if curve.points else None, decimals)}</li>"
        for letter, curve in zip(LETTERS, curves, strict=False)
    )
    return f'<ol class="letters">{"".join(rows)}</ol>'
