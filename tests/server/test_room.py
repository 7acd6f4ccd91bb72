"""Large bodies have a bound over all together; what finds no room waits or is to be sent again, and small ones pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

import pytest
from starlette.requests import Request
from starlette.types import Message

from server.protocol.room import SMALL_BYTES, Room
from server.refusal import BusyError
from tests.server.one_step import Client
from tests.server.speaker import Speaker

MIB = 1024 * 1024


def request(bytes: int | None, encoding: str = "") -> Request:
    """A request that tells how long its body is, or does not."""
    length = [] if bytes is None else [(b"content-length", str(bytes).encode())]
    packed = [(b"content-encoding", encoding.encode())] if encoding else []
    return Request({"type": "http", "headers": [*length, *packed]})


async def finds_room(room: Room, asked: Request) -> bool:
    try:
        async with room.of(asked):
            return True
    except BusyError:
        return False


@asynccontextmanager
async def held(*rooms: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
    for each in rooms:
        await each.__aenter__()
    yield
    for each in rooms:
        await each.__aexit__(None, None, None)


def test_large_bodies_are_refused_for_now_beyond_the_bound_and_small_ones_never() -> None:
    async def visit() -> list[bool]:
        room = Room(10 * MIB, wait_s=0.01)
        async with held(room.of(request(6 * MIB))):
            asked = [request(5 * MIB), request(None), request(9, "gzip"), request(4 * MIB), request(SMALL_BYTES)]
            beside = [await finds_room(room, each) for each in asked]
        return [*beside, await finds_room(room, request(99 * MIB))]

    assert asyncio.run(visit()) == [False, False, False, True, True, True]


def test_who_waits_goes_on_in_order_when_there_is_room() -> None:
    async def visit() -> list[int]:
        room, order = Room(10 * MIB), []

        async def send(number: int, bytes: int) -> None:
            async with room.of(request(bytes)):
                order.append(number)

        async with held(room.of(request(8 * MIB))):
            waiting = [asyncio.create_task(send(number, size * MIB)) for number, size in enumerate((9, 1, 3))]
            await asyncio.sleep(0)
            assert not order
        await asyncio.gather(*waiting)
        return order

    assert asyncio.run(visit()) == [0, 1, 2]


def test_a_body_that_does_not_come_is_to_be_sent_again(wb: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.protocol.routes.BODY_S", 0.01)
    client, sent = cast(Client, wb.http), list[Message]()
    headers = [(b"authorization", wb.headers["Authorization"].encode()), (b"content-length", b"9")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {}

    async def visit() -> None:
        await client.app({**scope, "scheme": "http"}, receive, send)

    assert client.portal is not None
    client.portal.call(visit)

    assert (sent[0]["status"], dict(sent[0]["headers"])[b"retry-after"]) == (503, b"5")
    assert b"send it again" in sent[1]["body"]
