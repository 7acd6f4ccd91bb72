"""uvicorn, as this server's program."""

import signal
import socket
from collections.abc import Iterable
from functools import partial
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from server.connections import LOOK_S, Connection, Connections

SHUTDOWN_GRACE_S = 5
# W&B's agents ask every 5 s: a connection is to outlive several of their pauses, and a proxy's patience.
KEEP_ALIVE_S = 75
TICKS_A_SECOND = 10


class Program(uvicorn.Server):
    """uvicorn, which would wait for open pages' streams as for requests under way: here they end first.

    Args:
        believed: addresses and networks whose `X-Forwarded-Proto` counts.
        connections: which it has none of yet.
    """

    def __init__(self, app: Starlette, believed: Iterable[str], connections: Connections) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=partial(Connection, connections),  # type: ignore[arg-type]
                timeout_keep_alive=KEEP_ALIVE_S,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
                server_header=False,
                forwarded_allow_ips=list(believed),
            )
        )
        self._end_streams, self._connections = app.state.events.end, connections

    async def on_tick(self, counter: int) -> bool:
        if counter % int(LOOK_S * TICKS_A_SECOND) == 0:
            self._connections.look()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)

    def end_on_signals(self) -> None:
        """Lets signals end the program in order, also before uvicorn has handlers of its own.

        When it has ended, uvicorn raises the signal that stopped it again; whoever runs it must still close its
        database then.
        """

        def end(signum: int, frame: FrameType | None) -> None:
            self.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
