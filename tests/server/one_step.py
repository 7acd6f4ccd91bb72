"""Requests to an application in this process, each as one step of the application's thread.

Starlette's own client takes seven, each a change of threads, so that it can show a response while it is being made:
half of what most requests cost. Here a response is shown whole, as `httpx2` reads it anyway; one without an end, the
pages' events, needs a real server.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import anyio
import httpx2
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope

PORTS = {"http": 80, "https": 443}
CLIENT = ("testclient", 50000)


class Client(TestClient):
    """Starlette's client and lifespan; it answers while it is entered. Errors of the application are raised."""

    def __init__(self, app: ASGIApp, base_url: str = "http://testserver", follow_redirects: bool = True) -> None:
        super().__init__(app, base_url, follow_redirects=follow_redirects)
        self._transport = _Transport(self._carry_out)

    def _carry_out(self, exchange: "_Exchange") -> None:
        assert self.portal is not None
        self.portal.call(exchange.run, self.app, self.app_state)


class _Transport(httpx2.BaseTransport):
    def __init__(self, carry_out: Callable[["_Exchange"], None]) -> None:
        self._carry_out = carry_out

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = _Exchange(request)
        self._carry_out(exchange)
        return exchange.response()


class _Exchange:
    """One request, and what an application sends for it."""

    def __init__(self, request: httpx2.Request) -> None:
        self._request = request
        self._sent: list[Message] = [{"type": "http.request", "body": request.read()}]
        self._received: list[Message] = []

    async def run(self, app: ASGIApp, state: dict[str, Any]) -> None:
        self._over = anyio.Event()
        await app(_scope(self._request, state), self._receive, self._send)

    async def _receive(self) -> Message:
        if self._sent:
            return self._sent.pop()
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        assert not self._over.is_set(), "a response goes on after its end"
        self._received.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._over.set()

    def response(self) -> httpx2.Response:
        begin, *parts = self._received
        assert begin["type"] == "http.response.start"
        assert self._over.is_set(), "a response has no end"
        body = b"" if self._request.method == "HEAD" else b"".join(part.get("body", b"") for part in parts)
        stream = httpx2.ByteStream(body)
        return httpx2.Response(begin["status"], headers=begin["headers"], stream=stream, request=self._request)


def _scope(request: httpx2.Request, state: dict[str, Any]) -> Scope:
    url = request.url
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "root_path": "",
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": CLIENT,
        "server": (url.host, url.port or PORTS[url.scheme]),
        "state": state.copy(),
    }
