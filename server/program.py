"""uvicorn, as this server's program."""

import signal
import socket
from collections.abc import Iterable
from types import FrameType

import uvicorn
from starlette.applications import Starlette

SHUTDOWN_GRACE_S = 5


class Program(uvicorn.Server):
    """uvicorn, which would wait for open pages' streams as for requests under way: here they end first.

    Args:
        believed: addresses and networks whose `X-Forwarded-Proto` counts.
    """

    def __init__(self, app: Starlette, believed: Iterable[str]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
                server_header=False,
                forwarded_allow_ips=list(believed),
            )
        )
        self._end_streams = app.state.events.end

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
