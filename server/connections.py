"""Connections of clients: how long one may keep the server waiting, and how many there may be.

Whoever reaches the port can open sockets; none of it may cost others theirs. A head that does not come, a body that
stands still and an answer that nobody takes end their connection. Beyond the limit over all, the one that has been idle
for longest makes room: a client opens another when it has something to say. A peer has half of all, unless it is a
proxy or this machine itself, behind which there are many.
"""

import ipaddress
import logging
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

HEAD_S: Final = 20.0
STANDS_STILL_S: Final = 30.0
LOOK_S: Final = 5.0
# Files, databases, and what the program itself keeps open.
OWN_DESCRIPTORS: Final = 256
MOST: Final = 8_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def raise_descriptors() -> int:
    """Raises the limit of open descriptors to what this process may have, and returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def most_connections(descriptors: int) -> int:
    """How many connections there may be at once with so many descriptors."""
    if descriptors == resource.RLIM_INFINITY:
        return MOST
    return min(MOST, max(descriptors - OWN_DESCRIPTORS, descriptors // 2))


@dataclass
class Connections:
    """All connections of one server; its event loop is the only one that knows them.

    Attributes:
        most: at once.
        trusted: proxies, which have no limit of their own.
    """

    most: int
    trusted: tuple[Network, ...] = ()
    open: dict["Connection", None] = field(default_factory=dict)
    idle: dict["Connection", None] = field(default_factory=dict)
    _of_peer: Counter[str] = field(default_factory=Counter)
    _said_s: float = float("-inf")

    def add(self, connection: "Connection") -> None:
        """Takes a new one, for which an idle one may have to go, if need be itself."""
        peer = connection.peer
        self.open[connection] = None
        self.idle[connection] = None
        self._of_peer[peer] += 1
        crowded = self._of_peer[peer] > max(1, self.most // 2) and not self._is_many(peer)
        if crowded or len(self.open) > self.most:
            self._make_room(peer if crowded else None)

    def remove(self, connection: "Connection") -> None:
        if connection in self.open:
            del self.open[connection]
            self.idle.pop(connection, None)
            self._of_peer[connection.peer] -= 1
            if not self._of_peer[connection.peer]:
                del self._of_peer[connection.peer]

    def now_idle(self, connection: "Connection") -> None:
        if connection in self.open:
            self.idle[connection] = None

    def look(self) -> None:
        """Ends those that keep the server waiting."""
        now_s = time.monotonic()
        for connection in [each for each in self.open if each.is_overdue(now_s)]:
            connection.end()

    def _make_room(self, peer: str | None) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s > STANDS_STILL_S:
            self._said_s = now_s
            log.warning("too many connections%s: idle ones are closed", f" from {peer}" if peer else "")
        next(each for each in self.idle if peer in (None, each.peer)).end()

    def _is_many(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:  # a socket has none
            return True
        return address.is_loopback or any(address in network for network in self.trusted)


class Connection(H11Protocol):
    """One of them: uvicorn's own, which knows since when the server waits for its client."""

    def __init__(self, all: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._all = all
        self.peer = ""
        self._waits_since_s: float | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._waits_since_s = time.monotonic()
        self._all.add(self)

    def data_received(self, data: bytes) -> None:
        if self._waits_since_s is None:
            self._waits_since_s = time.monotonic()
        super().data_received(data)
        if not self._is_between:
            self._all.idle.pop(self, None)
            self._waits_since_s = time.monotonic() if self.cycle.more_body else None

    def on_response_complete(self) -> None:
        self._waits_since_s = None  # uvicorn's own clock runs from here on, until something comes
        self._all.now_idle(self)
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._waits_since_s = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._waits_since_s = None
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        super().connection_lost(exc)

    def is_overdue(self, now_s: float) -> bool:
        """Whether its client has let the server wait for too long."""
        if self._waits_since_s is None:
            return False
        if self.flow.read_paused:  # the client waits for the server
            self._waits_since_s = now_s
        return now_s - self._waits_since_s > (HEAD_S if self._is_between else STANDS_STILL_S)

    def end(self) -> None:
        self._all.remove(self)
        self.transport.abort()

    @property
    def _is_between(self) -> bool:
        """Whether there is no request under way."""
        return self.cycle is None or self.cycle.response_complete
