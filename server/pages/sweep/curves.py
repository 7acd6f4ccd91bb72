"""Curves of a sweep's runs: all of them thin, a few strong, which are asked for or the best and some more."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Final

from charts import format
from charts.letter import LETTERS
from server.pages.compare.choice import MOST, toggled
from server.pages.compare.groups import members, shown_groups
from server.pages.curves.panels import Asked, Drawing, DrawnPanel, Mean, Shown
from server.pages.curves.series import Points, Reader
from server.pages.sweep.groups import group_url
from server.pages.sweep.search_space import rungs
from server.pages.sweep.table_query import STATE_FILTERS, TableQuery
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.pages.words.look import Look, cause, run_look, state_of
from server.pages.words.sent import read_object
from server.sampling import evenly
from server.store import sweep_queries
from server.store.page_queries import Attempt
from server.store.rows import Run
from server.store.table_queries import Of, Order, attempts
from terms import states

BEST_SHOWN: Final = 3
# Thin lines: of more runs than the first, only the second many are drawn.
MOST_LINES: Final = 200
FEWER_LINES: Final = 60
# Panels of other metrics that are drawn unasked.
PANELS: Final = 3
HEIGHT: Final = 196


@dataclass(frozen=True)
class DrawnRun:
    """A run whose curve is drawn, or a group: its letter, its last value, why it ended or of how many it is the mean.

    Attributes:
        id: W&B's; "" for a group, which has no look either.
        url: None where no filter can tell a group's runs.
    """

    id: str
    letter: str
    name: str
    url: str | None
    look: Look | None
    last: str
    why: str


@dataclass(frozen=True)
class SweepCurves:
    """The plot and its legend.

    Attributes:
        said: which runs are strong; "" where groups are drawn.
        chosen: whether the address names the runs; `usual_url` is without them.
    """

    panel: DrawnPanel
    runs: list[DrawnRun]
    rungs: str
    said: str
    chosen: bool
    usual_url: str


@dataclass(frozen=True)
class SweepDrawing:
    """The runs that are told apart, and with them all that are drawn."""

    strong: list[Attempt]
    drawing: Drawing


@dataclass(frozen=True)
class Ticks:
    """Which runs have a letter, and the addresses that choose one more or leave one out.

    Attributes:
        path, query: of the page.
        letters: by W&B's ids, in order.
    """

    path: str
    query: TableQuery
    letters: Mapping[str, str]

    def letter(self, run: Run) -> str:
        """ "" for a run that has none."""
        return self.letters.get(run.name, "")

    def url(self, run: Run) -> str:
        """One more takes a letter's place that nobody has chosen; of chosen ones the page refuses a sixth."""
        shown = tuple(self.letters)
        known = shown if self.query.runs or run.name in shown else shown[: MOST - 1]
        return replace(self.query, runs=toggled(known, run.name)).url(self.path)


def ticks(view: SweepView, strong: Sequence[Attempt]) -> Ticks:
    """Chosen runs have a letter in any case, the usual ones if any of them has logged something."""
    drawn = view.sweep.metric_name is not None and any(each.run.history_lines for each in strong)
    usual = dict(zip((each.run.name for each in strong), LETTERS, strict=False))
    return Ticks(view.path, view.query, view.letters or (usual if drawn else {}))


def strong_runs(view: SweepView) -> list[Attempt]:
    """The runs that are told apart: those that the address names; else the usual ones, unless groups are."""
    return [*view.lettered.values()] or ([] if view.groups else _usual(view))


def sweep_drawing(view: SweepView) -> SweepDrawing:
    """The runs whose curves are drawn, told apart ones first, or their groups, and how the address wants them."""
    strong = strong_runs(view)
    if view.groups and not strong:
        return SweepDrawing([], Drawing(Reader(view.connection), _asked_of_groups(view)))
    lettered = [Shown(each.run, "curve", letter) for each, letter in zip(strong, LETTERS, strict=False)]
    names = {each.run.name for each in strong}
    best = [Shown(view.best.run, "best")] if view.best and view.best.run.name not in names else []
    runs = [*lettered, *best, *_thin(view, names | {each.run.name for each in best})]
    return SweepDrawing(strong, Drawing(Reader(view.connection), _asked(view, runs)))


def _asked(view: SweepView, runs: Sequence[Shown]) -> Asked:
    return Asked(
        runs=runs,
        of=view.selection.count,
        first=view.sweep.metric_name,
        query=view.query.curves,
        url=lambda query: replace(view.query, curves=query).url(view.path),
        path=view.path,
        kept=view.query.pairs(),
        open=PANELS,
        sampled=", evenly by rank",
        without=frozenset(filter(None, [view.sweep.metric_name])),
    )


