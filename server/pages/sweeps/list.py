"""The list of sweeps, of one project or of all, and the runs that belong to none."""

import shlex
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from charts import format
from charts.progress_bar import progress_bar
from charts.steps import steps
from server.keys import API_KEY_FILE
from server.pages.door.buttons import RESUME, Button, retry_button, sweep_buttons
from server.pages.rendering import Crumb, Page
from server.pages.sweeps.finder import Finder, finder, heads
from server.pages.sweeps.list_query import SHOWN, ListQuery
from server.pages.sweeps.project_runs import ProjectRuns, project_runs
from server.pages.sweeps.runs_view import RunsView
from server.pages.table.columns import Column
from server.pages.words.addresses import COMPARE, artifacts_url, project_url, run_url, sweep_place
from server.pages.words.facts import (
    Count,
    Segment,
    counts,
    kind_of,
    kinds,
    of_expected,
    project_title,
    stop_reason,
    title_of,
)
from server.pages.words.look import KIND_LOOKS, SWEEP_LOOKS, Look, cause, run_look, stopped_itself, sweep_look
from server.pages.words.notes import rendered
from server.pages.words.outlook import outlook
from server.pages.words.paging import pages
from server.pages.words.standing import Standing
from server.pages.words.times import Moment, Now
from server.settings import Settings
from server.store import artifact_page_queries, list_queries, page_queries, queries
from server.store.rows import Project, Run, Sweep
from terms import states

PER_PAGE: Final = 50
LOOSE_RUNS: Final = 50
REFRESH_S: Final = 5
# A sweep that stopped itself stands above all others for so long; its row says why for ever.
NOTICES: Final = 3
NOTICED_S: Final = 7 * 24 * 3600
REASON_LENGTH: Final = 300


@dataclass(frozen=True)
class SweepRow:
    """A sweep in the list; see the template for what stands where.

    Attributes:
        id: beside a name that others have too; None for one of its own.
        place: as an address that compares it names it.
        project: None on the project's own page.
        reason: why it stopped itself, unless noticed.
    """

    name: str
    url: str
    id: str | None
    place: str
    project: str | None
    project_url: str
    by: str | None
    kind: str
    look: Look
    detail: str
    reason: str | None
    bar: Markup
    settled: str
    counts: Iterable[Count]
    best: str | None
    metric: str | None
    goal: str
    so_far: Markup
    alive: int
    created: Moment
    buttons: list[Button]


@dataclass(frozen=True)
class Notice:
    """A sweep that stopped itself and waits for somebody; `left` as "21 of 24 runs were not started"."""

    name: str
    url: str
    reason: str
    left: str
    buttons: list[Button]


@dataclass(frozen=True)
class LooseRun:
    """A run without a sweep."""

    name: str
    url: str
    project: str
    by: str | None
    project_url: str
    look: Look
    cause: str | None
    created: Moment


@dataclass(frozen=True)
class ListPage:
    """What the template is given; `loose` are the newest of `loose_count` runs without a sweep.

    Attributes:
        has_sweeps: whether there is one, whatever is asked.
        runs: a project's, with what its address asks of them; None for all projects together.
        artifacts: how many a project has and where they are listed; None for none, and for all projects together.
    """

    title: str
    facts: str
    artifacts: tuple[str, str] | None
    notes: Markup | None
    edit_url: str | None
    notices: list[Notice]
    segments: list[Segment]
    has_sweeps: bool
    finder: Finder
    heads: dict[str, Column]
    sweeps: list[SweepRow]
    compare_path: str
    pages: list[Segment]
    runs: ProjectRuns | None
    loose: list[LooseRun]
    loose_count: int
    kinds: Iterable[Look]
    states: dict[str, str]
    data: str
    data_size: str


def sweep_list(connection: sqlite3.Connection, query: ListQuery, settings: Settings, base_url: str, now: Now) -> Page:
    """Builds the page.

    Args:
        base_url: of this server, as the reader's client would name it; for the commands of the empty page.
    """
    project_id = query.project.id if query.project else None
    by_state = list_queries.sweep_states(connection, project_id)
    loose = list_queries.loose_run_count(connection, project_id)
    crumbs = (Crumb("Sweeps", "/"), Crumb(query.project.name)) if query.project else (Crumb("Sweeps"),)
    title = query.project.name if query.project else "Sweeps"
    if not by_state and not loose:
        return Page("empty.html", "No sweeps yet", _first_steps(settings, base_url), crumbs, REFRESH_S)
    alive = page_queries.alive_agents(connection, now.now_s - settings.agent_silent_s)
    stopped = list_queries.stopped_themselves(connection, project_id, now.now_s - NOTICED_S)
    offset = (query.number - 1) * PER_PAGE
    found = list_queries.sweeps_in(
        connection, query.wanted, query.states, PER_PAGE, offset, query.sort, query.goes_down
    )
    has_sweeps = bool(by_state) or query.project is None
    by_state = list_queries.states_of(connection, query.wanted) if query.is_narrowed else by_state
    alike = list_queries.names_of_several(connection, (sweep.display_name or "" for sweep in found))
    noticed = {sweep.id for sweep in stopped[:NOTICES]}
    standing = _standings(connection, [*found, *stopped[:NOTICES]], settings, now)
    values = ListPage(
        title=title,
        facts=_facts(by_state, alive if query.project is None else None, len(stopped)),
        artifacts=_artifacts(connection, query.project),
        notes=rendered(query.project.description) if query.project else None,
        edit_url=f"{project_url(query.project)}/edit" if query.project else None,
        notices=[_notice(standing[sweep.id]) for sweep in stopped[:NOTICES]],
        segments=_segments(query, by_state),
        has_sweeps=has_sweeps,
        finder=finder(connection, query),
        heads=heads(query),
        sweeps=[_row(standing[sweep.id], sweep.id in noticed, query, settings.entity, alike) for sweep in found],
        compare_path=COMPARE,
        pages=_pages(query, by_state),
        runs=project_runs(RunsView(connection, query.project, query.runs, now), settings) if query.project else None,
        loose=_loose_runs(connection, project_id, now) if query.project is None else [],
        loose_count=loose,
        kinds=KIND_LOOKS.values(),
        states={state: look.word for state, look in SWEEP_LOOKS.items()},
        data=str(settings.data.absolute()),
        data_size=format.size(list_queries.stored_bytes(connection)),
    )
    return Page("sweeps.html", title, vars(values), crumbs, REFRESH_S)


