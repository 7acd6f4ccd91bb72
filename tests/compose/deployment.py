"""Fresh clones of the project and what `docker compose` makes of them, as their users do it."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import wandb
import yaml

from tests.patience import HANG_S

ROOT = Path(__file__).parents[2]
CLEAR_LINE = "\x1b[2K"
PROJECT = "local/wandb-sweep-practice"

# Trains nothing. The image knows nothing of tests.
QUICK_TRIAL = "tests/app/quick_trial.py"
OWN_SWEEP = "sweeps/own.yaml"
MOUNTED = {
    "environment": {"HOLD": "/held"},
    "volumes": [f"./{QUICK_TRIAL}:/srv/{QUICK_TRIAL}:ro", "./held:/held:ro"],
}


class Deployment:
    """A clone without `.env`, whose name is its Compose project's too; `close` leaves nothing of it.

    Attributes:
        folder: the clone.
        variables: of the shell that `docker compose` is called from.
        program: that is called; COMPOSE names another Compose than Docker's own.
    """

    def __init__(self, folder: Path, fresh: bool = True) -> None:
        """Takes the folder as it is if it is not to be a fresh clone."""
        self.folder = folder
        self.variables = {"PORT": str(_free_port())}
        self.program = [os.environ["COMPOSE"]] if os.environ.get("COMPOSE") else ["docker", "compose"]
        self._attached: list[subprocess.Popen[str]] = []
        if fresh:
            self._fill()

    def _fill(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def url(self) -> str:
        """The dashboard's address on this machine."""
        return f"http://127.0.0.1:{self.variables['PORT']}"

    def add(self, name: str, document: Mapping[str, Any]) -> None:
        """Adds a Compose file to those that are read."""
        (self.folder / name).write_text(yaml.safe_dump(dict(document)))
        files = self.variables.get("COMPOSE_FILE", "docker-compose.yml")
        self.variables["COMPOSE_FILE"] = f"{files}:{name}"

    def write_sweep(self, trial: list[str], parameters: Mapping[str, Any]) -> None:
        """Writes a grid whose trials run `trial`, and makes it this clone's SWEEP."""
        document = {
            "name": self.name,
            "method": "grid",
            "metric": {"name": "val_accuracy", "goal": "maximize"},
            "parameters": dict(parameters),
            "command": ["${env}", "${interpreter}", "-I", "-S", "app/trial.py", *trial, "${args}"],
        }
        (self.folder / OWN_SWEEP).write_text(yaml.safe_dump(document))
        self.variables["SWEEP"] = OWN_SWEEP

    def write_quick_sweep(self, sizes: int, epochs: int) -> None:
        """The same with `sizes` trials that train nothing; an epoch takes them .2 s, or as long as `hold` says."""
        (self.folder / "held").mkdir()
        sizes_in_turn = {"values": list(range(1, sizes + 1))}
        self.add("compose.quick.yml", {"services": {"agent": MOUNTED}})
        self.write_sweep([QUICK_TRIAL], {"size": sizes_in_turn, "epochs": {"value": epochs}})

    def hold(self, holding: bool = True) -> None:
        """Says whether the quick trials stay in their epoch: what a test does to them meets them at work."""
        file = self.folder / "held" / "hold"
        file.touch() if holding else file.unlink()

    def compose(self, *arguments: str, code: int | None = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs `docker compose` to its end.

        Args:
            code: the exit code that it must have; None allows any.
            variables: of its shell, beside this clone's own.
        """
        done = subprocess.run(
            self._command(*arguments),
            cwd=self.folder,
            env=self._environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_S,
        )
        # Compose clears lines also where there is no terminal.
        done.stdout = done.stdout.replace(CLEAR_LINE, "")
        assert code in (None, done.returncode), f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def follow(self, *arguments: str, until: str) -> list[str]:
        """Starts `docker compose`, as in a terminal of its own, and reads what it says until a line holds `until`."""
        process = self.popen(*arguments)
        self._attached.append(process)
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip("\n").removeprefix(CLEAR_LINE))
            if until in line:
                return lines
        raise AssertionError(f"it ended and never said {until!r}:\n" + "\n".join(lines))

    def popen(self, *arguments: str, stderr: int = subprocess.STDOUT) -> subprocess.Popen[str]:
        """Starts `docker compose`; its stdout is a pipe."""
        return subprocess.Popen(
            self._command(*arguments),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def logs(self, service: str) -> str:
        return self.compose("logs", "--no-log-prefix", service).stdout

    def containers(self, service: str = "", everything: bool = True) -> list[Any]:
        """What `docker inspect` says of the containers of a service, or of all; those that have ended too."""
        which = ["--all"] if everything else []
        ids = self.compose("ps", "--quiet", *which, *([service] if service else [])).stdout.split()
        return inspect(*ids) if ids else []

    def exit_codes(self, service: str) -> list[int]:
        return [each["State"]["ExitCode"] for each in self.containers(service)]

    def api(self) -> wandb.Api:
        key = self.compose("exec", "-T", "server", "cat", "/data/server/api-key").stdout.strip()
        return wandb.Api(overrides={"base_url": self.url}, api_key=key, timeout=HANG_S)

    def sweeps(self) -> list[Any]:
        api = self.api()
        return [api.sweep(f"{PROJECT}/{found.id}") for found in api.project(*reversed(PROJECT.split("/"))).sweeps()]

    def runs(self) -> list[Any]:
        return list(self.api().runs(PROJECT, lazy=False))

    def finished(self, parameter: str) -> list[Any]:
        """The parameter's value in each finished run, in order."""
        return sorted(run.config[parameter] for run in self.runs() if run.state == "finished")

    def wait_until_running(self, count: int, limit_s: float = HANG_S) -> None:
        """Waits until so many runs are under way."""
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            if self.sweeps() and sum(run.state == "running" for run in self.runs()) >= count:
                return
            time.sleep(0.5)
        raise AssertionError(f"never {count} runs at once:\n{self.compose('logs').stdout}")

    def wait_until_ended(self, service: str, limit_s: float = HANG_S) -> None:
        """Waits for every container of a service; `docker compose wait` fails where they have ended already."""
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            if all(each["State"]["Status"] == "exited" for each in self.containers(service)):
                return
            time.sleep(0.5)
        raise AssertionError(f"{service} never ended:\n{self.logs(service)}")

    def close(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "1", code=None)
        for process in self._attached:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def _command(self, *arguments: str) -> list[str]:
        return [*self.program, "--ansi", "never", *arguments]

    def _environment(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
        return kept | self.variables | variables


def inspect(*ids: str) -> list[Any]:
    """What `docker inspect` says."""
    return list(json.loads(docker("inspect", *ids)))


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=HANG_S).stdout


def open_deployment(folder: Path) -> Iterator[Deployment]:
    deployment = Deployment(folder)
    try:
        yield deployment
    finally:
        deployment.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
