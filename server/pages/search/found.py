"""Sweeps and runs with a text in their name, id, tags, notes or config."""

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from server.pages.rendering import Crumb, Page
from server.pages.table.fields import tags
from server.pages.words.addresses import run_url, sweep_url
from server.pages.words.facts import kind_of, title_of
from server.pages.words.look import Look, run_look, sweep_look
from server.pages.words.sent import config_values, listed
from server.pages.words.times import Moment, Now
from server.store import list_queries, queries, search_queries
from server.store.list_queries import Wanted
from server.store.rows import Project, Run
from terms.states import SWEEP_STATES

SHOWN: Final = 50
LONGEST: Final = 256
MOST_SHOWN_OF_A_VALUE: Final = 80


@dataclass(frozen=True)
class Found:
    """A sweep or a run; `where` says what the text was found in, if not in its name."""

    name: str
    url: str
    id: str
    project: str
    look: Look
    where: str
    created: Moment


@dataclass(frozen=True)
class Results:
    """What the template is given; `most` of each kind are shown."""

    text: str
    sweeps: list[Found]
    runs: list[Found]
    most: int


def search(connection: sqlite3.Connection, text: str, now: Now) -> Page:
    text = text.strip()[:LONGEST]
    projects = {project.id: project for project in queries.projects(connection)}
    sweeps = list_queries.sweeps_in(connection, Wanted(text=text), SWEEP_STATES, SHOWN) if text else []
    runs = search_queries.runs_found(connection, text, SHOWN) if text else []
    values = Results(
        text,
        [
            Found(
                title_of(sweep),
                sweep_url(projects[sweep.project_id], sweep),
                sweep.name,
                _place(projects[sweep.project_id]),
                sweep_look(sweep),
                kind_of(sweep),
                now.moment(sweep.created_at_s),
            )
            for sweep in sweeps
        ],
        [_run(run, projects[run.project_id], text, now) for run in runs],
        SHOWN,
    )
    return Page("search.html", "Search", vars(values), (Crumb("Sweeps", "/"), Crumb("Search")))


def _run(run: Run, project: Project, text: str, now: Now) -> Found:
    name, url = run.display_name or run.name, run_url(project, run.name)
    return Found(name, url, run.name, _place(project), run_look(run), _where(run, text), now.moment(run.created_at_s))


def _place(project: Project) -> str:
    return f"{project.entity}/{project.name}"


def _where(run: Run, text: str) -> str:
    """What a run was found by, beside its name and id."""
    parts: list[tuple[str, Any]] = [
        ("group", run.group_name),
        *(("tag", tag) for tag in tags(run)),
        *((value.name, value.text) for value in listed(config_values(run.config))),
        ("notes", run.notes),
    ]
    found = ((name, value) for name, value in parts if value and text.casefold() in value.casefold())
    return next((f"{name}: {value[:MOST_SHOWN_OF_A_VALUE]}" for name, value in found), "")
