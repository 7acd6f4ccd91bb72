"""Learning curves of a few runs of a sweep: those that are asked for, else the best and what they are compared with."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from charts import format
from charts.learning_curves import LETTERS, LearningCurve, learning_curves
from server.pages.sweep.search_space import rungs
from server.pages.sweep.table_query import MOST_CURVES, STATE_FILTERS, TableQuery
from server.pages.sweep.view import SweepView
from server.pages.words import history
from server.pages.words.addresses import run_url
from server.pages.words.look import Look, cause, run_look, state_of
from server.pages.words.sent import read_object
from server.store import sweep_queries
from server.store.page_queries import Attempt
from server.store.rows import Run
from server.store.table_queries import Of, Order, attempts
from terms import states

BEST_SHOWN: Final = 3


@dataclass(frozen=True)
class DrawnRun:
    """A run whose curve is drawn: its letter, its last value, and why it ended, if not by itself."""

    id: str
    letter: str
    name: str
    url: str
    look: Look
    last: str
    why: str


@dataclass(frozen=True)
class SweepCurves:
    """The plot and its legend; `chosen` says whether the address names the runs, `usual_url` is without them.

    Attributes:
        drawn: the runs themselves, in the order of their letters.
    """

    svg: Markup
    runs: list[DrawnRun]
    rungs: str
    chosen: bool
    usual_url: str
    drawn: list[Attempt]


@dataclass(frozen=True)
class Ticks:
    """Which runs have a curve, and the addresses that draw one more or leave one out.

    Attributes:
        path, query: of the page.
        letters: of the drawn runs, by W&B's ids, in order.
    """

    path: str
    query: TableQuery
    letters: Mapping[str, str]

    def letter(self, run: Run) -> str:
        """ "" for a run whose curve is not drawn."""
        return self.letters.get(run.name, "")

    def url(self, run: Run) -> str | None:
        """One more takes the last letter's place if there is no other; None where there is nothing to draw."""
        if run.name in self.letters:
            runs = tuple(name for name in self.letters if name != run.name)
        elif self.letters and run.history_lines:
            runs = (*tuple(self.letters)[: MOST_CURVES - 1], run.name)
        else:
            return None
        return replace(self.query, runs=runs).url(self.path)


def ticks(view: SweepView, curves: SweepCurves | None) -> Ticks:
    return Ticks(view.path, view.query, {run.id: run.letter for run in curves.runs} if curves else {})


def sweep_curves(view: SweepView) -> SweepCurves | None:
    """Reads the history of the runs that it draws, and of no other.

    Returns:
        None for a sweep that names no metric, and if no such run has logged a value of it.
    """
    metric = view.sweep.metric_name
    if metric is None:
        return None
    drawn = _named(view) or _usual(view)
    unit, curves = _curves(view.connection, [each.run for each in drawn], metric)
    compared_at = rungs(view.sweep.config)
    svg = learning_curves(metric, curves, unit, compared_at, _needed(view))
    if not svg:
        return None
    lettered = zip(drawn, LETTERS, curves, strict=False)
    runs = [_line(view, each.run, letter, curve) for each, letter, curve in lettered]
    usual_url = replace(view.query, runs=()).url(view.path)
    return SweepCurves(Markup(svg), runs, _told(compared_at), bool(view.query.runs), usual_url, drawn)


def _named(view: SweepView) -> list[Attempt]:
    """What the address names, as far as it belongs to the sweep."""
    names = view.query.runs
    found = _attempts(view, Order("run", True), STATE_FILTERS["all"], len(names), names) if names else []
    return sorted(found, key=lambda each: names.index(each.run.name))


def _usual(view: SweepView) -> list[Attempt]:
    """The best three of the chosen, the one stopped early last, and one that runs."""
    asked = (
        (Order("metric", view.sweep.goal == "maximize"), STATE_FILTERS["all"], BEST_SHOWN),
        (Order("run", True), (states.STOPPED_EARLY,), 1),
        (Order("run", True), (states.RUNNING,), 1),
    )
    found: dict[str, Attempt] = {}
    for order, wanted, most in asked:
        for attempt in _attempts(view, order, wanted, most, view.selection.runs):
            found.setdefault(attempt.run.name, attempt)
    return list(found.values())


def _attempts(
    view: SweepView, order: Order, wanted: Iterable[str], most: int, names: Iterable[str] | None
) -> list[Attempt]:
    return attempts(view.connection, Of(view.sweep.id), order, wanted, most, 0, names=names)


def _curves(connection: sqlite3.Connection, runs: list[Run], metric: str) -> tuple[str, list[LearningCurve]]:
    """By epoch if every run with a value has logged one beside it, else by W&B's step."""
    samples = [(run.display_name or run.name, history.sample(connection, run)) for run in runs]
    by_step = [LearningCurve(name, history.points_of(rows, history.STEP, metric)) for name, rows in samples]
    by_epoch = [LearningCurve(name, history.points_of(rows, history.EPOCH, metric)) for name, rows in samples]
    if all(epoch.points or not step.points for epoch, step in zip(by_epoch, by_step, strict=True)):
        return history.EPOCH, by_epoch
    return history.STEP.strip("_"), by_step


def _line(view: SweepView, run: Run, letter: str, curve: LearningCurve) -> DrawnRun:
    last = curve.points[-1][1] if curve.points else None
    url = run_url(view.project, run.name)
    return DrawnRun(run.name, letter, curve.name, url, run_look(run), format.metric(last, view.decimals), _why(run))


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
