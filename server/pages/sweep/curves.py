"""Learning curves of a few runs of a sweep: those that are asked for, else the best and what they are compared with."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from charts import format
from charts.learning_curves import LETTERS, LearningCurve, learning_curves
from server.pages.sweep.chosen import Selection
from server.pages.sweep.search_space import rungs
from server.pages.sweep.table_query import MOST_CURVES, STATE_FILTERS, TableQuery
from server.pages.words import history
from server.pages.words.addresses import run_url
from server.pages.words.look import Look, cause, run_look, state_of
from server.pages.words.values import read_object
from server.store import page_queries, queries, sweep_queries
from server.store.rows import Project, Run, Sweep
from server.store.sweep_queries import Order
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
    """The plot and its legend; `chosen` says whether the address names the runs, `usual_url` is without them."""

    svg: Markup
    runs: list[DrawnRun]
    rungs: str
    chosen: bool
    usual_url: str


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


def ticks(path: str, query: TableQuery, curves: SweepCurves | None) -> Ticks:
    return Ticks(path, query, {run.id: run.letter for run in curves.runs} if curves else {})


def sweep_curves(
    connection: sqlite3.Connection, sweep: Sweep, project: Project, path: str, query: TableQuery, selection: Selection
) -> SweepCurves | None:
    """Reads the history of the runs that it draws, and of no other.

    Returns:
        None for a sweep that names no metric, and if no such run has logged a value of it.
    """
    if sweep.metric_name is None:
        return None
    runs = _named(connection, sweep, query) or _usual(connection, sweep, selection)
    unit, curves = _curves(connection, runs, sweep.metric_name)
    compared_at = rungs(sweep.config)
    svg = learning_curves(sweep.metric_name, curves, unit, compared_at, _needed(connection, sweep))
    if not svg:
        return None
    decimals = format.metric_decimals(page_queries.best_values(connection, sweep))
    lines = [
        _line(run, project, letter, curve, decimals) for run, letter, curve in zip(runs, LETTERS, curves, strict=False)
    ]
    return SweepCurves(Markup(svg), lines, _told(compared_at), bool(query.runs), replace(query, runs=()).url(path))


def _named(connection: sqlite3.Connection, sweep: Sweep, query: TableQuery) -> list[Run]:
    """What the address names, as far as it belongs to the sweep."""
    found = (queries.run_of_sweep(connection, sweep.id, name) for name in query.runs)
    return [run for run in found if run is not None]


def _usual(connection: sqlite3.Connection, sweep: Sweep, selection: Selection) -> list[Run]:
    """The best three of the chosen, the one stopped early last, and one that runs."""
    asked = (
        (Order("metric", sweep.goal == "maximize"), STATE_FILTERS["all"], BEST_SHOWN),
        (Order("run", True), (states.STOPPED_EARLY,), 1),
        (Order("run", True), (states.RUNNING,), 1),
    )
    found: dict[str, Run] = {}
    for order, wanted, limit in asked:
        for attempt in sweep_queries.attempts(connection, sweep.id, order, wanted, limit, 0, names=selection.runs):
            found.setdefault(attempt.run.name, attempt.run)
    return list(found.values())


def _curves(connection: sqlite3.Connection, runs: list[Run], metric: str) -> tuple[str, list[LearningCurve]]:
    """By epoch if every run with a value has logged one beside it, else by W&B's step."""
    samples = [(run.display_name or run.name, history.sample(connection, run)) for run in runs]
    by_step = [LearningCurve(name, history.points_of(rows, history.STEP, metric)) for name, rows in samples]
    by_epoch = [LearningCurve(name, history.points_of(rows, history.EPOCH, metric)) for name, rows in samples]
    if all(epoch.points or not step.points for epoch, step in zip(by_epoch, by_step, strict=True)):
        return history.EPOCH, by_epoch
    return history.STEP.strip("_"), by_step


def _line(run: Run, project: Project, letter: str, curve: LearningCurve, decimals: int) -> DrawnRun:
    last = curve.points[-1][1] if curve.points else None
    url = run_url(project, run.name)
    return DrawnRun(run.name, letter, curve.name, url, run_look(run), format.metric(last, decimals), _why(run))


def _why(run: Run) -> str:
    """The reason of early termination, or the cause of a failure; "" for a run that has neither."""
    if state_of(run) == states.STOPPED_EARLY:
        return str(read_object(run.early_stop or "").get("reason") or run.cause or "")
    return cause(run) or ""


def _needed(connection: sqlite3.Connection, sweep: Sweep) -> dict[int, float]:
    """By rung, what the last run that was stopped there would have needed."""
    decisions = map(read_object, sweep_queries.early_stops(connection, sweep.id))
    return {each["bracket"]: each["needed"] for each in decisions if "bracket" in each and "needed" in each}


def _told(rungs: tuple[int, ...]) -> str:
    if not rungs:
        return ""
    return f"Early termination compares runs at epoch{'s' if len(rungs) > 1 else ''} {', '.join(map(str, rungs[:6]))}."
