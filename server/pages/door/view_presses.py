"""Saves what a page shows under a name, and drops such a view."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request

from server.ledger import views
from server.pages.door.addressed import project_of, sweep_of
from server.pages.door.session import Sessions, local_path
from server.pages.words.addresses import project_url, sweep_url
from server.refusal import RefusalError
from server.store.rows import Project, Sweep

SAVE: Final = "save"


@dataclass(frozen=True)
class ViewPresses:
    """Carries out what the menu of views asks for; `clock` gives UTC seconds."""

    sessions: Sessions
    clock: Callable[[], float]

    def sweep(self, request: Request, tx: sqlite3.Connection) -> None:
        project, sweep = sweep_of(request, tx)
        self._press(request, tx, sweep_url(project, sweep), project, sweep)

    def project(self, request: Request, tx: sqlite3.Connection) -> None:
        project = project_of(request, tx)
        self._press(request, tx, project_url(project), project, None)

    def _press(
        self, request: Request, tx: sqlite3.Connection, path: str, project: Project, sweep: Sweep | None
    ) -> None:
        action, name = request.path_params["action"], request.state.form.get("name", "")
        # Pages have seals for saving and dropping, and for nothing else.
        if not self.sessions.seal_holds(request, f"{path}/views/{action}"):
            raise RefusalError("This button is too old: go back, load the page again, and press it there.", 403)
        if action == SAVE:
            views.save(tx, project, sweep, name, _query(request), self.clock())
        else:
            views.drop(tx, project, sweep, name, self.clock())


def _query(request: Request) -> str:
    """What the page's address asked for, on which the button was; of a long list its first page."""
    asked = parse_qsl(urlsplit(local_path(request.query_params.get("next"))).query)
    return urlencode([(name, text) for name, text in asked if name != "page"], safe=",")
