"""What can be changed of a run, sweep or project by hand, as forms that need no script."""

import json
import sqlite3
from dataclasses import dataclass

from charts import format
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import project_url, run_url, sweep_url
from server.pages.words.facts import title_of
from server.store import queries
from server.store.rows import Project, Run, Sweep
from terms import states

BACK = "It can be brought back for 30 days."


@dataclass(frozen=True)
class EditPage:
    """What the template is given.

    Attributes:
        name: as people call it; None for what has no other name than its address.
        tags: with commas between them; None for what has none.
        projects: those that it can be moved to, as entity/project; None for what stays where it is.
        takes: what goes with it.
        under_way: why it cannot be deleted now; "" if it can.
        up: the address of what is left when it is deleted.
    """

    kind: str
    title: str
    url: str
    name: str | None
    tags: str | None
    notes: str
    projects: list[str] | None
    takes: str
    under_way: str
    up: str


def edit_run(connection: sqlite3.Connection, project: Project, run: Run) -> Page:
    title, up = run.display_name or run.name, project_url(project)
    sweep = queries.by_id(connection, Sweep, run.sweep_id) if run.sweep_id else None
    others = [f"{each.entity}/{each.name}" for each in queries.projects(connection) if each.id != project.id]
    point = "Its trial is run again when the sweep goes on. " if run.trial_id else ""
    live = run.state in states.LIVE
    goes_on = "Its program goes on, and what it still sends is refused. " if live else ""
    page = EditPage(
        kind="run",
        title=title,
        url=run_url(project, run.name),
        name=title,
        tags=", ".join(json.loads(run.tags)),
        notes=run.notes or "",
        projects=None if live else others,
        takes=f"All that it logged and its files go. {point}{goes_on}{BACK}",
        under_way="",
        up=sweep_url(project, sweep) if sweep else up,
    )
    return _page(page, project, *((Crumb(title_of(sweep), sweep_url(project, sweep)),) if sweep else ()))


def edit_sweep(connection: sqlite3.Connection, project: Project, sweep: Sweep) -> Page:
    runs = format.counted(queries.run_count_of_sweep(connection, sweep.id), "run")
    live = any(state in states.LIVE for state in queries.run_states(connection, sweep.id))
    over = sweep.state in states.SWEEP_OVER and not live
    page = EditPage(
        kind="sweep",
        title=title_of(sweep),
        url=sweep_url(project, sweep),
        name=title_of(sweep),
        tags=None,
        notes=sweep.description or "",
        projects=None,
        takes=f"Its {runs} and agents go with it. {BACK}",
        under_way="" if over else "It is under way: cancel it first, and wait for its runs to end.",
        up=project_url(project),
    )
    return _page(page, project)


def edit_project(connection: sqlite3.Connection, project: Project) -> Page:
    sweeps = format.counted(len(queries.sweeps(connection, project.id)), "sweep")
    runs = format.counted(queries.run_count(connection, project.id), "run")
    page = EditPage(
        kind="project",
        title=project.name,
        url=project_url(project),
        name=None,
        tags=None,
        notes=project.description or "",
        projects=None,
        takes=f"Its {sweeps}, {runs} and all its artifacts go with it, and its name is free. {BACK}",
        under_way="",
        up="/",
    )
    return _page(page, project)


def _page(page: EditPage, project: Project, *between: Crumb) -> Page:
    own = () if page.kind == "project" else (*between, Crumb(page.title, page.url))
    crumbs = (Crumb("Sweeps", "/"), Crumb(project.name, project_url(project)), *own, Crumb("Edit"))
    return Page("edit.html", f"Edit {page.title}", vars(page), crumbs)
