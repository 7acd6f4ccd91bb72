"""A process that has imported `wandb` and forks itself for each program of the tests that uses it.

    python -m tests.server.warm_client LISTENER

The import is most of what a small program costs: .6 s of a core. This is the product's warm server with other modules:
a program becomes what Python makes of its arguments, in its parent's directory, environment and streams. What the
imports read of the environment is the same for all tests; the client reads HOME and its own variables when it is used.
"""

import atexit
import functools
import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.parent import warm
from app.parent.process import stand_alone
from app.warm.become import Become, become
from app.warm.server import Server, listen
from tests.server import hanging

ROOT = Path(__file__).parents[2]
PARENT = Path(__file__).with_name("forked.py")

# The socket that all workers share; the process that starts them sets it.
SOCKET = "TESTS_CLIENT_SOCKET"


def python() -> tuple[str, ...]:
    """What stands for Python's name in a command; arguments that are Python's own options are not taken."""
    return (sys.executable, "-I", "-S", str(PARENT), socket_path())


@functools.cache
def socket_path() -> str:
    """Of the one that all workers share, or of this process's own; trials of the product can start from it too."""
    return os.environ.get(SOCKET) or start()


def start() -> str:
    """Starts the process, which ends with this one, and returns the path of its socket."""
    folder = tempfile.mkdtemp(prefix="tests-client-")
    path = f"{folder}/socket"
    with listen(path) as listener:
        number = listener.fileno()
        environment = {**os.environ, **hanging.FAULT_HANDLER}  # read when Python starts
        command = [sys.executable, "-m", __name__, str(number)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[number])
    atexit.register(shutil.rmtree, folder)
    atexit.register(process.wait)
    atexit.register(process.kill)
    return path


def main(listener: int) -> Become | None:
    """Serves to the end, and returns None; in a program returns what this process is to become."""
    stand_alone(os.getppid())
    parent = os.getpid()
    server = Server(socket.socket(fileno=listener), _refusal)
    _preload()
    program = server.serve()
    if program is not None:
        server.abandon()
        stand_alone(parent)
        del program.request["environment"][warm.SOCKET]
    return program


def _refusal(request: Mapping[str, Any]) -> str | None:
    count = len(os.listdir("/proc/self/task"))
    return None if count == 1 else f"a process with {count} threads is not forked safely"


def _preload() -> None:
    gc.disable()
    import numpy
    import requests  # the client imports this and YAML at their first use
    import wandb.apis.public
    import wandb.cli.cli
    import yaml

    del numpy, requests, wandb, yaml
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    if program := main(int(sys.argv[1])):
        become(program)
