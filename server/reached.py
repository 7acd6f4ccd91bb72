"""By which address a client reaches this server: the one place that decides it, before anything else sees a request.

A request's own address is its `Host` by plain HTTP, or by https where a trusted proxy says so. Whoever comes directly
keeps it, since another one may lead nowhere from there. Whoever comes by a proxy gets the public address, if there is
one: a proxy need not tell by which scheme and name it was reached itself.
"""

import ipaddress
import logging
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
OWN_MACHINE: Final = ("127.0.0.1", "::1")
# What proxies add to requests; nginx adds none of it unasked, but speaks HTTP 1.0 then, as no client does.
SIGNS: Final = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
PUBLIC_ADDRESS: Final = re.compile(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?/?", re.ASCII)
# Where W&B's client is given the addresses of files.
TOLD_AT: Final = "/graphql"

PASSED_ON: Final = "Reached as %s by a proxy, but PUBLIC_URL says %s: links and files are addressed by the latter."
DIRECT: Final = (
    "Reached as %s, but PUBLIC_URL says %s: this client's files are addressed by the former. That is right if it comes "
    "directly; if a proxy stands between, it must pass on Host or send X-Forwarded-For, or TRUSTED_PROXIES name it."
)
UNTOLD: Final = (
    "Reached as %s by a proxy that does not say how it is reached itself, or is not among TRUSTED_PROXIES: files are "
    "addressed by this. If clients know this server by another address, set PUBLIC_URL, or their files are lost."
)


def public_address(text: str) -> str:
    """Gives an address of this server without a slash at its end.

    Raises:
        ValueError: with what is allowed.
    """
    if not PUBLIC_ADDRESS.fullmatch(text):
        raise ValueError("an address like https://sweeps.example:8443, with nothing behind the port")
    return text.rstrip("/")


def proxies(text: str) -> tuple[Network, ...]:
    """Gives the networks that a text names, with commas between.

    Raises:
        ValueError: with what is allowed.
    """
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"IP addresses and networks, as 10.0.0.2,172.16.0.0/12 ({error})") from None


def is_loopback(url: str) -> bool:
    """Whether an address leads to the machine of whoever uses it."""
    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def for_people(request: Request, public_url: str | None) -> str:
    """The base of links: people open them elsewhere than whoever asks for them, a container for one."""
    return (public_url or str(request.base_url)).rstrip("/")


class Reached:
    """ASGI: gives each request the address by which its client reaches the server; says once what does not agree.

    Args:
        public_url: the address outside; None where each client's own is right.
        trusted: proxies by name: what comes from them comes by a proxy. That they are believed is uvicorn's part.
    """

    def __init__(self, app: ASGIApp, public_url: str | None, trusted: tuple[Network, ...] = ()) -> None:
        self._app = app
        self._public = urlsplit(public_url) if public_url else None
        self._trusted = trusted
        self._said: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = _Request(scope)
            by_proxy = request.signed or self._is_trusted(request.peer)
            outside = self._public is not None and self._is_outside(request, by_proxy, self._public)
            self._tell(request, by_proxy, outside)
            if outside and self._public:
                scope = {**scope, **request.addressed(self._public)}
        await self._app(scope, receive, send)

    def _is_outside(self, request: "_Request", by_proxy: bool, public: SplitResult) -> bool:
        if _named(request.host, public.scheme) == _named(public.netloc, public.scheme):
            return True
        # To whoever comes by a proxy, an address of the server's machine itself is another machine's.
        return by_proxy and not is_loopback(public.geturl())

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:  # a socket has none
            return False
        return any(address in network for network in self._trusted)

    def _tell(self, request: "_Request", by_proxy: bool, outside: bool) -> None:
        if request.path != TOLD_AT:
            return
        public = self._public.geturl() if self._public else ""
        if outside and not request.came_to(public):
            self._say_once(PASSED_ON, request.own_url, public)
        elif not outside and public and not is_loopback(public):
            self._say_once(DIRECT, request.own_url, public)
        elif not outside and by_proxy and not request.told:
            self._say_once(UNTOLD, request.own_url)

    def _say_once(self, text: str, *values: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.warning(text, *values)


@dataclass(frozen=True)
class _Request:
    """How one request came."""

    scope: MutableMapping[str, Any]

    @property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def host(self) -> str:
        return self.headers.get("Host", "")

    @property
    def peer(self) -> str:
        return (self.scope.get("client") or ("",))[0]

    @property
    def own_url(self) -> str:
        return f"{self.scope['scheme']}://{self.host}"

    @property
    def signed(self) -> bool:
        return self.scope.get("http_version") == "1.0" or any(name in self.headers for name in SIGNS)

    @property
    def told(self) -> bool:
        """Whether a proxy says how it was reached itself, is believed, and passes the same on."""
        host = self.headers.get("X-Forwarded-Host", self.host)
        return self.headers.get("X-Forwarded-Proto") == self.scope["scheme"] and host == self.host

    def came_to(self, url: str) -> bool:
        """Whether it came to this address by all that is said of it, also by a proxy that nobody named."""
        scheme, _, host = url.partition("://")
        said = self.headers.get("X-Forwarded-Proto", self.scope["scheme"])
        return said == scheme and _named(host, scheme) == _named(self.host, scheme)

    def addressed(self, public: SplitResult) -> dict[str, Any]:
        """The parts of its scope that say how the server is reached, as if it came to this address."""
        headers = [(name, value) for name, value in self.scope["headers"] if name != b"host"]
        return {"scheme": public.scheme, "headers": [(b"host", public.netloc.encode()), *headers]}


def _named(host: str, scheme: str) -> str:
    """Host and port as browsers name them, without the port that the scheme has anyway."""
    return host.lower().removesuffix(DEFAULT_PORTS[scheme])
