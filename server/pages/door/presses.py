"""Buttons as they arrive: which thing and which button the address names, and whether this server made it."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from server.ledger import shares
from server.ledger.points import NewId
from server.pages.door import edits, new_sweep
from server.pages.door.actions import press_of_run, press_of_sweep
from server.pages.door.addressed import project_of, run_of, sweep_of
from server.pages.door.buttons import BEGIN, SHARE
from server.pages.door.session import Sessions
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import project_url, restore_url, run_url, sweep_url
from server.reached import for_people
from server.refusal import RefusalError
from server.settings import Settings


@dataclass(frozen=True)
class Presses:
    """Carries out the buttons of projects, sweeps and runs; `clock` gives UTC seconds."""

    settings: Settings
    sessions: Sessions
    clock: Callable[[], float]
    new_id: NewId

    def sweep(self, request: Request, tx: sqlite3.Connection) -> Page | None:
        project, sweep = sweep_of(request, tx)
        action = request.path_params["action"]
        self._check_seal(request, f"{sweep_url(project, sweep)}/{action}")
        if action == SHARE:
            token = secrets.token_urlsafe(24)
            shares.share(tx, sweep, token, self.clock())
            link = f"{for_people(request, self.settings.public_url)}/share/{token}"
            values = {"link": link, "back": sweep_url(project, sweep)}
            return Page("shared.html", "A link for others", values, (Crumb("Sweeps", "/"),))
        if action == BEGIN:
            return new_sweep.begin(tx, project, sweep, request.state.form, self.clock(), self.new_id)
        if action in edits.ACTIONS:
            edits.edit_sweep(tx, sweep, action, request.state.form, self.clock())
        else:
            press_of_sweep(tx, sweep, action, self.clock())
        return None

    def run(self, request: Request, tx: sqlite3.Connection) -> Page | None:
        project, run = run_of(request, tx)
        action = request.path_params["action"]
        self._check_seal(request, f"{run_url(project, run.name)}/{action}")
        if action in edits.ACTIONS:
            moved_to = edits.edit_run(tx, run, action, request.state.form, self.clock())
            return Page("edit.html", "", moved_to=moved_to) if moved_to else None
        press_of_run(tx, run, action, self.clock())
        return None

    def project(self, request: Request, tx: sqlite3.Connection) -> None:
        project, action = project_of(request, tx), request.path_params["action"]
        self._check_seal(request, f"{project_url(project)}/edit/{action}")
        edits.edit_project(tx, project, action, request.state.form, self.clock())

    def restore(self, request: Request, tx: sqlite3.Connection) -> None:
        """Brings back what was deleted."""
        number = request.path_params["line"]
        self._check_seal(request, restore_url(number))
        edits.bring_back(tx, number, self.clock())

    def _check_seal(self, request: Request, path: str) -> None:
        if not self.sessions.seal_holds(request, path):
            raise RefusalError("This button is too old: go back, load the page again, and press it there.", 403)
