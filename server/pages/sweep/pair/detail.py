"""The page of two sweeps: how far each is, what it searches, its best so far, what mattered; or the choice of two."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from charts import format
from charts.letter import LETTERS
from server.pages.compare.runs import Compared, Head
from server.pages.rendering import Crumb, Page
from server.pages.sweep.pair.asked import MOST, PairQuery, Placed
from server.pages.sweep.pair.facts import facts
from server.pages.sweep.pair.so_far import so_far
from server.pages.sweep.plots import Mattered, has_plots, what_mattered
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import COMPARE, run_url, sweep_place
from server.pages.words.facts import Segment, kind_of, title_of
from server.pages.words.look import Look, sweep_look
from server.store import list_queries, queries
from terms import states

REFRESH_S: Final = 5
OFFERED: Final = 50


@dataclass(frozen=True)
class OfOne:
    """What the template is told of each sweep: `best` is None before its first result."""

    letter: str
    title: str
    url: str
    look: Look
    best: str | None
    run: str
    run_url: str
    mattered: Mattered | None


@dataclass(frozen=True)
class Offer:
    """A sweep that can be chosen, and the address that chooses it, or no longer."""

    name: str
    id: str
    project: str
    kind: str
    look: Look
    url: str
    chosen: bool


def sweep_pair(views: Sequence[SweepView], query: PairQuery) -> Page:
    """The page of two sweeps."""
    lettered = dict(zip(LETTERS, views, strict=False))
    heads = [
        Head(view.sweep.name, letter, title_of(view.sweep), view.path, sweep_look(view.sweep))
        for letter, view in lettered.items()
    ]
    values = {
        "sweeps": [_of_one(letter, view) for letter, view in lettered.items()],
        "compared": Compared(heads, facts(views), COMPARE),
        "so_far": so_far(lettered, query.by_time),
        "by": _by(query),
        "others": PairQuery(query.places[:1]).url,
    }
    title = " and ".join(head.name for head in heads)
    crumbs = (Crumb("Sweeps", "/"), Crumb("Compare", COMPARE), Crumb(title))
    over = all(view.over for view in views)
    return Page("two_sweeps.html", title, values, crumbs, None if over else REFRESH_S)


def choose_sweeps(connection: sqlite3.Connection, chosen: Sequence[Placed], query: PairQuery) -> Page:
    """The page that asks for two sweeps, where the address names fewer or more."""
    projects = {project.id: project for project in queries.projects(connection)}
    newest = list_queries.sweeps_in(connection, list_queries.Wanted(), states.SWEEP_STATES, OFFERED)
    others = [(projects[sweep.project_id], sweep) for sweep in newest if sweep not in [each for _, each in chosen]]
    near = {project.id for project, _ in chosen}
    others.sort(key=lambda placed: placed[0].id not in near)
    values = {
        "said": _said(len(chosen)),
        "chosen": [_offer(placed, query) for placed in chosen],
        "others": [_offer(placed, query) for placed in others],
    }
    return Page("choose_sweeps.html", "Compare sweeps", values, (Crumb("Sweeps", "/"), Crumb("Compare")))


def _said(chosen: int) -> str:
    if chosen > MOST:
        return f"Two sweeps are compared; {format.count(chosen)} are chosen. Leave out {format.count(chosen - MOST)}."
    return "Choose one more." if chosen else "Choose two."


def _offer(placed: Placed, query: PairQuery) -> Offer:
    project, sweep = placed
    place = sweep_place(project, sweep)
    chosen = place in query.places
    left = tuple(each for each in query.places if each != place)
    url = PairQuery(left if chosen else (*query.places, place)).url
    where = f"{project.entity}/{project.name}"
    return Offer(title_of(sweep), sweep.name, where, kind_of(sweep), sweep_look(sweep), url, chosen)


def _of_one(letter: str, view: SweepView) -> OfOne:
    best = view.best.run if view.best else None
    return OfOne(
        letter=letter,
        title=title_of(view.sweep),
        url=view.path,
        look=sweep_look(view.sweep),
        best=format.metric(best.metric, view.decimals) if best else None,
        run=(best.display_name or best.name) if best else "",
        run_url=run_url(view.project, best.name) if best else "",
        mattered=what_mattered(view) if has_plots(view) else None,
    )


def _by(query: PairQuery) -> list[Segment]:
    by: Mapping[str, bool] = {"Runs": False, "Time": True}
    return [Segment(text, PairQuery(query.places, time).url, time == query.by_time) for text, time in by.items()]
