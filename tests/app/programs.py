"""Runs the programs of `app` as their users do: as processes, in an environment of their own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.patience import HANG_S
from tests.server import warm_programs
from tests.server.real_server import RunningServer

ROOT = Path(__file__).parents[2]
LEAVING_S = 60.0


@dataclass
class Workplace:
    """A data directory, a `.env` and a sweep file of a test's own.

    Attributes:
        folder: holds all of it.
        variables: of every program started here; PORT=0, so that tests do not meet.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_env_file("")
        self.variables = {
            "DATA_DIR": str(self.data),
            "ENV_FILE": str(self.folder / ".env"),
            "PORT": "0",
            "AGENTS": "1",
            "PYTHONPATH": str(ROOT),
        } | self.variables

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """Of `up` on this machine."""
        return self.data / "logs" / socket.gethostname()

    def environment(self, **variables: str) -> dict[str, str]:
        return {**os.environ, **self.variables, **variables}

    def write_env_file(self, text: str) -> None:
        (self.folder / ".env").write_text(text)

    def write_sweep(self, trial: list[str], parameters: dict[str, Any], **keys: Any) -> Path:
        """Writes a grid whose trials run `trial`, and makes it the SWEEP of this workplace."""
        path = self.folder / "sweep.yaml"
        document = {
            "method": "grid",
            "metric": {"name": "val_accuracy", "goal": "maximize"},
            "parameters": parameters,
            "command": ["${env}", "${interpreter}", "-I", "-S", "app/trial.py", *trial, "${args}"],
        }
        path.write_text(yaml.safe_dump(document | keys))
        self.variables["SWEEP"] = str(path)
        return path

    def write_quick_sweep(self, epochs: int = 1, **parameters: list[Any]) -> Path:
        """The same with trials that train nothing; an epoch takes them .2 s, or as long as `hold` says."""
        self.variables |= {"WARM": "1", "WARM_SOCKET": warm_programs.CLIENT.socket_path}  # they need no TensorFlow
        grid: dict[str, Any] = {name: {"values": values} for name, values in parameters.items()}
        return self.write_sweep(["tests/app/quick_trial.py"], grid | {"epochs": {"value": epochs}})

    def hold(self, holding: bool = True) -> None:
        """Keeps the epochs of quick trials from ending, until they are let go."""
        file = self.data / "hold"
        file.touch() if holding else file.unlink()

    def start(
        self, *command: str, wrapper: tuple[str, ...] = (), plain: bool = False, **variables: str
    ) -> subprocess.Popen[str]:
        """Starts `python -m app COMMAND` in a session of its own; both streams come together.

        Args:
            wrapper: a command that becomes this one, in a plain process.
            plain: whether it, its server and its `wandb sweep` are to import all that they need, as they do for its
                users. Nothing else differs, but that W&B's client reads WANDB_HTTP_TIMEOUT only when it is imported.
        """
        return subprocess.Popen(
            [*wrapper, *python(plain or bool(wrapper)), "-m", "app", *command],
            cwd=ROOT,
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *command: str, wrapper: tuple[str, ...] = (), plain: bool = False, **variables: str
    ) -> tuple[int, str]:
        """The same to its end: exit code and output."""
        return ending(self.start(*command, wrapper=wrapper, plain=plain, **variables))

    def processes(self) -> dict[int, str]:
        """The living processes that were started for this workplace, by what they carry in their environment."""
        return dict(_processes(f"DATA_DIR={self.data}"))

    def left_running(self) -> dict[int, str]:
        """The processes that are still there after a moment's grace; the client's services end by themselves."""
        deadline_s = time.monotonic() + LEAVING_S
        while (left := self.processes()) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return left

    def runs(self) -> list[Any]:
        """Every run that the embedded server of this workplace keeps; none of its programs may be running."""
        server = RunningServer(self.data / "server")
        try:
            return runs(server)
        finally:
            server.stop()


MakeWorkplace = Callable[[str], Workplace]


@dataclass(frozen=True)
class Trained:
    """A small sweep of real trials that is done, and a server that shows it; `run_ids` are those of trial 1 and 2."""

    workplace: Workplace
    server: RunningServer
    run_ids: list[str]

    def runs(self) -> list[Any]:
        return runs(self.server)


def python(plain: bool = False) -> tuple[str, ...]:
    """Plain, or with what the commands of `app` import imported already."""
    return (sys.executable,) if plain else warm_programs.APP.python()


def ending(process: subprocess.Popen[str], limit_s: float = HANG_S) -> tuple[int, str]:
    """Waits for the end of a process; kills it if there is none, and shows what it said."""
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        output, _ = process.communicate()
        raise AssertionError(f"no end within {limit_s} s:\n{output}") from None
    return process.returncode, output


def lines_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """Reads what a process says until a line holds `text`."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"it ended and never said {text!r}:\n{''.join(lines)}")


def process_of(workplace: Workplace, pattern: str, limit_s: float = HANG_S) -> int:
    """The process of the workplace whose command line matches, once there is one."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        for pid, command in workplace.processes().items():
            if re.search(pattern, command):
                return pid
        time.sleep(0.1)
    raise AssertionError(f"no process matches {pattern!r}: {workplace.processes()}")


def runs(server: RunningServer, project: str = "wandb-sweep-practice") -> list[Any]:
    return list(server.api().runs(f"local/{project}", lazy=False))


def _processes(mark: str) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name), (entry / "cmdline").read_text().replace("\0", " ").strip()
        except (OSError, UnicodeDecodeError):
            continue
