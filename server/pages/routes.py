"""The addresses of the pages. Endpoints are plain functions: Starlette runs them in threads."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from server.keys import Keys, OneTimeLinks
from server.ledger import shares
from server.pages.door.actions import press_of_run, press_of_sweep
from server.pages.door.buttons import SHARE
from server.pages.door.session import Sessions, keep_share, local_path, share_token
from server.pages.events import Events
from server.pages.rendering import SCHEME_COOKIE, SCHEMES, Crumb, Frame, Page, Static
from server.pages.run.detail import FileUrl, run_detail
from server.pages.sweep.detail import sweep_detail
from server.pages.sweep.table_query import page_number, table_query
from server.pages.sweeps.list import SHOWN, ListQuery, sweep_list
from server.pages.words.addresses import run_url, sweep_url
from server.pages.words.times import Now
from server.refusal import NotFoundError, RefusalError
from server.settings import Settings
from server.store import queries
from server.store.database import Database
from server.store.rows import Project, Run, Sweep

View = Callable[[Request, sqlite3.Connection], Page]
Press = Callable[[Request, sqlite3.Connection], Page | None]
# nginx would hold events back until it has a block of them.
STREAM_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
SCHEME_LIFETIME_S: Final = 365 * 24 * 3600
LOST_CRUMBS: Final = (Crumb("Sweeps", "/"), Crumb("Not found"))


def routes(
    database: Database,
    settings: Settings,
    keys: Keys,
    links: OneTimeLinks,
    clock: Callable[[], float],
    file_url: FileUrl,
    events: Events,
) -> list[Route]:
    """The routes of all pages, to stand after all others: the last one takes every address that is left.

    Args:
        clock: UTC seconds.
        file_url: the address at which a browser that sees pages can fetch a run's file.
        events: the streams that tell open pages of news.
    """
    static = Static()
    sessions = Sessions(keys, settings, clock)
    return Pages(database, settings, links, clock, file_url, events, sessions, static, Frame(settings, static)).routes()


@dataclass(frozen=True)
class Pages:
    """What the endpoints share; `routes` gives them."""

    database: Database
    settings: Settings
    links: OneTimeLinks
    clock: Callable[[], float]
    file_url: FileUrl
    events: Events
    sessions: Sessions
    static: Static
    frame: Frame

    def routes(self) -> list[Route]:
        return [
            Route("/static/{file}", self.static.response),
            Route("/login", self.login),
            Route("/scheme", self.scheme),
            Route("/events", self.stream),
            Route("/share/{token}", self.shared),
            Route("/", self.page(self.sweep_list)),
            Route("/{entity}/{project}", self.page(self.project)),
            Route("/{entity}/{project}/sweeps/{sweep}", self.page(self.sweep)),
            Route("/{entity}/{project}/runs/{run}", self.page(self.run)),
            Route("/{entity}/{project}/sweeps/{sweep}/{action}", self.button(self.press_sweep), methods=["POST"]),
            Route("/{entity}/{project}/runs/{run}/{action}", self.button(self.press_run), methods=["POST"]),
            Route("/{path:path}", self.page(_nothing)),
        ]

    def page(self, view: View) -> Callable[[Request], Response]:
        """Lets a view be seen by who may see it."""

        def endpoint(request: Request) -> Response:
            signed_in = self.sessions.signed_in(request)
            if not signed_in and not self._shown_by_link(request):
                return self.frame.response(request, self._closed(request, "Sign in to see this page"))
            # Named before it is read: news in between are then told, not missed.
            state = self.events.state
            try:
                with self.database.read() as connection:
                    shown = replace(view(request, connection), state=state, guest=not signed_in)
            except NotFoundError as error:
                shown = Page("not_found.html", "Not found", {"message": error.message}, LOST_CRUMBS, status=404)
            if shown.moved_to:
                return RedirectResponse(shown.moved_to, status_code=303)
            return self.frame.response(request, shown, self.sessions.sealed if signed_in else None)

        return endpoint

    def button(self, press: Press) -> Callable[[Request], Response]:
        """Lets a button be pressed by who may, in one transaction, and leads back to the page that it was on."""

        def endpoint(request: Request) -> Response:
            if not self.sessions.signed_in(request):
                return self.frame.response(request, self._closed(request, "Sign in to press this button"))
            back = local_path(request.query_params.get("next"))
            try:
                with self.database.write() as tx:
                    answer = press(request, tx)
            except RefusalError as error:
                values = {"message": error.message, "back": back}
                refused = Page("refused.html", "Nothing was changed", values, LOST_CRUMBS[:1], status=error.status)
                return self.frame.response(request, refused)
            return self.frame.response(request, answer) if answer else RedirectResponse(back, status_code=303)

        return endpoint

    def _shown_by_link(self, request: Request) -> bool:
        """Tells whether the page is of the one sweep whose link this browser has opened."""
        with self.database.read() as connection:
            shown = queries.sweep_of_share(connection, shares.hashed(share_token(request)))
            if shown is None:
                return False
            try:
                if "sweep" in request.path_params:
                    return _sweep(request, connection)[1].id == shown.id
                return "run" in request.path_params and _run(request, connection)[1].sweep_id == shown.id
            except NotFoundError:
                return False

    async def stream(self, request: Request) -> Response:
        """Events for one open page, from the state that it shows (`since`) or last heard of (`Last-Event-ID`)."""
        if not self.sessions.signed_in(request) and not await run_in_threadpool(self._has_link, request):
            return Response(status_code=403)
        seen = request.headers.get("last-event-id") or request.query_params.get("since", "")
        return StreamingResponse(self.events.stream(seen), media_type="text/event-stream", headers=STREAM_HEADERS)

    def login(self, request: Request) -> Response:
        # Who only asks for the headers, as link checkers do, must not use the link up.
        opened = request.method == "GET" and self.links.redeem(request.query_params.get("token", ""))
        if not opened and not self.sessions.signed_in(request):
            return self.frame.response(request, self._closed(request, "This link has been used or is too old"))
        response = RedirectResponse(local_path(request.query_params.get("next")), status_code=303)
        if opened:
            self.sessions.start(request, response)
        return response

    def shared(self, request: Request) -> Response:
        """Opens the one sweep of a link."""
        token = request.path_params["token"]
        with self.database.read() as connection:
            sweep = queries.sweep_of_share(connection, shares.hashed(token))
            project = queries.by_id(connection, Project, sweep.project_id) if sweep else None
        if sweep is None or project is None:
            return self.frame.response(request, self._closed(request, "This link shows nothing any more"))
        response = RedirectResponse(sweep_url(project, sweep), status_code=303)
        keep_share(request, response, token)
        return response

    def _has_link(self, request: Request) -> bool:
        with self.database.read() as connection:
            return queries.sweep_of_share(connection, shares.hashed(share_token(request))) is not None

    def scheme(self, request: Request) -> Response:
        """Keeps the reader's choice of light, dark, or the system's."""
        response = RedirectResponse(local_path(request.query_params.get("next")), status_code=303)
        chosen = request.query_params.get("to")
        if chosen in SCHEMES:
            response.set_cookie(SCHEME_COOKIE, chosen, max_age=SCHEME_LIFETIME_S, samesite="lax", httponly=True)
        else:
            response.delete_cookie(SCHEME_COOKIE)
        return response

    def sweep_list(self, request: Request, connection: sqlite3.Connection) -> Page:
        return self._list(request, connection, None)

    def project(self, request: Request, connection: sqlite3.Connection) -> Page:
        return self._list(request, connection, _project(request, connection))

    def sweep(self, request: Request, connection: sqlite3.Connection) -> Page:
        project, sweep = _sweep(request, connection)
        query = table_query(request.query_params.multi_items())
        if "add" in request.query_params:
            return Page("sweep.html", "", moved_to=query.url(sweep_url(project, sweep)))
        return sweep_detail(connection, sweep, project, query, self.settings, Now(self.clock()))

    def run(self, request: Request, connection: sqlite3.Connection) -> Page:
        project, run = _run(request, connection)
        return run_detail(connection, run, project, self.file_url, Now(self.clock()))

    def press_sweep(self, request: Request, tx: sqlite3.Connection) -> Page | None:
        project, sweep = _sweep(request, tx)
        action = request.path_params["action"]
        self._check_seal(request, f"{sweep_url(project, sweep)}/{action}")
        if action == SHARE:
            token = secrets.token_urlsafe(24)
            shares.share(tx, sweep, token, self.clock())
            values = {"link": f"{self._base_url(request)}/share/{token}", "back": sweep_url(project, sweep)}
            return Page("shared.html", "A link for others", values, LOST_CRUMBS[:1])
        press_of_sweep(tx, sweep, action, self.clock())
        return None

    def press_run(self, request: Request, tx: sqlite3.Connection) -> None:
        project, run = _run(request, tx)
        action = request.path_params["action"]
        self._check_seal(request, f"{run_url(project, run.name)}/{action}")
        press_of_run(tx, run, action, self.clock())

    def _check_seal(self, request: Request, path: str) -> None:
        if not self.sessions.seal_holds(request, path):
            raise RefusalError("This button is too old: go back, load the page again, and press it there.", 403)

    def _list(self, request: Request, connection: sqlite3.Connection, project: Project | None) -> Page:
        show = request.query_params.get("show", "all")
        query = ListQuery(project, show if show in SHOWN else "all", page_number(request.query_params))
        return sweep_list(connection, query, self.settings, self._base_url(request), Now(self.clock()))

    def _closed(self, request: Request, title: str) -> Page:
        return Page("closed.html", title, {"base_url": self._base_url(request)}, status=403)

    def _base_url(self, request: Request) -> str:
        return (self.settings.public_url or str(request.base_url)).rstrip("/")


def _project(request: Request, connection: sqlite3.Connection) -> Project:
    entity, name = request.path_params["entity"], request.path_params["project"]
    project = queries.project(connection, entity, name)
    if project is None:
        raise NotFoundError(f"There is no project {entity}/{name}.")
    return project


def _sweep(request: Request, connection: sqlite3.Connection) -> tuple[Project, Sweep]:
    project = _project(request, connection)
    sweep = queries.sweep(connection, request.path_params["sweep"])
    if sweep is None or sweep.project_id != project.id:
        raise NotFoundError(f"Project {project.name} has no sweep {request.path_params['sweep']}.")
    return project, sweep


def _run(request: Request, connection: sqlite3.Connection) -> tuple[Project, Run]:
    project = _project(request, connection)
    run = queries.run(connection, project.id, request.path_params["run"])
    if run is None:
        raise NotFoundError(f"Project {project.name} has no run {request.path_params['run']}.")
    return project, run


def _nothing(request: Request, connection: sqlite3.Connection) -> Page:
    raise NotFoundError("There is no page at this address.")
