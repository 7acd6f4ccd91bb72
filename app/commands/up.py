"""The whole job on this machine: data, server, one sweep, its agents, progress, results."""

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

import click
from rich.console import Console

from app.commands import agent, client, embedded, left_words, prepare, preview, register
from app.commands.client import BackendError
from app.commands.crew import Crew
from app.commands.embedded import Server
from app.commands.progress import Progress
from app.commands.report import terminal
from app.commands.results import Reader, Results
from app.commands.setup import Setup
from app.commands.waiting import Looks
from app.commands.warm_server import WarmServer
from app.machine import capacity, device
from app.machine.children import Child, Interrupts, Stopped, stop
from app.settings import Settings
from search.time_left import Stretch

SERVER_START_S = 30.0
SERVER_STOP_S = 10.0
# An agent learns at its next heartbeat that its sweep is over.
LAST_HEARTBEAT_S = 30.0

TICK_S = 0.2
# The cloud limits requests; the embedded server need not be spared.
LOOK_S = {"embedded": 2.0, "server": 5.0, "cloud": 10.0}


class Job:
    """One `up`: what was asked for, and what it has started and must stop."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._settings = setup.settings
        self._located = setup.backend
        self._interrupts = Interrupts()
        self._console = Console()
        self._server: Child | None = None
        self._logs = setup.settings.data_dir / "logs" / socket.gethostname()  # others may share the disk
        self._warm: WarmServer | None = None
        self._crew: Crew | None = None
        self._reader: Reader | None = None
        self._looks = Looks(setup.settings.wait_s)

    def run(self) -> int:
        """Does the job.

        Returns:
            The exit code: 0 if every run gave a result, 1 if not, 128 + n if signal n stopped it.

        Raises:
            click.ClickException: if the job cannot be done, with the reason and what to do.
        """
        with self._interrupts:
            try:
                return self._preview() if self._settings.dry else self._run()
            except Stopped as stopped:
                self._say("Stopping: the trials end first, then the server. Ctrl-C then ends them at once.")
                self._stop_agents()
                self._farewell()
                return 128 + stopped.signum
            finally:
                self._stop_agents()
                stop([self._server] if self._server else [], SERVER_STOP_S, self._interrupts)

    def _run(self) -> int:
        # A mistake in the sweep file is told before anything is started.
        target = self._setup.target()
        self._setup.make_data_dir()
        if self._setup.embedded:
            self._located = self._setup.at(self._use_server())
        environment = self._setup.environment(self._located)
        # It has some seconds of imports to do, while the sweep is registered and the agents start.
        self._warm = WarmServer(environment, self._logs / "warm.log")
        api = client.connect(environment)
        self._say(prepare.prepare_for(target, api, environment))
        path, new = register.register(api, target, environment, self._settings.data_dir)
        self._reader = Reader(api, path)
        results = self._introduce(self._reader.read(), new)
        if not results.over:
            results = self._watch(self._start_agents(results, self._warm), self._reader, results)
        now = datetime.now().astimezone()
        if self._crew is not None:
            self._crew.wake()
        code = terminal.finish(api, results, self._console, self._settings.data_dir, now, self._setup.python)
        if self._crew is not None:
            self._crew.wait(LAST_HEARTBEAT_S)
        return code

    def _preview(self) -> int:
        """Tells what `_run` would do; a server that is started to ask for earlier runs is stopped again."""
        for line in preview.dry_run(self._setup, self._earlier):
            self._say(line)
        return 0

    def _earlier(self) -> list[Stretch]:
        if self._setup.embedded:
            if not embedded.directory(self._settings).exists():
                return []
            self._use_server()
        return preview.earlier(self._setup)

    def _introduce(self, results: Results, new: bool) -> Results:
        self._say(register.standing(results, new))
        self._say(register.code_changed(results))
        self._say(self._setup.dashboard(results.url))
        return results

    def _use_server(self) -> Server:
        """Uses this data directory's embedded server: one that runs already, or its own."""
        server = self._running_server()
        if server is not None:
            self._say(f"Server: {server.url} runs already and is left running.")
            return server
        server = self._start_server(self._settings)
        self._say(f"Server: {server.url}, its data in {embedded.directory(self._settings)}.")
        if self._server is not None:
            for line in filter(embedded.in_clear, self._server.tail().splitlines()):
                self._say(line)
        return server

    def _running_server(self) -> Server | None:
        """The server that runs already; one that is busy is waited for."""
        deadline_s = time.monotonic() + SERVER_START_S
        while True:
            try:
                return embedded.find(self._settings)
            except BackendError:
                if time.monotonic() > deadline_s:
                    raise
            time.sleep(TICK_S)

    def _start_server(self, settings: Settings) -> Server:
        self._server = Child("server", embedded.command(settings), self._setup.environ, self._logs / "server.log")
        deadline_s = time.monotonic() + SERVER_START_S
        while self._server.wait(TICK_S) is None and time.monotonic() < deadline_s:
            with contextlib.suppress(BackendError):  # it is at its start
                if server := embedded.find(settings):
                    return server
        if settings.port and _is_taken(settings):
            raise click.ClickException(
                f"port {settings.port} is taken by another program. `make up PORT={settings.port + 1}` uses another."
            )
        raise click.ClickException(f"the server did not start:\n{self._server.tail()}")

    def _start_agents(self, results: Results, warm: WarmServer) -> Crew:
        self._say(device.without_cuda(self._setup.environ))
        left = None if results.expected is None else max(1, results.expected - len(results.finished))
        machine = capacity.of_machine(self._settings, self._setup.environ)
        count, reason = machine.agents(left)
        if self._settings.agents is not None:
            count, reason = self._settings.agents, "as asked for"
            self._say(machine.too_many(count))
        self._say(f"Agents: {count} ({reason})")
        left_words.tell(warm.environment, self._say)
        self._crew = Crew(results.path, warm, self._logs)
        self._crew.start(count)
        return self._crew

    def _watch(self, crew: Crew, reader: Reader, results: Results) -> Results:
        """Shows progress until the sweep is over or no agent is left that has anything to do."""
        next_look_s = 0.0
        with Progress(self._console) as progress:
            tell = agent.only_news(progress.say)
            while crew.working and not results.over:
                time.sleep(TICK_S)
                self._check_server()
                if time.monotonic() < next_look_s and not crew.somebody_ended():
                    continue
                found = self._look(reader, crew, tell)
                next_look_s = time.monotonic() + LOOK_S[self._setup.backend.kind]
                if found is not None:
                    results = found
                    progress.show(results)
                    crew.look_after(results, progress.say)
        if results.over and not results.failed:
            return results
        crew.wait(LAST_HEARTBEAT_S)  # a trial's parent writes the cause after its run has ended
        return reader.read()

    def _look(self, reader: Reader, crew: Crew, tell: Callable[[str | None], None]) -> Results | None:
        results = self._looks.look(reader.read, crew.at_work)
        if results is None:
            tell(f"{self._looks.trouble}; the agents go on when it answers.")
            self._revive_server()
            return None
        tell(agent.idle_reason(results, len(crew.working)))
        return results

    def _check_server(self) -> None:
        if self._server is not None and self._server.exit_code() is not None:
            raise click.ClickException(f"the server has ended:\n{self._server.tail()}")

    def _revive_server(self) -> None:
        """Takes the place of a server that somebody else had started and has stopped."""
        ours_to_start = self._setup.embedded and not self._settings.server_url and self._server is None
        with contextlib.suppress(BackendError):  # it is there, and only busy
            if ours_to_start and embedded.find(self._settings) is None:
                # The agents know the address that it had.
                self._start_server(replace(self._settings, port=urlsplit(self._located.base_url).port or 0))

    def _stop_agents(self) -> None:
        if self._crew is not None:
            self._crew.stop(self._interrupts)
        if self._warm is not None:
            self._warm.stop(self._interrupts)

    def _farewell(self) -> None:
        if self._reader is not None and not self._interrupts.hurry:
            with contextlib.suppress(BackendError):  # it may be why somebody stopped
                self._say(f"Stopped: {self._reader.read().count()}. The next `make up` goes on.")

    def _say(self, line: str | None) -> None:
        if line:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _is_taken(settings: Settings) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        return probe.connect_ex((settings.host, settings.port)) == 0
