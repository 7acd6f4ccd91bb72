"""Processes that have imported what programs of the tests use, and fork themselves for each such program.

    python -m tests.server.warm_programs LISTENER NAME

The imports are most of what a small program costs: .6 s of a core for W&B's client, as much for this project's server,
1 s for the commands of `app`, which stand on both; and 2 s for each worker of the tests.
This is the product's warm server with other modules: a program becomes what Python makes of its arguments, in its
parent's directory, environment and streams. What the imports read of the environment is the same for all tests; client
and server read their own variables when they are used.
"""

import atexit
import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from app.parent import warm
from app.parent.process import stand_alone
from app.warm.become import Become, become
from app.warm.server import Server, listen
from tests.server import hanging

ROOT = Path(__file__).parents[2]
PARENT = Path(__file__).with_name("forked.py")
KEPT_SOCKET = f"KEPT_{warm.SOCKET}"  # of `forked.py`

# What is imported, also at first use, without what is run itself: `server.__main__`. A program to be needs numpy.
UVICORN = ("lifespan.on", "loops.auto", "loops.asyncio", "protocols.http.auto", "protocols.websockets.auto")
MODULES = {
    "app": ("app.__main__", "numpy", "requests", "wandb.apis.public", "wandb.sdk.launch.sweeps.utils"),
    "client": ("numpy", "requests", "wandb.apis.public", "wandb.cli.cli", "yaml"),
    "server": (
        *("numpy", "click", "anyio.streams.tls", "anyio._backends._asyncio"),
        *("server.app", "server.greeting", "server.program", "server.standby", "server.verify"),
        *(f"uvicorn.{module}" for module in UVICORN),
    ),
    # Nothing of this project: coverage is to see its imports, and pytest to rewrite what the tests assert.
    "worker": (
        *("pytest", "xdist.remote", "hypothesis", "numpy", "scipy.linalg", "scipy.optimize", "scipy.special"),
        *("wandb.apis.public", "wandb.cli.cli", "requests", "httpx2", "starlette.testclient", "uvicorn.main"),
        *("dotenv", "graphql", "jinja2", "jsonschema", "nbclient", "nbformat", "prometheus_client", "pydantic"),
        *("rich.table", "yaml"),
    ),
}


class WarmProgram:
    """One such process, by the name of what it has imported; it starts when it is needed first.

    Attributes:
        variable: of the environment; has the socket that all workers share, set by the process that starts them.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.variable = f"TESTS_{name.upper()}_SOCKET"

    def python(self) -> tuple[str, ...]:
        """What stands for Python's name in a command; arguments that are Python's own options are not taken."""
        return _forked_by(self.socket_path)

    @cached_property
    def socket_path(self) -> str:
        """Of the one that all workers share, or of this process's own; trials of the product can start from it too."""
        return os.environ.get(self.variable) or self._start()

    def share(self) -> None:
        """Starts it for the workers that this process starts."""
        os.environ[self.variable] = self.socket_path

    def _start(self) -> str:
        """Starts the process, which ends with this one, and returns the path of its socket."""
        folder = tempfile.mkdtemp(prefix=f"tests-{self.name}-")
        path = f"{folder}/socket"
        with listen(path) as listener:
            number = listener.fileno()
            environment = {**os.environ, **hanging.FAULT_HANDLER}  # read when Python starts
            command = [sys.executable, "-m", __name__, str(number), self.name]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[number])
        atexit.register(shutil.rmtree, folder)
        atexit.register(process.wait)
        atexit.register(process.kill)
        return path


def _forked_by(socket_path: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(PARENT), socket_path)


APP = WarmProgram("app")
CLIENT = WarmProgram("client")
SERVER = WarmProgram("server")
WORKER = WarmProgram("worker")


def main(listener: int, name: str) -> Become | None:
    """Serves to the end, and returns None; in a program returns what this process is to become."""
    stand_alone(os.getppid())
    parent = os.getpid()
    server = Server(socket.socket(fileno=listener), _refusal)
    _preload(name)
    program = server.serve()
    if program is not None:
        server.abandon()
        stand_alone(parent)
        _take_paths(program.request)
        if name == APP.name:
            subprocess.Popen = _Popen  # type: ignore[misc]
    return program


def _refusal(request: Mapping[str, Any]) -> str | None:
    count = len(os.listdir("/proc/self/task"))
    return None if count == 1 else f"a process with {count} threads is not forked safely"


def _take_paths(request: Mapping[str, Any]) -> None:
    """Those of the program: of its modules, as Python itself does, and of the warm server that is its own."""
    environment = request["environment"]
    more = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[1:1] = [os.path.join(request["cwd"], path) for path in more]
    del environment[warm.SOCKET]
    if kept := environment.pop(KEPT_SOCKET, None):
        environment[warm.SOCKET] = kept


class _Popen(subprocess.Popen[Any]):
    """Has forked what a command of `app` starts, where a process that all workers share forks such a program."""

    def __init__(self, args: Any, *more: Any, **options: Any) -> None:
        super().__init__(_forked(args) if isinstance(args, list) else args, *more, **options)


def _forked(command: list[str]) -> list[str]:
    """The agents stay plain: their parents look at what runs in their sessions."""
    for warm_program, begin in ((CLIENT, ("-m", "wandb", "sweep")), (SERVER, ("-m", "server"))):
        plain = [sys.executable, *begin]
        found = [at for at in range(len(command)) if command[at : at + len(plain)] == plain]
        if found and (path := os.environ.get(warm_program.variable)):
            return [*command[: found[0]], *_forked_by(path), *command[found[0] + 1 :]]
    return command


def _preload(name: str) -> None:
    gc.disable()
    path = [*sys.path]
    for module in MODULES[name]:
        import_module(module)
    sys.path[:] = path  # modules that are programs too add to it
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    if program := main(int(sys.argv[1]), sys.argv[2]):
        become(program)
