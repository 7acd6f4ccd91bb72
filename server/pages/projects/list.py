"""The projects that there are, of all entities or of one."""

import sqlite3
from dataclasses import dataclass

from charts import format
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import project_url
from server.pages.words.times import Moment, Now
from server.store import search_queries
from terms import states


@dataclass(frozen=True)
class ProjectRow:
    """A project; `heard` is when something last came from one of its runs."""

    name: str
    entity: str
    url: str
    description: str
    sweeps: str
    runs: str
    live: str
    heard: Moment | None


def projects(connection: sqlite3.Connection, entity: str | None, now: Now) -> Page:
    """Those where something came last, first."""
    rows = [
        ProjectRow(
            held.project.name,
            held.project.entity,
            project_url(held.project),
            (held.project.description or "").partition("\n")[0],
            format.count(held.sweeps),
            format.count(held.runs),
            format.count(held.live),
            now.past(held.heard_at_s),
        )
        for held in search_queries.projects_held(connection, entity, states.LIVE)
    ]
    crumbs = (Crumb("Sweeps", "/"), Crumb("Projects", "/projects" if entity else None))
    title = f"Projects of {entity}" if entity else "Projects"
    values = {"title": title, "rows": rows, "entity_named": entity}
    return Page("projects.html", title, values, (*crumbs, Crumb(entity)) if entity else crumbs)
