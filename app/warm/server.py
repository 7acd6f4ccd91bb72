"""The warm server: a process that has imported TensorFlow, Keras and W&B's client, and forks itself for each trial.

    python -m app.warm SOCKET

A trial that starts so is 2 s ahead of a plain process, and nothing else differs: it becomes what Python makes of its
arguments, in its parent's working directory, environment and descriptors, and imports the user's modules anew.
Only a process with one thread, in which nothing of TensorFlow, CUDA or W&B's service runs, forks safely, so nothing of
a model is ever built here. Where that does not hold the reason is answered, and a plain process runs the trial.

It ends at SIGTERM, when its last trial has ended.
"""

import gc
import importlib.util
import marshal
import os
import pkgutil
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from app.parent import warm as client
from app.parent.process import stand_alone
from app.warm.become import Become
from app.warm.safety import refusal

BACKLOG = 128
# What is imported only when it is used: here, by W&B's client for runs, media and artifacts, by TensorFlow for data.
# Most of it are private places, which may move.
CLIENT_USED_LATE = (
    *("dotenv", "yaml", "PIL.PngImagePlugin", "wandb.sdk.launch.inputs.internal"),
    *("wandb.apis._generated.get_default_entity", "wandb.sdk.artifacts._internal_artifact"),
    "wandb.sdk.artifacts._models.pagination",
)
ARTIFACT_FORMS = "wandb.sdk.artifacts._generated"
FORMS_USED_LATE = (
    *("artifact_by_id", "artifact_membership_by_name", "artifact_type", "fetch_artifact_manifest"),
    *("get_artifact_membership_file_urls", "operations"),
)
USED_LATE = ("wandb.integration.keras",)
DATA_OPERATIONS = "tensorflow.python.data.ops"  # a module for each
REQUEST_LIMIT_S = 5.0
UCRED = struct.Struct("3i")  # pid, uid, gid: <bits/socket.h>


def listen(path: str) -> socket.socket:
    """Listens on a Unix socket that this user alone can reach; trials that come early wait in its queue.

    `path` is there once it listens: who sees it can connect.
    """
    bound = f"{path}-"
    listener = socket.socket(socket.AF_UNIX)
    umask = os.umask(0o177)
    try:
        listener.bind(bound)
    finally:
        os.umask(umask)
    listener.listen(BACKLOG)
    os.rename(bound, path)
    return listener


def preload() -> None:
    """Imports what every trial needs; the collector looks at none of it again, so that forks go on sharing it."""
    gc.disable()
    # Before TensorFlow: each of the client's models is looked for in all modules that are there, of which it has 2,000.
    import wandb.apis.public

    _import(*CLIENT_USED_LATE, *(f"{ARTIFACT_FORMS}.{name}" for name in FORMS_USED_LATE))
    import keras
    import numpy
    import pydantic
    import tensorflow

    del keras, numpy, pydantic, tensorflow, wandb
    _import(*USED_LATE, *_modules_in(DATA_OPERATIONS))
    gc.collect()
    gc.freeze()


def _import(*modules: str) -> None:
    for module in modules:
        with suppress(ImportError):  # a trial finds it by itself
            importlib.import_module(module)


def _modules_in(package: str) -> Iterator[str]:
    found = importlib.util.find_spec(package)
    for module in pkgutil.iter_modules(found.submodule_search_locations if found else [], f"{package}."):
        yield module.name


