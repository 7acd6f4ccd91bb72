"""The unmodified `wandb` at work in the tests: its commands, programs that use its SDK, its agents."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.server import hanging
from tests.server.real_server import RunningServer
from tests.server.warm_programs import CLIENT

TRIAL = """
import time, wandb
run = wandb.init()
for epoch in range(3):
    run.log({"epoch": epoch, "acc": run.config["units"] / 100 + epoch / 1000})
    time.sleep(run.config.get("pause_s", 0))
run.finish()  # a client that ends without it waits for ever, rarely: see hanging.py
"""
SWEEP = """
program: trial.py
method: grid
name: sizes
metric: {name: acc, goal: maximize}
parameters:
  units: {values: [8, 16, 32]}
"""
WANDB = str(Path(sys.executable).with_name("wandb"))


def start(server: RunningServer, cwd: Path, *command: str, **env: str) -> subprocess.Popen[str]:
    """Starts a command with pipes for its streams."""
    pipe = subprocess.PIPE
    environment = server.env(cwd) | hanging.FAULT_HANDLER | env
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True)


def cli(server: RunningServer, cwd: Path, *arguments: str, code: int = 0, plain: bool = False) -> str:
    """Runs the real `wandb` command and gives all that it printed."""
    process = start(server, cwd, *python(plain), WANDB, *arguments)
    said = "".join(hanging.output(process, cwd))
    assert process.returncode == code, said
    return said


def script(
    server: RunningServer, cwd: Path, text: str, *arguments: str, code: int = 0, plain: bool = False, **env: str
) -> str:
    """Runs a Python program that uses the SDK and gives its stdout."""
    process = start(server, cwd, *python(plain), "-c", text, *arguments, **env)
    stdout, stderr = hanging.output(process, cwd)
    assert process.returncode == code, stdout + stderr
    return stdout


def python(plain: bool = False) -> tuple[str, ...]:
    """Plain, or with `wandb` imported already; nothing else differs, and some tests of each kind are plain."""
    return (sys.executable,) if plain else CLIENT.python()


class Agents:
    """Real agents at work for one sweep, in a directory of their own."""

    def __init__(self, server: RunningServer, cwd: Path, path: str, count: int = 1, plain: bool = False) -> None:
        self.path = path
        self._cwd = cwd
        self._log = cwd / "agents.log"
        command = [*python(plain), WANDB, "agent", path]
        environment = server.env(cwd) | hanging.FAULT_HANDLER
        with open(self._log, "w") as log:
            self._processes = [
                subprocess.Popen(command, cwd=cwd, env=environment, stdout=log, stderr=log, text=True)
                for _ in range(count)
            ]

    def exit_codes(self) -> list[int]:
        return [hanging.exit_code(process, self._cwd, self._log) for process in self._processes]

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def register(
    server: RunningServer, cwd: Path, config: str = SWEEP, project: str = "p", plain: bool = False, trial: str = TRIAL
) -> str:
    """Registers a sweep of a program; plain trials are those of a sweep file that names no command."""
    command = json.dumps(["${env}", *python(), "${program}", "${args}"])
    (cwd / "trial.py").write_text(trial)
    (cwd / "sweep.yaml").write_text(config if plain else f"{config}command: {command}\n")
    said = cli(server, cwd, "sweep", "--project", project, "sweep.yaml")
    match = re.search(r"wandb agent (\S+)", said)
    assert match, said
    return match[1]
