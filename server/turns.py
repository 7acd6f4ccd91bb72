"""Turns of those who ask: a few threads work at once, and no one who asks has all of them.

What reads and computes takes its share of Python's one lock from those that write, and a thread is soon taken by what
lasts. So whoever sends many requests waits for their own, in the order in which they came, and others go past.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.refusal import BusyError
from server.store.scope import asking, ending_with, has_left

Outcome = TypeVar("Outcome")
WAIT_S: Final = 15.0
AGAIN_S: Final = 5
# What nginx notes of a client that closed its request; nobody reads it.
LEFT: Final = 499


async def _tell_of_leaving(request: Request, left: threading.Event) -> None:
    """Waits for whoever asks to go."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    left.set()


@dataclass
class _Own:
    """What one who asks has, for as long as they ask for something."""

    turns: asyncio.Semaphore
    asked: int = 0


class Turns:
    """The threads of one kind of work; the server's event loop is the only one that knows them.

    Args:
        most: how many work at once.
        of_one: for one who asks.
        wait_s: how long somebody waits for a turn.
    """

    def __init__(self, most: int, of_one: int, wait_s: float = WAIT_S) -> None:
        self._threads = CapacityLimiter(most)
        self._all = asyncio.Semaphore(most)
        self._of_one = of_one
        self._wait_s = wait_s
        self._own: dict[object, _Own] = {}

    async def run(self, work: Callable[..., Outcome], *arguments: Any, by: str = "") -> Outcome:
        """Carries out work in a thread when it is its turn.

        Args:
            by: who asks, where only a signed address tells that.

        Raises:
            BusyError: it was not its turn for too long; the client is to ask again.
        """
        async with self._turn((asking(), by)):
            return await to_thread.run_sync(work, *arguments, limiter=self._threads)

    def endpoint(self, work: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        """A plain endpoint in its turn."""

        async def endpoint(request: Request) -> Response:
            try:
                return await self.run(work, request, by=request.query_params.get("by", ""))
            except BusyError as error:
                return PlainTextResponse(error.message, error.status, {"Retry-After": str(error.again_s)})

        return endpoint

    def while_asked(self, work: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        """A plain endpoint in its turn that only reads: nothing is read any more for whoever has left.

        So goes a browser that asks for something else before it was answered.
        """
        in_turn = self.endpoint(lambda request: Response(status_code=LEFT) if has_left() else work(request))

        async def endpoint(request: Request) -> Response:
            left = threading.Event()
            with ending_with(left.is_set):
                leaving = asyncio.ensure_future(_tell_of_leaving(request, left))
                try:
                    return await in_turn(request)
                finally:
                    leaving.cancel()

        return endpoint

    @asynccontextmanager
    async def _turn(self, who: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._wait_s):
                    await held.enter_async_context(self._own_turn(who))
                    await held.enter_async_context(self._all)
            except TimeoutError:
                raise BusyError("many requests are under way: send this again", AGAIN_S) from None
            yield

    @asynccontextmanager
    async def _own_turn(self, who: object) -> AsyncIterator[None]:
        own = self._own.setdefault(who, _Own(asyncio.Semaphore(self._of_one)))
        own.asked += 1
        try:
            async with own.turns:
                yield
        finally:
            own.asked -= 1
            if not own.asked:
                del self._own[who]
