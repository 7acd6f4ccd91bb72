"""The agents of one sweep on this machine: started, replaced, missed, woken, stopped."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from app.commands import agent
from app.commands.results import Results
from app.commands.warm_server import WarmServer
from app.machine.children import Child, Interrupts, stop


class Crew:
    """Real `wandb agent`s for the sweep "entity/project/id", each with its log in `logs`; `warm` starts trials."""

    def __init__(self, path: str, warm: WarmServer, logs: Path) -> None:
        self._path, self._warm, self._logs = path, warm, logs
        self._environment: Mapping[str, str] = {}
        self._all: list[Child] = []
        self.working: list[Child] = []

    def start(self, count: int) -> None:
        """Starts so many agents."""
        self._environment = {**self._warm.environment, "AGENTS": str(count)}
        for number in range(1, count + 1):
            self._start(f"agent-{number}")

    def _start(self, name: str) -> None:
        command = agent.command(self._path)
        child = Child(name, command, self._environment, self._logs / f"{name}.log")
        self._all.append(child)
        self.working.append(child)

    def somebody_ended(self) -> bool:
        return any(child.exit_code() is not None for child in self.working)

    def look_after(self, results: Results, say: Callable[[str], None]) -> None:
        """Replaces agents that have run their share, and tells of those that died.

        Args:
            results: as they are after the last agent ended.

        Raises:
            click.ClickException: if none is left to carry on a sweep that is not done.
        """
        if news := self._warm.news():
            say(news)
        ended = [child for child in self.working if child.exit_code() is not None]
        self.working = [child for child in self.working if child not in ended]
        followed = [child for child in ended if agent.worth_another(child, results)]
        for child in followed:
            self._start(child.name)
            if code := child.exit_code():
                say(f"{child.name} died, exit code {code}, and is started again. Its log: {child.log}")
        died = [child for child in ended if child.exit_code() and child not in followed and not results.over]
        for child in died:
            left = len(self.working)
            say(f"{child.name} ended early, exit code {child.exit_code()}; {left} go on. Its log: {child.log}")
        if died and not self.working:
            raise click.ClickException(f"no agent is left, and the sweep is not done:\n{died[-1].tail()}")

    def at_work(self) -> bool:
        """Whether any of them has a trial."""
        return any(child.at_work() for child in self.working)

    def wake(self) -> None:
        """Has each of them ask its backend now what there is to do, not up to 5 s later."""
        for child in self.working:
            child.wake()

    def wait(self, limit_s: float) -> None:
        """Waits at most so long until all have ended by themselves."""
        deadline_s = time.monotonic() + limit_s
        for child in self.working:
            child.wait(max(0.0, deadline_s - time.monotonic()))

    def stop(self, interrupts: Interrupts) -> None:
        """Ends all of them, each after its trial, and whatever those that died have left."""
        stop(self._all, agent.GRACE_S, interrupts)