class Server:
    """Starts trials for those who connect to `listener`, but those of whose request `refuse` says why not."""

    def __init__(self, listener: socket.socket, refuse: Callable[[Mapping[str, Any]], str | None]) -> None:
        self._listener, self._refuse = listener, refuse
        self._trials: dict[int, socket.socket] = {}
        self._ending = False
        self._selector = selectors.PollSelector()  # epoll's state would be shared with the trials
        self._woken, self._waker = socket.socketpair()

    def serve(self) -> Become | None:
        """Returns None once it was told to end and has no trial any more; in each trial, what that is to become."""
        self._prepare()
        while self._trials or not self._ending:
            for key, _ in self._selector.select():
                trial: Become | None = key.data(key.fileobj)
                if trial is not None:
                    return trial
        return None

    def _prepare(self) -> None:
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # seen in `_look_around`; a default disposition wakes nobody
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._end)
        self._watch(self._woken, self._look_around)
        self._watch(self._listener, self._accept)

    def _watch(self, source: socket.socket, act: Callable[[socket.socket], Become | None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, act)

    def _end(self, signum: int, frame: FrameType | None) -> None:
        self._ending = True

    def _look_around(self, woken: socket.socket) -> None:
        """After a signal: takes leave of trials that have ended, and listens no longer if that was asked."""
        woken.recv(4096)
        while self._trials and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            self._tell(self._trials.pop(pid), os.waitstatus_to_exitcode(status))
        if self._ending and self._listener.fileno() >= 0:
            self._selector.unregister(self._listener)
            self._listener.close()

    def _tell(self, connection: socket.socket, ending: int) -> None:
        with suppress(OSError):  # its parent has gone
            connection.sendall(ending.to_bytes(client.ENDING_BYTES, "big", signed=True))
        self._leave(connection)

    def _leave(self, connection: socket.socket) -> None:
        if connection.fileno() >= 0:
            self._selector.unregister(connection)
            connection.close()

    def _accept(self, listener: socket.socket) -> Become | None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return None  # who wanted something has gone, or this listens no longer
        try:
            connection.settimeout(REQUEST_LIMIT_S)
            request, descriptors = _receive(connection)
        except (OSError, EOFError, TypeError, ValueError) as error:
            print(f"warm: a request came to nothing: {error}", file=sys.stderr, flush=True)
            connection.close()
            return None
        reason, pid = self._refuse(request), -1
        if reason is None:
            reason, pid = _fork()
        if pid == 0:
            connection.close()
            return Become(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._answer(connection, reason, pid)
        return None

    def _answer(self, connection: socket.socket, refused: str | None, pid: int) -> None:
        if refused is None:
            self._trials[pid] = connection
            self._watch(connection, lambda connection: self._hear(connection, pid))
        with suppress(OSError):  # its parent has gone: `_hear` sees to that
            connection.sendall(client.STARTED if refused is None else client.REFUSED + refused.encode())
        if refused is not None:
            connection.close()

    def _hear(self, connection: socket.socket, pid: int) -> None:
        """Sends the trial the signals that its parent has sent here; ends it, and all it started, if that has gone."""
        if self._trials.get(pid) is not connection:
            return  # it has ended since the selector saw this
        try:
            signals = connection.recv(256)
        except OSError:
            signals = b""
        for signum in signals or [signal.SIGKILL]:
            with suppress(ProcessLookupError):
                (os.killpg if signum == signal.SIGKILL else os.kill)(pid, signum)
        if not signals:
            self._leave(connection)

    def abandon(self) -> None:
        """In a trial, closes all that is the server's."""
        signal.set_wakeup_fd(-1)
        for each in (self._listener, self._woken, self._waker, *self._trials.values()):
            each.close()


def _fork() -> tuple[str | None, int]:
    """Forks; in the child every signal waits. Returns why not, or None and the child's id, 0 in the child."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    reason: str | None = None
    try:
        pid = os.fork()
    except OSError as error:
        pid, reason = -1, f"the warm server cannot fork: {error.strerror}"
    if pid > 0:
        with suppress(PermissionError):  # here too: it may have to be killed before it has done so itself
            os.setpgid(pid, pid)
    if pid != 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return reason, pid


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Returns a request and its descriptors; raises OSError, EOFError or ValueError if none comes."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    if UCRED.unpack(credentials)[1] != os.getuid():
        raise PermissionError("it is another user's")
    length, descriptors, _, _ = socket.recv_fds(connection, client.LENGTH_BYTES, 3)
    with connection.makefile("rb") as reader:
        request = marshal.loads(reader.read(int.from_bytes(length, "big")))
    return request, descriptors


def main(path: str, environ: Mapping[str, str]) -> Become | None:
    """Serves at `path` to the end, and returns None; in a trial returns what this process is to become."""
    seen = dict(environ)  # by the imports
    server = Server(listen(path), lambda request: refusal(request, seen))
    parent = os.getpid()
    try:
        preload()
        trial = server.serve()
    finally:
        if os.getpid() == parent:
            os.unlink(path)
    if trial is not None:
        server.abandon()
        stand_alone(parent)
    return trial
