"""One run: what it scored and where that stands, why it ended, with which settings, and what it logged."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from charts import format
from charts.strip import strip
from server.pages.curves.panels import CurvePanels
from server.pages.curves.query import CurveQuery
from server.pages.curves.series import Reader
from server.pages.door.buttons import Button, run_buttons
from server.pages.media.query import MediaQuery
from server.pages.rendering import Crumb, Page
from server.pages.run import logged
from server.pages.run.again import Command, commands
from server.pages.run.alerts import run_alerts
from server.pages.run.artifacts import Artifacts, artifacts
from server.pages.run.curves import run_curves
from server.pages.run.logged import HistoryTable
from server.pages.run.media import RunMedia, run_media
from server.pages.run.recorded import Setting, provenance, settings_of, summary_of
from server.pages.run.story import Story, story
from server.pages.run.system_metrics import SystemMetric, system_metrics
from server.pages.words.addresses import console_url, project_url, run_url, sweep_url
from server.pages.words.alerts import Alerts
from server.pages.words.console_lines import ShownLine
from server.pages.words.facts import title_of
from server.pages.words.how_long import run_time
from server.pages.words.look import Look, cause, run_look
from server.pages.words.notes import rendered
from server.pages.words.sent import Value
from server.pages.words.times import Moment, Now
from server.settings import Settings
from server.store import page_queries, queries, run_queries
from server.store.page_queries import Attempt
from server.store.rows import Agent, Project, Run, StoredFile, Sweep, Trial
from terms import states

REFRESH_S: Final = 3
FILES_SHOWN: Final = 60
IMAGES_SHOWN: Final = 8
# What is logged stands in a panel of its own.
MEDIA_FOLDER: Final = "media/"
IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")

FileUrl = Callable[[Run, str], str]


@dataclass(frozen=True)
class Result:
    """The metric of a run; all but its name "" where there is no value.

    Attributes:
        distance: to the best, "" for the best itself.
        rank: as "rank 3 of 25"; "" for a run that failed, whose last value is no result.
        strip: where the value stands among those of all runs.
    """

    metric: str
    value: str = ""
    distance: str = ""
    rank: str = ""
    strip: Markup | None = None


@dataclass(frozen=True)
class FileRow:
    """A file of a run; `picture`: it is shown as one."""

    name: str
    url: str
    size: str
    picture: bool


@dataclass(frozen=True)
class AttemptRow:
    """One of several runs of the same point; `cause` of its failure, None where it has none."""

    name: str
    url: str
    look: Look
    time: str
    cause: str | None
    counts: bool
    here: bool


@dataclass(frozen=True)
class RunPage:
    """What the template is given.

    Attributes:
        sweep_url: None for a run of no sweep, which has no `place` either ("trial 16 of 300").
        resumed: how often it went on under its own id.
        compared: whether the best run stands beside it.
        attempts: all runs of its point, if there are several.
    """

    run: Run
    title: str
    tags: list[str]
    notes: Markup | None
    look: Look
    url: str
    buttons: list[Button]
    sweep_url: str | None
    place: str
    agent: str | None
    started: Moment | None
    ended: Moment | None
    time: str
    resumed: int
    neighbours: list[tuple[str, str]]
    result: Result | None
    summary: list[Value]
    story: Story
    alerts: Alerts | None
    curve_panels: CurvePanels | None
    media: RunMedia | None
    compared: bool
    settings: list[Setting]
    provenance: list[Value]
    commands: list[Command]
    history: HistoryTable
    console: list[ShownLine]
    console_total: str
    console_url: str
    system: list[SystemMetric]
    programs_left_out: int
    attempts: list[AttemptRow]
    files: list[FileRow]
    file_count: int
    file_size: str
    images_shown: int
    artifacts: list[Artifacts]


def run_detail(
    connection: sqlite3.Connection,
    run: Run,
    project: Project,
    settings: Settings,
    file_url: FileUrl,
    now: Now,
    query: CurveQuery,
    media: MediaQuery,
) -> Page:
    sweep = queries.by_id(connection, Sweep, run.sweep_id) if run.sweep_id else None
    attempt = page_queries.attempt(connection, run)
    best = queries.best_run(connection, sweep) if sweep else None
    rival = best if best and best.id != run.id else None
    metric = sweep.metric_name if sweep else None
    result = _result(connection, sweep, run, best) if sweep else None
    console, console_total = logged.console(connection, run)
    system, programs_left_out = system_metrics(connection, run)
    files = queries.files(connection, run.id)
    url, reader = run_url(project, run.name), Reader(connection)
    logged_media = run_media(reader, settings, run, url, media, query.pairs())
    values = RunPage(
        run=run,
        title=run.display_name or run.name,
        tags=json.loads(run.tags),
        notes=rendered(run.notes),
        look=run_look(run),
        url=url,
        buttons=run_buttons(run, sweep is not None and run.id in queries.losing_runs(connection, sweep.id)),
        sweep_url=sweep_url(project, sweep) if sweep else None,
        place=_place(attempt, sweep),
        agent=_agent(connection, run),
        started=now.past(run.started_at_s),
        ended=now.past(run.ended_at_s),
        time=run_time(run, now),
        resumed=max(queries.hand_outs(connection, run.sweep_id, run.name) - 1, 0),
        neighbours=_neighbours(connection, attempt, project) if sweep else [],
        result=result,
        summary=summary_of(run, metric),
        story=story(run, sweep.goal if sweep else "", result.rank if result else "", now),
        alerts=run_alerts(connection, run, now),
        curve_panels=run_curves(reader, run, rival, metric, query, url, media.pairs()),
        media=logged_media,
        compared=rival is not None,
        settings=settings_of(run, rival),
        provenance=provenance(run),
        commands=commands(run, project, sweep, best is not None and best.id == run.id, settings.python),
        history=logged.history_table(connection, run, metric),
        console=console,
        console_total=format.count(console_total),
        console_url=console_url(project, run.name),
        system=system,
        programs_left_out=programs_left_out,
        attempts=_attempts(connection, run, project, now),
        files=[_file_row(file, file_url(run, file.name), logged_media is not None) for file in files[:FILES_SHOWN]],
        file_count=len(files),
        file_size=format.size(sum(file.size_bytes for file in files)),
        images_shown=IMAGES_SHOWN,
        artifacts=artifacts(connection, run, now),
    )
    refresh_s = REFRESH_S if run.state in states.LIVE else None
    return Page("run.html", run.display_name or run.name, vars(values), _crumbs(run, project, sweep), refresh_s)


def _crumbs(run: Run, project: Project, sweep: Sweep | None) -> tuple[Crumb, ...]:
    above = [Crumb("Sweeps", "/"), Crumb(project.name, project_url(project))]
    if sweep:
        above.append(Crumb(title_of(sweep), sweep_url(project, sweep), shared=True))
    return (*above, Crumb(run.display_name or run.name))


def _place(attempt: Attempt, sweep: Sweep | None) -> str:
    """trial 16 of 300"""
    if attempt.number is None or sweep is None:
        return ""
    of = "" if sweep.expected is None else f" of {format.count(sweep.expected)}"
    return f"trial {format.count(attempt.number + 1)}{of}"


def _agent(connection: sqlite3.Connection, run: Run) -> str | None:
    return None if run.agent_id is None else queries.by_id(connection, Agent, run.agent_id).name


def _neighbours(connection: sqlite3.Connection, attempt: Attempt, project: Project) -> list[tuple[str, str]]:
    """The runs of the points before and after, as (text, address)."""
    if attempt.number is None or attempt.run.sweep_id is None:
        return []
    found = []
    for number, text in ((attempt.number - 1, "← Trial {}"), (attempt.number + 1, "Trial {} →")):
        name = run_queries.run_of_point(connection, attempt.run.sweep_id, number)
        if name is not None:
            found.append((text.format(format.count(number + 1)), run_url(project, name)))
    return found


def _result(connection: sqlite3.Connection, sweep: Sweep, run: Run, best: Run | None) -> Result | None:
    if sweep.metric_name is None:
        return None
    if run.metric is None or best is None or best.metric is None:
        return Result(sweep.metric_name)
    values = page_queries.best_values(connection, sweep)
    decimals = format.metric_decimals(values)
    if run.state in states.FAILURES:
        return Result(sweep.metric_name, format.metric(run.metric, decimals))
    place, of = run_queries.rank(connection, sweep, run.metric)
    rank = f"rank {format.count(place)} of {format.count(of)}"
    return Result(
        metric=sweep.metric_name,
        value=format.metric(run.metric, decimals),
        distance="" if run.id == best.id else format.difference(run.metric - best.metric, decimals),
        rank=rank,
        strip=Markup(strip(run_queries.metrics(connection, sweep.id), run.metric, sweep.goal, rank)),
    )


def _attempts(connection: sqlite3.Connection, run: Run, project: Project, now: Now) -> list[AttemptRow]:
    """All runs of this run's point, the last first; none if there is only this one."""
    if run.trial_id is None:
        return []
    counted = queries.by_id(connection, Trial, run.trial_id).counted_run_id
    found = queries.runs_of_trial(connection, run.trial_id)
    rows = [
        AttemptRow(
            name=f"Attempt {number}",
            url=run_url(project, other.name),
            look=run_look(other),
            time=run_time(other, now),
            cause=cause(other),
            counts=other.id == counted,
            here=other.id == run.id,
        )
        for number, other in enumerate(found, start=1)
    ]
    return rows[::-1] if len(rows) > 1 else []


def _file_row(file: StoredFile, url: str, media: bool) -> FileRow:
    pictured = file.mimetype in IMAGE_TYPES and not (media and file.name.startswith(MEDIA_FOLDER))
    return FileRow(file.name, url, format.size(file.size_bytes), pictured)
