"""Sockets that say nothing, half of something, or are too many cost nobody else an answer."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from server import connections
from server.__main__ import listening
from server.connections import Connection, Connections
from tests.patience import HANG_S
from tests.server.real_server import RunningServer

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ASK = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
HALF_HEAD = b"GET / HTTP/1.1\r\nHost:"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def with_server(most: int, visit: Callable[[Connections, Callable[[], Awaitable[Streams]]], Awaitable[None]]) -> None:
    """A server of this process, whose connections the test sees, and how to open one."""

    async def run() -> None:
        crowd, config = Connections(most), uvicorn.Config(answer, log_config=None)
        protocol = partial(Connection, crowd, config=config, server_state=ServerState(), app_state={})
        listener = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        opened: list[Streams] = []

        async def connect() -> Streams:
            opened.append(await asyncio.open_connection("127.0.0.1", port))
            return opened[-1]

        await asyncio.wait_for(visit(crowd, connect), HANG_S)
        for connection in list(crowd.open):
            connection.end()
        for _, writer in opened:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        listener.close()

    asyncio.run(run())


def test_the_second_packet_of_an_answer_waits_for_no_acknowledgement() -> None:
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def ask(streams: Streams) -> bytes:
    streams[1].write(ASK)
    return await streams[0].readuntil(b"ok")


async def is_open(streams: Streams) -> bool:
    """Whether it is answered."""
    try:
        return b"200" in await ask(streams)
    except (OSError, asyncio.IncompleteReadError):
        return False


def test_idle_sockets_give_way_to_who_asks_the_oldest_first() -> None:
    async def visit(crowd: Connections, connect: Callable[[], Awaitable[Streams]]) -> None:
        idle = [await connect() for _ in range(6)]
        for streams in idle:
            assert await is_open(streams)

        assert b"200" in await ask(await connect())

        assert [await is_open(streams) for streams in idle] == [False, *[True] * 5]
        assert len(crowd.open) <= 6

    with_server(6, visit)


def test_half_a_head_and_half_a_body_are_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(crowd: Connections, connect: Callable[[], Awaitable[Streams]]) -> None:
        kept, silent, head, body = [await connect() for _ in range(4)]
        head[1].write(HALF_HEAD)
        body[1].write(HALF_BODY)
        while len(crowd.idle) > 3:  # the half body has arrived
            await asyncio.sleep(0.01)
        await ask(kept)
        crowd.look()
        assert len(crowd.open) == 4

        monkeypatch.setattr(connections, "HEAD_S", -1.0)
        crowd.look()
        assert [await silent[0].read(), await head[0].read()] == [b"", b""]
        assert len(crowd.open) == 2

        monkeypatch.setattr(connections, "STANDS_STILL_S", -1.0)
        crowd.look()
        assert await body[0].read() == b""
        assert await is_open(kept)

    with_server(9, visit)


@dataclass(eq=False)
class Socket:
    """One of a peer's."""

    crowd: Connections
    peer: str
    ended: bool = False

    def end(self) -> None:
        self.ended = True
        self.crowd.remove(cast(Connection, self))


def opened(crowd: Connections, peer: str, count: int) -> list[Socket]:
    sockets = [Socket(crowd, peer) for _ in range(count)]
    for each in sockets:
        crowd.add(cast(Connection, each))
    return sockets


def test_one_peer_takes_half_of_all_but_a_proxy_as_many_as_there_are() -> None:
    crowd = Connections(8, (ipaddress.ip_network("10.0.0.0/24"),))

    greedy, other = opened(crowd, "192.0.2.1", 5), opened(crowd, "192.0.2.2", 1)
    assert [each.ended for each in [*greedy, *other]] == [True, False, False, False, False, False]

    for each in greedy[1:]:
        each.end()
    proxied = opened(crowd, "10.0.0.7", 7)
    assert not any(each.ended for each in [*proxied, *other])


def test_a_server_may_open_as_much_as_its_machine_allows(own_server: RunningServer) -> None:
    limits = Path(f"/proc/{own_server.pid}/limits").read_text()

    soft, hard = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]
    assert soft == hard
