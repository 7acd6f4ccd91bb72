"""Slows down who guesses keys, by the address that they come from, and logs it. Who has a right key never waits."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
FORGOTTEN_AFTER_S: Final = 600.0
MOST_PEERS: Final = 1000
# Answers that wait hold a connection each.
MOST_WAITING: Final = 100


@dataclass
class _Peer:
    wrong: int = 0
    last_s: float = 0.0
    free_at_s: float = 0.0


class WrongKeys:
    """Remembers who sent wrong keys, in memory.

    Args:
        clock: seconds that only grow.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._peers: dict[str, _Peer] = {}
        self._waiting = 0

    async def slow_down(self, request: Request) -> None:
        """Notes a wrong key and waits, longer each time; several at once of one peer wait one after another."""
        name = request.client.host if request.client else "a socket"
        pause_s = self._pause_s(name)
        if self._waiting >= MOST_WAITING:
            return
        log.warning("wrong key from %s, the %d. in a row", name, self._peers[name].wrong)
        self._waiting += 1
        try:
            await self._sleep(pause_s)
        finally:
            self._waiting -= 1

    def _pause_s(self, name: str) -> float:
        now_s = self._clock()
        peer = self._peers.pop(name, None)
        if peer is None or now_s - peer.last_s > FORGOTTEN_AFTER_S:
            peer = _Peer()
        peer.wrong, peer.last_s = peer.wrong + 1, now_s
        peer.free_at_s = max(peer.free_at_s, now_s) + min(FIRST_PAUSE_S * 2 ** min(peer.wrong - 1, 16), LONGEST_PAUSE_S)
        # The one that was silent for longest goes first.
        self._peers[name] = peer
        if len(self._peers) > MOST_PEERS:
            del self._peers[next(iter(self._peers))]
        return peer.free_at_s - now_s
