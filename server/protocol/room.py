"""Room for the bodies of requests: together they hold no more memory than there is, however many come at once.

A body of JSON takes several times its size while it is read. So a large one has its size reserved before any of it is
read, in the order in which they came; until then the network holds it. Small ones need no room: heartbeats never wait
for what others send.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import Request

from server.refusal import BusyError

SMALL_BYTES: Final = 64 * 1024
WAIT_S: Final = 15.0
AGAIN_S: Final = 5


class Room:
    """The room of one server; its event loop is the only one that knows it.

    Args:
        bytes: of bodies at once; one that is larger has all of it.
    """

    def __init__(self, bytes: int, wait_s: float = WAIT_S) -> None:
        self._free = self._all = bytes
        self._wait_s = wait_s
        self._turn, self._freed = asyncio.Lock(), asyncio.Event()

    @asynccontextmanager
    async def of(self, request: Request) -> AsyncIterator[None]:
        """Has room for a request's body until the end.

        Raises:
            BusyError: there was none for too long; the client is to send it again.
        """
        wanted = self._wanted(request)
        if not wanted:
            yield
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._enter(wanted)
        except TimeoutError:
            raise BusyError("many large requests are under way: send this again", AGAIN_S) from None
        try:
            yield
        finally:
            self._free += wanted
            self._freed.set()

    async def _enter(self, wanted: int) -> None:
        async with self._turn:  # in order, so that a large one is not overtaken for ever
            while self._free < wanted:
                self._freed.clear()
                await self._freed.wait()
            self._free -= wanted

    def _wanted(self, request: Request) -> int:
        length = request.headers.get("Content-Length", "")
        if not length.isdigit() or request.headers.get("Content-Encoding"):
            return self._all  # as large as may be, when it is unpacked
        return 0 if int(length) <= SMALL_BYTES else min(int(length), self._all)
