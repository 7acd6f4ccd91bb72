"""A trial that the warm server starts, seen from its thin parent. Standard library only: every trial pays for it.

One connection is one trial. The parent sends the length of its request, the three standard descriptors with it, then
the request. The server answers that it has started the trial, or why it does not. From then on each byte from the
parent is a signal to send, and the only answer is how the trial ended. If the parent goes, the server kills the trial's
group.
"""

import marshal
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

SOCKET = "WARM_SOCKET"
SWITCH = "WARM"

LENGTH_BYTES = 4
ENDING_BYTES = 4
STARTED, REFUSED = b"S", b"R"

# The server may still be at its imports, which end sooner than those of a process that starts only now: 3 s, and half a
# minute on a machine that has ten times the work that it can do.
ANSWER_LIMIT_S = 300.0


class Unavailable(Exception):
    """No trial was started, and a plain process can run it; the message says why."""


class ServerEnded(Exception):
    """The server ended while its trial ran, and the trial with it."""


class WarmProcess:
    """A trial that the server at the other end of `connection` has started for this process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, signum: int) -> None:
        try:
            self._connection.send(bytes([signum]))
        except OSError:
            return

    def wait(self) -> int:
        """Waits for its end, as its kind does; raises ServerEnded."""
        try:
            answer = self._connection.recv(ENDING_BYTES, socket.MSG_WAITALL)
        except OSError:
            answer = b""
        if len(answer) < ENDING_BYTES:
            raise ServerEnded
        return int.from_bytes(answer, "big", signed=True)


def start(arguments: Sequence[str], environment: Mapping[str, str], limit_s: float = ANSWER_LIMIT_S) -> WarmProcess:
    """Has the server that WARM_SOCKET names start a trial.

    Args:
        arguments: of Python.
        environment: all of the trial's.
        limit_s: how long the server may take to answer.

    Raises:
        Unavailable: with the reason, if it was not started.
    """
    path = environment.get(SOCKET)
    if not path:
        raise Unavailable(f"{SOCKET} is not set")
    try:
        request = _request(arguments, environment)  # before the socket may take the number of a closed descriptor
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(limit_s)
        connection.connect(path)
        _send(connection, request)
        answer = connection.recv(len(STARTED))
        if answer != STARTED:
            raise Unavailable(_rest(connection) if answer == REFUSED else "the warm server ended")
    except OSError as error:
        reason = "it gave no answer in time" if isinstance(error, TimeoutError) else error.strerror
        raise Unavailable(f"the warm server at {path}: {reason}") from None
    connection.settimeout(None)
    return WarmProcess(connection)


def _request(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    umask = os.umask(0o77)
    os.umask(umask)
    return {
        "python": sys.executable,
        "version": sys.version,
        "arguments": list(arguments),
        "environment": dict(environment),
        "cwd": os.getcwd(),
        "umask": umask,
        "ignored": [each for each in range(1, signal.NSIG) if _is_ignored(each)],
        "descriptors": [each for each in range(3) if _is_open(each)],
    }


def _send(connection: socket.socket, request: dict[str, Any]) -> None:
    content = marshal.dumps(request)  # json would double the time that this program starts in
    length = len(content).to_bytes(LENGTH_BYTES, "big")
    socket.send_fds(connection, [length], request["descriptors"])
    connection.sendall(content)


def _rest(connection: socket.socket) -> str:
    with connection.makefile("rb") as reader:
        return reader.read().decode(errors="replace")


def _is_ignored(signum: int) -> bool:
    # SIGPIPE and SIGXFSZ are ignored in every Python.
    return signum not in (signal.SIGPIPE, signal.SIGXFSZ) and signal.getsignal(signum) == signal.SIG_IGN


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
