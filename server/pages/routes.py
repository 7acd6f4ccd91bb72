"""The addresses of the pages, and what each shows."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.identity import Identity, asker_of
from server.keys import OneTimeLinks
from server.ledger.artifacts import content
from server.ledger.points import NewId
from server.pages.account.detail import account
from server.pages.artifact.detail import artifact_detail
from server.pages.artifact.query import artifact_query
from server.pages.artifact.view import ArtifactView
from server.pages.artifacts.list import artifact_list
from server.pages.console.detail import console_detail
from server.pages.console.query import console_query
from server.pages.curves.query import curve_query
from server.pages.deleted.list import deleted_list
from server.pages.door.addressed import project_of, run_of, sweep_of, version_of
from server.pages.door.entrance import Entrance
from server.pages.door.gate import Gate
from server.pages.door.new_sweep import new_sweep
from server.pages.door.presses import Presses
from server.pages.door.session import Sessions, local_path
from server.pages.door.view_presses import ViewPresses
from server.pages.edit.detail import edit_project, edit_run, edit_sweep
from server.pages.events import Events
from server.pages.media.found import RunFiles, asked_file
from server.pages.media.query import media_query
from server.pages.media.served import served
from server.pages.projects.list import projects
from server.pages.rendering import SCHEME_COOKIE, SCHEMES, Frame, Page, Static
from server.pages.run.detail import FileUrl, run_detail
from server.pages.search.found import search
from server.pages.sweep.at import told_at
from server.pages.sweep.detail import sweep_detail
from server.pages.sweep.first_look import sweep_first_look
from server.pages.sweep.pair.asked import pair_query, sweeps_at
from server.pages.sweep.pair.detail import choose_sweeps, sweep_pair
from server.pages.sweep.table_query import TableQuery, table_query
from server.pages.sweep.take_away import taken
from server.pages.sweep.view import SweepView
from server.pages.sweeps.list import sweep_list
from server.pages.sweeps.list_query import list_query
from server.pages.words.addresses import COMPARE, linked_url, project_url, run_url, sweep_url
from server.pages.words.paging import page_number
from server.pages.words.times import Now
from server.reached import for_people
from server.refusal import NotFoundError
from server.settings import Settings
from server.store import artifact_queries, queries
from server.store.artifact_rows import LATEST
from server.store.database import Database
from server.store.rows import Project
from server.turns import Turns

PROJECT_TABS: Final = frozenset(("workspace", "overview", "runs", "sweeps", "table", "jobs", "reports", "reportlist"))
SWEEP_TABS: Final = frozenset(("workspace", "overview", "table", "controls"))
RUN_TABS: Final = frozenset(("workspace", "overview", "files", "system", "artifacts", "config"))
# Asks for what is looked at first, which is there sooner; a page that has no such parts is sent whole.
FIRST_LOOK: Final = "X-First-Look"
SCHEME_LIFETIME_S: Final = 365 * 24 * 3600


def routes(
    database: Database,
    settings: Settings,
    identity: Identity,
    links: OneTimeLinks,
    clock: Callable[[], float],
    file_url: FileUrl,
    events: Events,
    new_id: NewId,
    readers: Turns,
    writers: Turns,
) -> list[Route]:
    """The routes of all pages, to stand after all others: the last one takes every address that is left.

    Args:
        clock: UTC seconds.
        file_url: the address at which a browser that sees pages can fetch a run's file.
        events: the streams that tell open pages of news.
        new_id: makes ids of sweeps.
        readers, writers: the turns of those who see pages, and press buttons.
    """
    static = Static()
    sessions = Sessions(identity, settings, clock)
    gate = Gate(
        database, settings, sessions, events, Frame(settings, static, lambda: database.trouble), readers, writers
    )
    entrance = Entrance(gate, links)
    presses, view_presses = Presses(settings, sessions, clock, new_id), ViewPresses(sessions, clock)
    views = Views(settings, clock, file_url, sessions)
    return [
        Route("/static/{file}", static.response),
        Route("/login", entrance.login),
        Route("/login", entrance.sign_in, methods=["POST"]),
        Route("/logout", entrance.sign_out, methods=["POST"]),
        Route("/settings", gate.page(views.account)),
        Route("/settings/sessions/{session:int}/end", entrance.end_session, methods=["POST"]),
        Route("/authorize", _to_settings),
        Route("/scheme", _scheme),
        Route("/events", gate.stream),
        Route("/share/{token}", entrance.shared),
        Route("/deleted", gate.page(views.deleted)),
        Route("/deleted/{line:int}/restore", gate.button(presses.restore), methods=["POST"]),
        Route("/search", gate.page(views.search)),
        Route("/projects", gate.page(views.projects)),
        Route(COMPARE, gate.page(views.pair)),
        Route("/", gate.page(views.sweeps)),
        Route("/{entity}", gate.page(views.entity)),
        Route("/{entity}/projects", gate.page(views.entity)),
        Route("/{entity}/{project}", gate.page(views.project)),
        Route("/{entity}/{project}/sweeps/{sweep}", gate.page(views.sweep)),
        Route("/{entity}/{project}/runs/{run}", gate.page(views.run)),
        Route("/{entity}/{project}/artifacts", gate.page(views.artifacts)),
        Route("/{entity}/{project}/artifacts/{type}", gate.page(views.artifacts)),
        Route("/{entity}/{project}/artifacts/{type}/{collection}", gate.page(views.artifact)),
        Route("/{entity}/{project}/artifacts/{type}/{collection}/{version}", gate.page(views.artifact)),
        Route("/{entity}/{project}/artifacts/{type}/{collection}/{version}/file", gate.file(views.file)),
        Route("/{entity}/registry/model", gate.page(views.registry)),
        Route("/{entity}/{project}/views/{action}", gate.button(view_presses.project), methods=["POST"]),
        Route("/{entity}/{project}/sweeps/{sweep}/views/{action}", gate.button(view_presses.sweep), methods=["POST"]),
        Route("/{entity}/{project}/edit", gate.page(views.edit_project)),
        Route("/{entity}/{project}/sweeps/{sweep}/take/{what}", gate.file(views.taken)),
        Route("/{entity}/{project}/runs/{run}/media", gate.file(views.medium, served)),
        Route("/{entity}/{project}/sweeps/{sweep}/new", gate.page(views.new_sweep)),
        Route("/{entity}/{project}/sweeps/{sweep}/edit", gate.page(views.edit_sweep)),
        Route("/{entity}/{project}/runs/{run}/edit", gate.page(views.edit_run)),
        Route("/{entity}/{project}/edit/{action}", gate.button(presses.project), methods=["POST"]),
        Route("/{entity}/{project}/sweeps/{sweep}/{action}", gate.button(presses.sweep), methods=["POST"]),
        Route("/{entity}/{project}/runs/{run}/{action}", gate.button(presses.run), methods=["POST"]),
        Route("/{entity}/{project}/{tab}", gate.page(views.tab_of_project)),
        Route("/{entity}/{project}/sweeps/{sweep}/at", gate.page(views.dot_of_sweep)),
        Route("/{entity}/{project}/sweeps/{sweep}/{tab}", gate.page(views.tab_of_sweep)),
        Route("/{entity}/{project}/runs/{run}/logs", gate.page(views.console)),
        Route("/{entity}/{project}/runs/{run}/{tab}", gate.page(views.tab_of_run)),
        Route("/{path:path}", gate.page(_nothing)),
    ]


@dataclass(frozen=True)
class Views:
    """What is seen at each address; `clock` gives UTC seconds."""

    settings: Settings
    clock: Callable[[], float]
    file_url: FileUrl
    sessions: Sessions

    def account(self, request: Request, connection: sqlite3.Connection) -> Page:
        return account(connection, asker_of(request), Now(self.clock()), self.sessions.sealed)

    def sweeps(self, request: Request, connection: sqlite3.Connection) -> Page:
        return self._list(request, connection, None)

    def project(self, request: Request, connection: sqlite3.Connection) -> Page:
        return self._list(request, connection, project_of(request, connection))

    def sweep(self, request: Request, connection: sqlite3.Connection) -> Page:
        view = self._view_of_sweep(request, connection)
        if "add" in request.query_params:
            return Page("sweep.html", "", moved_to=view.query.url(view.path))
        if FIRST_LOOK in request.headers:
            return sweep_first_look(view)
        return sweep_detail(view, self.settings)

    def dot_of_sweep(self, request: Request, connection: sqlite3.Connection) -> Page:
        return told_at(self._view_of_sweep(request, connection), request.query_params)

    def _view_of_sweep(self, request: Request, connection: sqlite3.Connection) -> SweepView:
        project, sweep = sweep_of(request, connection)
        query = table_query(request.query_params.multi_items())
        return SweepView(connection, project, sweep, self.settings.agent_silent_s, Now(self.clock()), query)

    def pair(self, request: Request, connection: sqlite3.Connection) -> Page:
        """Two sweeps side by side, or the choice of them."""
        query = pair_query(request.query_params.multi_items())
        found, now = sweeps_at(connection, query.places), Now(self.clock())
        if len(found) != 2:
            return choose_sweeps(connection, found, query)
        silent_s = self.settings.agent_silent_s
        return sweep_pair([SweepView(connection, *each, silent_s, now, TableQuery()) for each in found], query)

    def taken(self, request: Request, connection: sqlite3.Connection) -> tuple[str, str]:
        """A sweep's runs, those that the address chooses, its best config or its file; and the name to save it by."""
        return taken(self._view_of_sweep(request, connection), request.path_params["what"])

    def run(self, request: Request, connection: sqlite3.Connection) -> Page:
        project, run = run_of(request, connection)
        asked = request.query_params.multi_items()
        queries = curve_query(asked), media_query(asked)
        return run_detail(connection, run, project, self.settings, self.file_url, Now(self.clock()), *queries)

    def medium(self, request: Request, connection: sqlite3.Connection) -> tuple[Path, str]:
        """Where a file of a run lies, or of an artifact that it has made, and its name."""
        project, run = run_of(request, connection)
        files = RunFiles(connection, self.settings, run, run_url(project, run.name))
        return asked_file(files, request.query_params)

    def console(self, request: Request, connection: sqlite3.Connection) -> Page:
        project, run = run_of(request, connection)
        return console_detail(connection, run, project, console_query(request.query_params))

    def edit_project(self, request: Request, connection: sqlite3.Connection) -> Page:
        return edit_project(connection, project_of(request, connection))

    def edit_sweep(self, request: Request, connection: sqlite3.Connection) -> Page:
        return edit_sweep(connection, *sweep_of(request, connection))

    def new_sweep(self, request: Request, connection: sqlite3.Connection) -> Page:
        return new_sweep(*sweep_of(request, connection))

    def edit_run(self, request: Request, connection: sqlite3.Connection) -> Page:
        return edit_run(connection, *run_of(request, connection))

    def deleted(self, request: Request, connection: sqlite3.Connection) -> Page:
        return deleted_list(connection, Now(self.clock()))

    def artifacts(self, request: Request, connection: sqlite3.Connection) -> Page:
        project, type = project_of(request, connection), request.path_params.get("type")
        return artifact_list(connection, project, type, page_number(request.query_params), Now(self.clock()))

    def artifact(self, request: Request, connection: sqlite3.Connection) -> Page:
        """A version's own address has its number and the type of its collection; others lead there."""
        query = artifact_query(request.query_params)
        view = ArtifactView(connection, *version_of(request, connection), query, Now(self.clock()))
        asked = request.path_params["type"], request.path_params.get("version")
        if asked != (view.collection.type, f"v{view.member.version}"):
            return Page("artifact.html", "", moved_to=query.url(view.path))
        return artifact_detail(view)

    def registry(self, request: Request, connection: sqlite3.Connection) -> Page:
        """The address that W&B's client gives to a model that is linked."""
        names = request.query_params.get("selectionPath", "").split("/")
        if len(names) != 3 or not all(names):
            raise NotFoundError("There is no page at this address.")
        entity, project, collection = names
        version = request.query_params.get("version", LATEST)
        return Page("artifact.html", "", moved_to=linked_url(entity, project, collection, version))

    def projects(self, request: Request, connection: sqlite3.Connection) -> Page:
        return projects(connection, None, Now(self.clock()))

    def search(self, request: Request, connection: sqlite3.Connection) -> Page:
        return search(connection, request.query_params.get("q", ""), Now(self.clock()))

    def entity(self, request: Request, connection: sqlite3.Connection) -> Page:
        """Its projects."""
        entity = request.path_params["entity"]
        if not queries.projects(connection, entity):
            return _nothing(request, connection)
        return projects(connection, entity, Now(self.clock()))

    def tab_of_project(self, request: Request, connection: sqlite3.Connection) -> Page:
        """W&B's own parts of a page, which are one page here."""
        return self._tab(request, PROJECT_TABS, project_url(project_of(request, connection)))

    def tab_of_sweep(self, request: Request, connection: sqlite3.Connection) -> Page:
        return self._tab(request, SWEEP_TABS, sweep_url(*sweep_of(request, connection)))

    def tab_of_run(self, request: Request, connection: sqlite3.Connection) -> Page:
        project, run = run_of(request, connection)
        return self._tab(request, RUN_TABS, run_url(project, run.name))

    def _tab(self, request: Request, known: frozenset[str], leads_to: str) -> Page:
        if request.path_params["tab"] not in known:
            raise NotFoundError("There is no page at this address.")
        return Page("not_found.html", "", moved_to=leads_to)

    def file(self, request: Request, connection: sqlite3.Connection) -> tuple[Path, str]:
        """Where a file of a version lies, and its name."""
        _, collection, member = version_of(request, connection)
        name = request.query_params.get("path", "")
        for entry in artifact_queries.entries_named(connection, member.artifact_id, [name]):
            path = content.path_of(self.settings.artifacts, entry.content) if entry.content else None
            if path and path.exists():
                return path, Path(name).name
        raise NotFoundError(f"{collection.name}:v{member.version} keeps no file {name}.")

    def _list(self, request: Request, connection: sqlite3.Connection, project: Project | None) -> Page:
        query = list_query(project, request.query_params.multi_items())
        if project and "add" in request.query_params:
            return Page("sweeps.html", "", moved_to=query.url)
        return sweep_list(
            connection, query, self.settings, for_people(request, self.settings.public_url), Now(self.clock())
        )


def _scheme(request: Request) -> Response:
    """Keeps the reader's choice of light, dark, or the system's."""
    response = RedirectResponse(local_path(request.query_params.get("next")), status_code=303)
    chosen = request.query_params.get("to")
    if chosen in SCHEMES:
        response.set_cookie(SCHEME_COOKIE, chosen, max_age=SCHEME_LIFETIME_S, samesite="lax", httponly=True)
    else:
        response.delete_cookie(SCHEME_COOKIE)
    return response


def _to_settings(request: Request) -> Response:
    """Where `wandb login` sends people for their key."""
    return RedirectResponse("/settings", status_code=303)


def _nothing(request: Request, connection: sqlite3.Connection) -> Page:
    raise NotFoundError("There is no page at this address.")
