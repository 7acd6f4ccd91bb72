"""Sweeps of light trials that real agents work at."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.server import hanging
from tests.server.real_server import RunningServer

PROJECT = "live"
TRIAL = Path(__file__).with_name("light_trial.py")
WANDB = str(Path(sys.executable).with_name("wandb"))


class Work:
    """One sweep, registered by the real `wandb sweep`, in a directory of its own.

    Attributes:
        path: "entity/project/id", as the client names it.
    """

    def __init__(self, server: RunningServer, folder: Path, units: list[int]) -> None:
        self.server = server
        self._folder = folder
        self._log = folder / "agents.log"
        self._agents: list[subprocess.Popen[str]] = []
        self.path = self._register(units)

    @property
    def page(self) -> str:
        entity, project, name = self.path.split("/")
        return f"/{entity}/{project}/sweeps/{name}"

    def start_agent(self) -> None:
        with open(self._log, "a") as log:
            command = [WANDB, "agent", self.path]
            environment = self.server.env(self._folder) | hanging.FAULT_HANDLER
            self._agents.append(
                subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log, text=True)
            )

    def exit_codes(self) -> list[int]:
        """Waits for the agents, which leave when there is nothing left to do."""
        return [hanging.exit_code(agent, self._folder, self._log) for agent in self._agents]

    def kill(self) -> None:
        """The trials go with their agents, or at the end of `hold`."""
        self.set("hold", False)
        for agent in self._agents:
            agent.kill()
            agent.wait()

    def set(self, name: str, there: bool = True) -> None:
        """Makes or removes a file that the trials look at."""
        file = self._folder / name
        file.touch() if there else file.unlink(missing_ok=True)

    def state(self) -> str:
        return str(self.server.api().sweep(self.path).state)

    def runs(self) -> list[Any]:
        """As a fresh client reads them."""
        return list(self.server.api().sweep(self.path).runs)

    def agent_heard(self) -> str:
        """When the one agent asked for work last."""
        (agent,) = self.server.api().sweep(self.path).agents()
        return str(agent.heartbeatAt)

    def wandb(self, *arguments: str) -> str:
        """Runs the real command line; what it said."""
        environment = self.server.env(self._folder)
        done = subprocess.run([WANDB, *arguments], cwd=self._folder, env=environment, capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    def _register(self, units: list[int]) -> str:
        document = {
            "program": str(TRIAL),
            "method": "grid",
            "name": "light",
            "metric": {"name": "val_accuracy", "goal": "maximize"},
            "parameters": {"units": {"values": units}},
            "x-sweep": {"retries": 0},
        }
        (self._folder / "sweep.yaml").write_text(yaml.safe_dump(document))
        said = self.wandb("sweep", "--project", PROJECT, "sweep.yaml")
        match = re.search(r"wandb agent (\S+)", said)
        assert match, said
        return match[1]
