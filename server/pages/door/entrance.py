"""The ways in: a key, a link that opens everything once, and one that shows a single sweep. And the way out."""

from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.identity import Asker, asker_of, cookie_name
from server.keys import OneTimeLinks, Opening
from server.ledger import sessions as session_ledger
from server.ledger import shares
from server.pages.door.forms import form_of
from server.pages.door.gate import Gate
from server.pages.door.session import keep_share, local_path, signing_in
from server.pages.words.addresses import SIGN_OUT, session_url, sweep_url
from server.store import queries
from server.store.rows import Project
from server.store.scope import EVERYTHING, asked_by

MAX_FORM_BYTES: Final = 10_000


@dataclass(frozen=True)
class Entrance:
    """Where links lead to, and who signs in and out."""

    gate: Gate
    links: OneTimeLinks

    def login(self, request: Request) -> Response:
        # Who only asks for the headers, as link checkers do, must not use the link up.
        opened = self.links.redeem(request.query_params.get("token", "")) if request.method == "GET" else None
        asker = self._of_link(opened) if opened else None
        if asker is None and not self.gate.sessions.signed_in(request):
            used = "token" in request.query_params
            return self.gate.closed(request, "This link has been used or is too old" if used else "Sign in")
        response = RedirectResponse(local_path(request.query_params.get("next")), status_code=303)
        if asker is not None:
            self._start(request, response, asker)
        return response

    async def sign_in(self, request: Request) -> Response:
        """Signs in by a key, which is in the form and in no address."""
        form = await form_of(request, MAX_FORM_BYTES)
        # Another site could let a browser sign in as somebody else.
        own = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        identity = self.gate.sessions.identity
        asker = await run_in_threadpool(identity.by_key, form.get("key", "").strip()) if own else None
        if asker is None:
            await identity.wrong_keys.slow_down(request)
            return self.gate.closed(request, "This is no key of this server", local_path(form.get("next")))
        response = RedirectResponse(local_path(form.get("next")), status_code=303)
        await run_in_threadpool(self._start, request, response, asker)
        return response

    def sign_out(self, request: Request) -> Response:
        """Ends the session of this browser."""
        asker, response = asker_of(request), RedirectResponse("/", status_code=303)
        if asker.session is not None and self.gate.sessions.seal_holds(request, SIGN_OUT):
            self._end(asker, asker.session)
            response.delete_cookie(cookie_name(request))
        return response

    def end_session(self, request: Request) -> Response:
        """Ends a session of the one who asks."""
        number = request.path_params["session"]
        if not self.gate.sessions.seal_holds(request, session_url(number)):
            return self.gate.closed(request, "This button is too old: load the page again, and press it there")
        self._end(asker_of(request), number)
        return RedirectResponse(local_path(request.query_params.get("next")), status_code=303)

    def _end(self, asker: Asker, number: int) -> None:
        with asked_by(signing_in(asker.scope)), self.gate.database.write() as tx:
            session_ledger.end(tx, number, asker.user.id if asker.user else None, self.gate.sessions.clock())

    def shared(self, request: Request) -> Response:
        """Opens the one sweep of a link."""
        token = request.path_params["token"]
        with asked_by(EVERYTHING), self.gate.database.read() as connection:
            sweep = queries.sweep_of_share(connection, shares.hashed(token))
            project = queries.by_id(connection, Project, sweep.project_id) if sweep else None
        if sweep is None or project is None:
            return self.gate.closed(request, "This link shows nothing any more")
        response = RedirectResponse(sweep_url(project, sweep), status_code=303)
        keep_share(request, response, token)
        return response

    def _of_link(self, opened: Opening) -> Asker | None:
        return self.gate.sessions.identity.by_number(opened.user_id)

    def _start(self, request: Request, response: Response, asker: Asker) -> None:
        self.gate.sessions.start(request, response, asker.user.id if asker.user else None, asker.scope)
