"""A real `python -m server` process for the tests that use the real `wandb`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.patience import HANG_S
from tests.server.warm_programs import SERVER

if TYPE_CHECKING:
    import wandb


class RunningServer:
    """A server on a free port of 127.0.0.1 and its own data directory, with more flags if need be.

    Attributes:
        process: to start, to signal and to wait for; plain, or the parent of one that is forked with its imports done.
        pid: of the server itself.
    """

    def __init__(self, data: Path, *flags: str, plain: bool = False) -> None:
        self.plain = plain
        self.data = data
        self.flags = flags
        self.log = data.with_name(data.name + ".log")
        self.port = 0
        self.start()
        self.port = int(self.url.rsplit(":", 1)[1])
        self.api_key = (data / "api-key").read_text().strip()

    def start(self) -> None:
        """Starts it, on the same port as before if it ran before, and waits until it listens."""
        command = [*python(self.plain), "-m", "server", "--data", str(self.data), "--port", str(self.port), *self.flags]
        begin = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end_s = time.monotonic() + HANG_S
        while "server at " not in self.output()[begin:]:
            assert self.process.poll() is None, f"the server died:\n{self.output()}"
            assert time.monotonic() < end_s, f"the server does not listen:\n{self.output()}"
            time.sleep(0.05)
        noted = json.loads((self.data / "server.json").read_text())
        self.url, self.pid = noted["url"], noted["pid"]

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=HANG_S)

    def output(self) -> str:
        return self.log.read_text()

    def env(self, home: Path) -> dict[str, str]:
        """The environment of a W&B program that uses this server and knows of no other."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        return kept | {
            "HOME": str(home),
            "WANDB_BASE_URL": self.url,
            "WANDB_API_KEY": self.api_key,
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def api(self) -> "wandb.Api":
        import wandb  # half of what the process that only starts workers would import

        return wandb.Api(overrides={"base_url": self.url}, api_key=self.api_key, timeout=HANG_S)


def python(plain: bool = False) -> tuple[str, ...]:
    """Plain, or with the server imported already; nothing else differs, and some tests of each kind are plain."""
    return (sys.executable,) if plain else SERVER.python()


@contextmanager
def ending(server: RunningServer, end: Callable[[RunningServer], None] = RunningServer.stop) -> Iterator[RunningServer]:
    """A server that is ended whatever becomes of the tests that use it."""
    try:
        yield server
    finally:
        end(server)