def _asked_of_groups(view: SweepView) -> Asked:
    def named(names: Sequence[str]) -> list[Run]:
        return sweep_queries.runs_named(view.connection, view.sweep.id, names)

    groups = shown_groups(view.groups, view.query.by, named)
    asked = replace(_asked(view, members(groups)), of=len(view.groups), sampled=", the best")
    return replace(asked, groups=groups, by_error=view.query.by_error)


def _thin(view: SweepView, but: Set[str]) -> list[Shown]:
    """The other chosen runs; of too many some, evenly by rank."""
    chosen = view.selection.runs
    found = sweep_queries.named_results(view.connection, view.sweep.id)
    left = [each for each in found if each[0] not in but and (chosen is None or each[0] in chosen)]
    left.sort(key=lambda each: _rank(view, each[1]))
    most = MOST_LINES if len(left) <= MOST_LINES else FEWER_LINES
    names = [left[place][0] for place in evenly(len(left), most)]
    return [Shown(run) for run in sweep_queries.runs_named(view.connection, view.sweep.id, names)]


def sweep_curves(view: SweepView, drawn: SweepDrawing) -> SweepCurves | None:
    """The curves of the sweep's metric.

    Returns:
        None for a sweep that names no metric, and if no such run has logged a value of it.
    """
    metric = view.sweep.metric_name
    if metric is None:
        return None
    compared_at = rungs(view.sweep.config)
    drawing = drawn.drawing
    panel = drawing.panel(metric, HEIGHT, compared_at, tuple(_needed(view).items()))
    if panel is None:
        return None
    shown = [each for each in drawing.asked.runs if each.letter]
    _, lines = drawing.lines(shown, metric)
    runs = [_line(view, each, points) for each, points in lines]
    if drawing.asked.groups:
        runs = [_of_group(view, mean) for mean in drawing.means(metric) if mean.group.letter]
    said = "" if drawing.asked.groups else f"{'the chosen runs' if view.lettered else 'the best runs'} strong"
    usual_url = replace(view.query, runs=()).url(view.path)
    return SweepCurves(panel, runs, _told(compared_at), said, bool(view.query.runs), usual_url)


def _usual(view: SweepView) -> list[Attempt]:
    """The best three of the chosen, the one stopped early last, and one that runs."""
    chosen = [brief for brief in view.briefs if view.selection.has(brief.run)]
    best = nsmallest(BEST_SHOWN, chosen, key=lambda brief: _rank(view, brief.metric))
    latest = {brief.state: brief for brief in chosen}
    others = [latest[state] for state in (states.STOPPED_EARLY, states.RUNNING) if state in latest]
    return _attempts(view, tuple(dict.fromkeys(brief.run for brief in (*best, *others))))


def _rank(view: SweepView, metric: float | None) -> float:
    """To sort by, the best first."""
    return math.inf if metric is None else -metric if view.sweep.goal == "maximize" else metric


def _attempts(view: SweepView, names: Sequence[str]) -> list[Attempt]:
    """Those of these runs that belong to the sweep, in this order."""
    all_states, of = STATE_FILTERS["all"], Of(view.sweep.id)
    found = attempts(view.connection, of, Order("run", True), all_states, len(names), 0, names=names) if names else []
    return sorted(found, key=lambda each: names.index(each.run.name))


def _line(view: SweepView, each: Shown, points: Points) -> DrawnRun:
    last = format.metric(points[-1][1] if points else None, view.decimals)
    url = run_url(view.project, each.run.name)
    return DrawnRun(each.run.name, each.letter, each.name, url, run_look(each.run), last, _why(each.run))


def _of_group(view: SweepView, mean: Mean) -> DrawnRun:
    group, last = mean.group, format.metric(mean.points[-1][1], view.decimals)
    url = group_url(view, view.groups[LETTERS.index(group.letter)])
    return DrawnRun("", group.letter, group.name, url, None, last, mean.said)


def _why(run: Run) -> str:
    """The reason of early termination, or the cause of a failure; "" for a run that has neither."""
    if state_of(run) == states.STOPPED_EARLY:
        return str(read_object(run.early_stop or "").get("reason") or run.cause or "")
    return cause(run) or ""


def _needed(view: SweepView) -> dict[int, float]:
    """By rung, what the last run that was stopped there would have needed."""
    decisions = map(read_object, sweep_queries.early_stops(view.connection, view.sweep.id))
    return {each["bracket"]: each["needed"] for each in decisions if "bracket" in each and "needed" in each}


def _told(rungs: tuple[int, ...]) -> str:
    if not rungs:
        return ""
    return f"Early termination compares runs at epoch{'s' if len(rungs) > 1 else ''} {', '.join(map(str, rungs[:6]))}."
