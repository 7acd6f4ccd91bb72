"""The saved views of a page, as its menu shows them."""

import sqlite3
from dataclasses import dataclass

from server.ledger.views import may_change
from server.store import view_queries


@dataclass(frozen=True)
class View:
    """A name and what it leads to; `chosen` where that is what is shown; `by` who saved it, where there are users."""

    name: str
    url: str
    chosen: bool
    by: str | None
    may_drop: bool


def views(
    connection: sqlite3.Connection, path: str, here: str, project_id: int, sweep_id: int | None = None
) -> list[View]:
    """Those of a sweep's page or a project's.

    Args:
        path: of the page.
        here: its address as it is now.
    """
    found = []
    for saved in view_queries.saved_views(connection, project_id, sweep_id):
        url = f"{path}?{saved.query}" if saved.query else path
        found.append(View(saved.name, url, url == here, saved.user_name, may_change(saved)))
    return found
