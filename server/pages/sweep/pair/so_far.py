"""The best so far of two sweeps in one drawing, by runs or by time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from charts.best_so_far import improvements
from charts.line_panel import TIME, Line, Look, line_panel
from charts.scale import drawable
from server.pages.sweep.view import SweepView
from server.pages.words.facts import title_of
from server.store import sweep_queries

HEIGHT: Final = 196

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class SoFar:
    """A drawing of the sweeps that optimise one metric; `said` as "val_accuracy, higher is better"."""

    said: str
    svg: Markup


def so_far(views: Mapping[str, SweepView], by_time: bool) -> list[SoFar]:
    """One drawing where both optimise the same metric, else one each; none of a sweep without a result.

    Args:
        views: by their letters.
    """
    alike: dict[tuple[str, str], list[Line]] = {}
    for letter, view in views.items():
        if view.sweep.metric_name is not None and (points := _points(view, by_time)):
            line = Line(title_of(view.sweep), points, letter=letter, answers=True)
            alike.setdefault((view.sweep.metric_name, view.sweep.goal), []).append(line)
    return [_drawn(metric, goal, lines, by_time) for (metric, goal), lines in alike.items()]


def _drawn(metric: str, goal: str, lines: Sequence[Line], by_time: bool) -> SoFar:
    panel = line_panel(metric, lines, Look(TIME if by_time else "run", height=HEIGHT))
    said = f"{metric}, {'higher' if goal == 'maximize' else 'lower'} is better"
    return SoFar(said, Markup(panel.svg if panel else ""))


def _points(view: SweepView, by_time: bool) -> Points:
    """The corners of the step line of the best result, on to the last result; () without any."""
    first_s = view.first_start_s or 0.0
    placed = [
        (max(each.reached_at_s - first_s, 0.0) if by_time else float(each.number), each.metric)
        for each in sweep_queries.results(view.connection, view.sweep.id)
    ]
    valued = sorted((at, value) for at, value in placed if value is not None and drawable(value))
    best = improvements(valued, view.sweep.goal)
    if not best:
        return []
    corners = [corner for (_, before), (at, value) in pairwise(best) for corner in ((at, before), (at, value))]
    return [best[0], *corners, (valued[-1][0], best[-1][1])]
