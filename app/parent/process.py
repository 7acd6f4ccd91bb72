"""A trial's process and how its thin parent attends to it. Standard library only: every trial pays for it."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import NoReturn, Protocol

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class Process(Protocol):
    """A process that has been started."""

    def send(self, signum: int) -> None:
        """Sends it a signal, SIGKILL to its whole group; nothing happens if it has ended."""

    def wait(self) -> int:
        """Waits for its end: its exit code, or -n if signal n ended it."""


class OwnProcess:
    """A command in a process and a group of its own; on Linux it ends no later than this process.

    Args:
        command: path of the program and its arguments.
        environment: all of it.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _become(command, environment, parent)

    def send(self, signum: int) -> None:
        try:
            (os.killpg if signum == signal.SIGKILL else os.kill)(self._pid, signum)
        except ProcessLookupError:
            return

    def wait(self) -> int:
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)


class Told:
    """A process, and when it was told something first.

    Attributes:
        at_s: of the first signal that was sent to it, by a clock that does not jump; None before that.
        to_end: whether it was SIGTERM, or that came later.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self.at_s: float | None = None
        self.to_end = False

    def send(self, signum: int) -> None:
        self.at_s = self.at_s or time.monotonic()
        self.to_end = self.to_end or signum == signal.SIGTERM
        self._process.send(signum)

    def wait(self) -> int:
        return self._process.wait()


def _become(command: Sequence[str], environment: Mapping[str, str], parent: int) -> NoReturn:
    try:
        stand_alone(parent)
        # A shell's `&` leaves SIGINT ignored, and W&B stops a run by it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        os.execve(command[0], list(command), dict(environment))
    except OSError as error:
        print(f"trial: {command[0]}: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def stand_alone(parent: int) -> None:
    """Gives this process, just forked by `parent`, its own group, and on Linux an end no later than its parent's."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be said that we die with it
        os._exit(127)


def hold_signals() -> None:
    """Keeps what is passed on until somebody attends to the process that is started now."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)


def attend(
    process: Process, is_over: Callable[[], bool], look_every_s: float, passed_on: Sequence[int] = PASSED_ON
) -> int:
    """Passes signals on to a process until it ends, each once; from then on they are held.

    Args:
        process: started while signals were held.
        is_over: asked now and then; the process and its group are killed when it is true.
        look_every_s: how often; 0 never asks.
        passed_on: which; the others go on being held.

    Returns:
        Its exit code, or -n if signal n ended it.
    """

    def send(signum: int, frame: FrameType | None) -> None:
        process.send(signum)

    def look(signum: int, frame: FrameType | None) -> None:
        if is_over():
            process.send(signal.SIGKILL)

    for signum in passed_on:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, send)
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, look_every_s, look_every_s)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
    try:
        return process.wait()
    finally:
        hold_signals()
        signal.setitimer(signal.ITIMER_REAL, 0)
