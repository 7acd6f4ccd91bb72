"""The two ways in: a link that opens everything once, and one that shows a single sweep."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.keys import OneTimeLinks
from server.ledger import shares
from server.pages.door.gate import Gate
from server.pages.door.session import keep_share, local_path
from server.pages.words.addresses import sweep_url
from server.store import queries
from server.store.rows import Project


@dataclass(frozen=True)
class Entrance:
    """Where links lead to."""

    gate: Gate
    links: OneTimeLinks

    def login(self, request: Request) -> Response:
        # Who only asks for the headers, as link checkers do, must not use the link up.
        opened = request.method == "GET" and self.links.redeem(request.query_params.get("token", ""))
        if not opened and not self.gate.sessions.signed_in(request):
            return self.gate.closed(request, "This link has been used or is too old")
        response = RedirectResponse(local_path(request.query_params.get("next")), status_code=303)
        if opened:
            self.gate.sessions.start(request, response)
        return response

    def shared(self, request: Request) -> Response:
        """Opens the one sweep of a link."""
        token = request.path_params["token"]
        with self.gate.database.read() as connection:
            sweep = queries.sweep_of_share(connection, shares.hashed(token))
            project = queries.by_id(connection, Project, sweep.project_id) if sweep else None
        if sweep is None or project is None:
            return self.gate.closed(request, "This link shows nothing any more")
        response = RedirectResponse(sweep_url(project, sweep), status_code=303)
        keep_share(request, response, token)
        return response