def _standings(
    connection: sqlite3.Connection, sweeps: Iterable[Sweep], settings: Settings, now: Now
) -> dict[int, Standing]:
    projects = {project.id: project for project in queries.projects(connection)}
    return {
        sweep.id: Standing(connection, projects[sweep.project_id], sweep, settings.agent_silent_s, now)
        for sweep in sweeps
    }


def _row(standing: Standing, noticed: bool, query: ListQuery, entity: str, alike: frozenset[str]) -> SweepRow:
    sweep, progress, best = standing.sweep, standing.progress, standing.best_values
    improvements = list_queries.improvements(standing.connection, sweep)
    runs = sum(queries.run_states(standing.connection, sweep.id).values())
    return SweepRow(
        name=title_of(sweep),
        url=standing.path,
        id=sweep.name if sweep.display_name in alike else None,
        place=sweep_place(standing.project, sweep),
        project=None if query.project else _place(standing.project, sweep.user_name, entity),
        project_url=project_url(standing.project),
        by=sweep.user_name,
        kind=kind_of(sweep),
        look=sweep_look(sweep),
        detail=outlook(standing).main,
        reason=None if noticed else stop_reason(sweep),
        bar=Markup(progress_bar(kinds(progress))),
        settled=f"{format.count(progress.settled)}{of_expected(sweep)}",
        counts=counts(sweep, progress).values(),
        best=format.metric(best[0], standing.decimals) if best else None,
        metric=sweep.metric_name,
        goal=sweep.goal,
        so_far=Markup(steps(improvements, runs, sweep.goal)),
        alive=standing.alive,
        created=standing.now.moment(sweep.created_at_s),
        buttons=sweep_buttons(sweep, progress, with_retry=stopped_itself(sweep)),
    )


def _place(project: Project, user: str | None, entity: str) -> str:
    """The project's name, with its entity's where that is not understood."""
    return f"{project.entity}/{project.name}" if project.entity != entity else project_title(project, user)


def _notice(standing: Standing) -> Notice:
    sweep, progress = standing.sweep, standing.progress
    started = queries.trial_count(standing.connection, sweep.id)
    if sweep.expected is None:
        left = f"{format.counted(started, 'run')} {'was' if started == 1 else 'were'} started"
    else:
        rest = sweep.expected - started
        left = f"{format.count(rest)}{of_expected(sweep)} runs were not started" if rest else "All runs were started"
    buttons = [retry_button(progress)] if progress.failed else [Button(RESUME, "Resume")]
    whole = sweep.stop_reason or ""
    reason = whole if len(whole) <= REASON_LENGTH else f"{whole[:REASON_LENGTH]}…"
    return Notice(title_of(sweep), standing.path, reason, left, buttons)


def _facts(counts: dict[str, int], alive: int | None, stopped: int) -> str:
    """2 running, 7 agents alive, 1 stopped itself."""
    facts = [f"{counts.get(states.SWEEP_RUNNING, 0)} running"]
    if alive is not None:
        facts.append(f"{format.counted(alive, 'agent')} alive")
    if stopped:
        facts.append(f"{format.count(stopped)} stopped {'itself' if stopped == 1 else 'themselves'}")
    return ", ".join(facts)


def _artifacts(connection: sqlite3.Connection, project: Project | None) -> tuple[str, str] | None:
    count = sum(artifact_page_queries.types(connection, project.id).values()) if project else 0
    return (format.counted(count, "artifact"), artifacts_url(project)) if project and count else None


def _segments(query: ListQuery, counts: dict[str, int]) -> list[Segment]:
    return [
        Segment(
            f"{show.capitalize()} {format.count(_total(show, counts))}",
            replace(query, show=show, number=1).url,
            show == query.show,
        )
        for show in SHOWN
    ]


def _pages(query: ListQuery, counts: dict[str, int]) -> list[Segment]:
    return pages(_total(query.show, counts), PER_PAGE, query.number, lambda number: replace(query, number=number).url)


def _total(show: str, counts: dict[str, int]) -> int:
    return sum(counts.get(state, 0) for state in SHOWN[show])


def _loose_runs(connection: sqlite3.Connection, project_id: int | None, now: Now) -> list[LooseRun]:
    return [
        _loose_run(run, project, now) for run, project in list_queries.loose_runs(connection, project_id, LOOSE_RUNS)
    ]


def _loose_run(run: Run, project: Project, now: Now) -> LooseRun:
    return LooseRun(
        name=run.display_name or run.name,
        url=run_url(project, run.name),
        project=project_title(project, run.user_name),
        by=run.user_name,
        project_url=project_url(project),
        look=run_look(run),
        cause=cause(run),
        created=now.moment(run.created_at_s),
    )


def _first_steps(settings: Settings, base_url: str) -> dict[str, str]:
    # The key itself stays out of pages, which end up in screenshots.
    key_file = shlex.quote(str(settings.data.absolute() / API_KEY_FILE))
    return {"base_url": base_url, "key_file": key_file}
