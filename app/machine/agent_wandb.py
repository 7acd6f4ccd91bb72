"""W&B's own command line, as the agents of this project run it: `python -m app.machine.agent_wandb agent ...`.

The client (0.31.0) is as it is; three things that it asks Python for answer otherwise in this process:

- Its agent sleeps 5 s between two looks at its trial, in a read of a queue that nothing fills. That read ends before
  its time when a child of this process has ended, or SIGCHLD says so, and the first one at once. The look that follows
  comes soon: a Bayesian search chooses the next run when somebody wants it.
- Its agent tells a backend `socket.gethostname()`, whatever WANDB_HOST is; its runs heed that variable.
- Its handler of a signal to end raises, wherever the agent is. Systems send such a signal to a whole group, and their
  scripts pass it on to the same processes: the second one that comes at once finds the agent at its answer to the
  first, and ends it with a traceback while its trial still closes its run. Signals that come at once are one here.
"""

import multiprocessing
import os
import runpy
import select
import signal
import socket
import time
from collections.abc import Mapping
from functools import partial
from multiprocessing.queues import Queue
from typing import Any

SOON_S = 1.0
AT_ONCE_S = 3.0
TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Woken:
    """Waits that end when a signal has come; one that came in no wait ends the next one. The first ends at once."""

    def __init__(self) -> None:
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self._waker.send(b"\0")
        self._was_woken = False
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # by default it wakes nobody

    def wait(self, limit_s: float) -> None:
        """Waits at most so long, and after one that was woken not for long."""
        limit_s = min(limit_s, SOON_S) if self._was_woken else limit_s
        self._was_woken = bool(select.select([self._woken], [], [], limit_s)[0])
        if self._was_woken:
            self._woken.recv(4096)


class WokenQueue(Queue):  # type: ignore[type-arg]  # it takes none when it runs
    """What `multiprocessing.Queue` makes; its readers, once woken, look at once, as if their time were over."""

    def __init__(self, woken: Woken, maxsize: int = 0) -> None:
        super().__init__(maxsize, ctx=multiprocessing.get_context())
        self._woken = woken

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As any queue's; raises `queue.Empty`, too."""
        if block and timeout is not None:
            self._woken.wait(timeout)
            return super().get(block=False)
        return super().get(block, timeout)


class AtOnce:
    """Sets handlers of signals, and keeps a signal to end from them that comes soon after another.

    It gives the handlers as they were set: of W&B's, each run's calls the one before.
    """

    def __init__(self) -> None:
        self._set, self._get = signal.signal, signal.getsignal
        self._handlers: dict[int, Any] = {}
        self._came_s = float("-inf")

    def signal(self, signum: int, handler: Any) -> Any:
        """As `signal.signal`."""
        before = self.getsignal(signum)
        self._set(signum, self._first if signum in TO_END and callable(handler) else handler)
        self._handlers[signum] = handler
        return before

    def getsignal(self, signum: int) -> Any:
        """As `signal.getsignal`."""
        return self._handlers[signum] if self._get(signum) == self._first else self._get(signum)

    def _first(self, signum: int, frame: object) -> None:
        now_s = time.monotonic()
        if now_s - self._came_s >= AT_ONCE_S:
            self._came_s = now_s
            self._handlers[signum](signum, frame)


def main(environ: Mapping[str, str]) -> None:
    """Becomes W&B's command line, with the arguments of this process."""
    at_once = AtOnce()
    signal.signal, signal.getsignal = at_once.signal, at_once.getsignal  # type: ignore[assignment]
    multiprocessing.Queue = partial(WokenQueue, Woken())  # type: ignore[misc,assignment]
    if name := environ.get("WANDB_HOST"):
        socket.gethostname = partial(str, name)
    runpy.run_module("wandb", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(os.environ)
