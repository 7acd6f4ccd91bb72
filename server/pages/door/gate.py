"""Lets pages be seen, news be heard and buttons be pressed by who may, each in its turn."""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from server.ledger import shares
from server.pages.door.addressed import run_of, sweep_of, version_of
from server.pages.door.forms import form_of
from server.pages.door.session import Sessions, local_path, share_token
from server.pages.events import Events
from server.pages.rendering import FILE_HEADERS, Crumb, Frame, Page
from server.reached import for_people
from server.refusal import NotFoundError, RefusalError
from server.settings import Settings
from server.store import queries
from server.store.artifact_rows import Artifact
from server.store.database import Database
from server.store.rows import Sweep
from server.store.scope import EVERYTHING, NOBODY, Scope, ask_as, asked_by, asking
from server.turns import Turns

View = Callable[[Request, sqlite3.Connection], Page]
Find = Callable[[Request, sqlite3.Connection], tuple[Path | str, str]]
Press = Callable[[Request, sqlite3.Connection], Page | None]
Endpoint = Callable[[Request], Awaitable[Response]]
# nginx would hold events back until it has a block of them.
STREAM_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LOST_CRUMBS: Final = (Crumb("Sweeps", "/"), Crumb("Not found"))


def _saved(found: Path | str, name: str) -> Response:
    media_type = "application/octet-stream"
    if isinstance(found, Path):
        return FileResponse(found, media_type=media_type, filename=name, headers=FILE_HEADERS)
    told = {**FILE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(found, media_type=media_type, headers=told)


@dataclass(frozen=True)
class Gate:
    """Stands between a request and what it asks for."""

    database: Database
    settings: Settings
    sessions: Sessions
    events: Events
    frame: Frame
    readers: Turns
    writers: Turns

    def page(self, view: View) -> Endpoint:
        """Lets a view be seen by who may see it."""

        def endpoint(request: Request) -> Response:
            shown = self._seen(request, view) if self.sessions.signed_in(request) else None
            if shown is None or shown.status == 404:
                shown = self._seen_by_link(request, view) or shown
            if shown is None:
                return self.closed(request, "Sign in to see this page")
            if shown.moved_to:
                return RedirectResponse(shown.moved_to, status_code=303)
            presses = asking().may_write and not shown.guest
            return self.frame.response(request, shown, self.sessions.sealed if presses else None)

        return self.readers.while_asked(endpoint)

    def _seen(self, request: Request, view: View) -> Page:
        # Named before it is read: news in between are then told, not missed.
        state = self.events.state
        try:
            with self.database.read(self.settings.query_s) as connection:
                return replace(view(request, connection), state=state)
        except NotFoundError as error:
            return _not_found(error)
        except RefusalError as error:
            return _refused(error, "This page cannot be shown", "/")

    def _seen_by_link(self, request: Request, view: View) -> Page | None:
        """The page if it is of the one sweep whose link this browser has opened."""
        with asked_by(self._guest(request)):
            return replace(self._seen(request, view), guest=True) if self._shown_by_link(request) else None

    def file(self, find: Find, answer: Callable[[Path | str, str], Response] = _saved) -> Endpoint:
        """Lets a file be saved by who may see the page that it is on.

        Args:
            find: gives where it lies, or what is in it, and its name.
            answer: made of these.
        """

        def endpoint(request: Request) -> Response:
            guest = self._guest(request)
            with asked_by(guest):
                seen_by_link = self._shown_by_link(request)
            if not self.sessions.signed_in(request) and not seen_by_link:
                return self.closed(request, "Sign in to save this file")
            try:
                limit_s = self.settings.query_s
                with asked_by(guest if seen_by_link else asking()), self.database.read(limit_s) as connection:
                    found, name = find(request, connection)
            except NotFoundError as error:
                return self.frame.response(request, _not_found(error))
            except RefusalError as error:
                return self.frame.response(request, _refused(error, "This file cannot be made", "/"))
            return answer(found, name)

        return self.readers.while_asked(endpoint)

    def button(self, press: Press) -> Endpoint:
        """Lets a button be pressed by who may, in one transaction, and leads back to the page that it was on.

        What its form holds is `request.state.form`.
        """

        def pressed(request: Request) -> Response:
            if not self.sessions.signed_in(request):
                return self.closed(request, "Sign in to press this button")
            back = local_path(request.query_params.get("next"))
            try:
                with self.database.write() as tx:
                    answer = press(request, tx)
            except RefusalError as error:
                answer = _refused(error, "Nothing was changed", back)
            if answer is None or answer.moved_to:
                return RedirectResponse(answer.moved_to if answer and answer.moved_to else back, status_code=303)
            return self.frame.response(request, answer, self.sessions.sealed if asking().may_write else None)

        in_turn = self.writers.endpoint(pressed)

        async def endpoint(request: Request) -> Response:
            request.state.form = await form_of(request)
            return await in_turn(request)

        return endpoint

    async def stream(self, request: Request) -> Response:
        """Events for one open page, from the state that it shows (`since`) or last heard of (`Last-Event-ID`)."""
        if not self.sessions.signed_in(request):
            guest = await run_in_threadpool(self._guest, request)
            if guest == NOBODY:
                return Response(status_code=403)
            ask_as(guest)
        seen = request.headers.get("last-event-id") or request.query_params.get("since", "")
        return StreamingResponse(self.events.stream(seen), media_type="text/event-stream", headers=STREAM_HEADERS)

    def closed(self, request: Request, title: str, leads_to: str | None = None) -> Response:
        """What somebody gets who may not, with the ways in.

        Args:
            leads_to: what is opened then; None for the address that was asked for.
        """
        asked = f"{request.url.path}{'?' if request.url.query else ''}{request.url.query}"
        leads_to = leads_to or ("/" if request.url.path == "/login" or request.method != "GET" else asked)
        values = {"base_url": for_people(request, self.settings.public_url), "leads_to": leads_to}
        return self.frame.response(request, Page("closed.html", title, values, status=403))

    def _guest(self, request: Request) -> Scope:
        """Of whoever has the link that this browser has opened."""
        with asked_by(EVERYTHING), self.database.read() as connection:
            return self.sessions.identity.guest(connection, _shared(request, connection))

    def _shown_by_link(self, request: Request) -> bool:
        """Tells whether the page is of the one sweep that a guest sees."""
        with self.database.read() as connection:
            shared = _shared(request, connection)
            try:
                return shared is not None and _sweep_id(request, connection) == shared.id
            except NotFoundError:
                return False


def _shared(request: Request, connection: sqlite3.Connection) -> Sweep | None:
    return queries.sweep_of_share(connection, shares.hashed(share_token(request)))


def _not_found(error: NotFoundError) -> Page:
    return Page("not_found.html", "Not found", {"message": error.message}, LOST_CRUMBS, status=404)


def _refused(error: RefusalError, title: str, back: str) -> Page:
    return Page("refused.html", title, {"message": error.message, "back": back}, LOST_CRUMBS[:1], status=error.status)


def _sweep_id(request: Request, connection: sqlite3.Connection) -> int | None:
    """Of the sweep that the page is of, or its run, or the run that made its artifact; None for other pages."""
    if "sweep" in request.path_params:
        return sweep_of(request, connection)[1].id
    if "version" in request.path_params:
        artifact = queries.by_id(connection, Artifact, version_of(request, connection)[2].artifact_id)
        maker = queries.run_numbered(connection, artifact.run_id)
        return maker.sweep_id if maker else None
    return run_of(request, connection)[1].sweep_id if "run" in request.path_params else None
