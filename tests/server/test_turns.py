"""Turns: no one who asks keeps all threads, and who waits too long is told to come again."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from server.refusal import BusyError, RefusalError
from server.store.database import Database
from server.store.scope import Scope, asked_by
from server.turns import Turns
from tests.patience import HANG_S
from tests.server.speaker import Clock, speaking

MANY, ONE = Scope(who="many"), Scope(who="one")


async def asked(scope: Scope, turns: Turns, held: threading.Event) -> None:
    """Work that lasts until it is let go."""
    with asked_by(scope):
        await turns.run(held.wait, HANG_S)


def test_who_asks_for_much_waits_for_their_own_and_another_goes_past() -> None:
    async def visit() -> int:
        turns, held, free = Turns(2, 1), threading.Event(), threading.Event()
        free.set()
        many = [asyncio.create_task(asked(MANY, turns, held)) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.wait_for(asked(ONE, turns, free), HANG_S)
        waiting = sum(not task.done() for task in many)
        held.set()
        await asyncio.gather(*many)
        return waiting

    assert asyncio.run(visit()) == 5


def test_who_has_waited_for_too_long_is_told_when_to_come_again() -> None:
    async def visit() -> Response:
        turns, held = Turns(1, 1, wait_s=0.01), threading.Event()
        first = asyncio.create_task(asked(MANY, turns, held))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="send this again"):
            await asked(ONE, turns, held)
        answer: Awaitable[Response] = turns.endpoint(lambda _: Response())(
            Request({"type": "http", "query_string": b""})
        )
        response = await answer
        held.set()
        await first
        return response

    response = asyncio.run(visit())

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_nothing_is_begun_for_who_has_left_and_nothing_is_read_any_more(tmp_path: Path) -> None:
    database, seen, held = Database(tmp_path / "sweeps.sqlite"), [], threading.Event()

    def look(request: Request) -> Response:
        seen.append(request.url.path)
        held.wait(HANG_S)
        with database.read(HANG_S) as connection:
            return Response(str(connection.execute("SELECT 1").fetchone()))

    async def visit() -> list[Response | BaseException]:
        endpoint, gone = Turns(1, 1).while_asked(look), asyncio.Event()

        async def leave() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        visits = [asyncio.create_task(_of(endpoint, path, leave)) for path in ("/first", "/second")]
        while not seen:
            await asyncio.sleep(0)
        gone.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        held.set()
        return await asyncio.gather(*visits, return_exceptions=True)

    first, second = asyncio.run(visit())
    database.close()

    assert isinstance(first, RefusalError)
    assert isinstance(second, Response)
    assert (seen, second.body) == (["/first"], b"")


async def _of(endpoint: Callable[[Request], Awaitable[Response]], path: str, receive: Receive) -> Response:
    return await endpoint(Request({"type": "http", "path": path, "headers": [], "query_string": b""}, receive))


def test_a_page_and_an_artifact_have_a_deadline_as_queries_have(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
    with speaking(tmp_path / "data", clock, query_s=0.0) as wb:
        page = wb.http.get("/local/p", headers=wb.headers)
        named = wb.http.get("/artifactsV2/default/local/p/c/birth/md5/name", headers=wb.headers)

    assert page.status_code == named.status_code == 400
    assert "this takes longer than 0 s: ask for less at once" in page.text
    assert "this takes longer than 0 s: ask for less at once" in named.text
