"""What a command starts from: the settings, the backend and the environment that its programs get."""

import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app import backend, settings
from app.backend import EMBEDDED, Backend
from app.commands import client, embedded, target
from app.commands.client import BackendError
from app.commands.embedded import Server
from app.commands.target import Target
from app.machine import lock, node
from app.settings import ENV_FILE, PROCESS_ENVIRONMENT, SettingError, Settings
from terms import typed

WITHOUT_LOCKS = "DATA_DIR is on a disk without locks: W&B's own copies of runs go to {}."


@dataclass(frozen=True)
class Setup:
    """Read once, when a command starts.

    Attributes:
        environ: of the command and of all that it starts: the process's variables, then those of `.env` that it lacks;
            `WANDB_*` of `.env` are the backend's.
    """

    settings: Settings
    backend: Backend
    environ: Mapping[str, str]
    env_file: Mapping[str, str]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Setup":
        """Reads the process's environment and `.env`.

        Raises:
            SettingError: with the problems.
        """
        env_file = settings.read_env_file(environ)
        read, chosen = settings.read(environ, env_file), backend.choose(env_file)
        if chosen.kind == EMBEDDED:  # it has one user; a team of the cloud is none of its
            read = replace(read, wandb_entity="")
        return cls(read, chosen, settings.one_environment(environ, env_file), env_file)

    def notes(self, first: bool = True) -> list[str]:
        """What should be said first: the backend and why, and what was set without effect.

        Args:
            first: whether this is the first of a sweep's containers, which alone tells of misspelt settings; without
                containers each program does.
        """
        exported = " and ".join(backend.ignored(self.environ, self.env_file))
        return [
            f"Backend: {self.backend.reason}.",
            *([f"{exported} of the shell has no effect: only .env chooses the backend."] if exported else []),
            *settings.shadowed(self.environ, self.env_file),
            *([WITHOUT_LOCKS.format(node.temporary())] if self._without_locks else []),
            *(self.misspelt() if first or self.environ.get(ENV_FILE) != PROCESS_ENVIRONMENT else []),
        ]

    def misspelt(self) -> list[str]:
        """A line for each name that was to be a setting, and is none."""
        return settings.misspelt(self.environ, self.env_file, backend.CHOOSING)

    @property
    def _without_locks(self) -> bool:
        return lock.is_missing(self.settings.data_dir)

    @property
    def embedded(self) -> bool:
        return self.backend.kind == EMBEDDED

    def make_data_dir(self) -> None:
        """Makes DATA_DIR: W&B's client would put a run's files where no other agent finds them.

        Raises:
            SettingError: if it cannot be written.
        """
        folder = self.settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise SettingError(f"DATA_DIR is {str(folder)!r}: {error.strerror}. Agents write there.") from None

    def target(self) -> Target:
        """The sweep that is meant.

        Raises:
            SettingError: if it is a file's that is missing or wrong, with every problem and its place.
        """
        return target.of(self.settings, self.backend.identity)

    def home(self, api: Any) -> tuple[str, str]:
        """The entity and the project of what comes without them."""
        with client.asking():
            return self.settings.wandb_entity or api.default_entity, self.settings.wandb_project

    def located(self) -> Backend:
        """The backend with its address and key.

        Raises:
            BackendError: if it is the embedded server and that does not answer.
        """
        if not self.embedded:
            return self.backend
        server = embedded.find(self.settings)
        if server is None:
            raise BackendError(embedded.absent(self.settings))
        return self.at(server)

    def at(self, server: Server) -> Backend:
        """The embedded backend, now that its server is known."""
        return replace(self.backend, base_url=server.url, api_key=server.api_key)

    @property
    def python(self) -> str:
        """How its programs are called by who types."""
        return typed.python(sys.executable, Path.cwd(), self.environ.get(typed.TYPED_AS))

    def page(self, url: str) -> str:
        """An address that opens a page; a sweep's, or "" for the embedded server's list of sweeps.

        Raises:
            BackendError, OSError: if that server does not answer.
        """
        if not self.embedded:
            return url
        located = self.located()
        return Server(located.base_url, located.api_key).dashboard_link(urlsplit(url).path)

    def dashboard(self, url: str) -> str:
        """A line with a link: one that opens the embedded server's pages once; elsewhere `url`, the sweep's page."""
        with suppress(BackendError, OSError):  # the link is a convenience: it ends no command
            if self.embedded and (server := embedded.find(self.settings)):
                return f"Dashboard: {server.dashboard_link()} (opens once)"
        return f"Dashboard: {url}"

    def environment(self, located: Backend) -> dict[str, str]:
        """The environment of every program that speaks to the backend."""
        values = backend.environment(located, self.settings, self.environ, self.env_file)
        # W&B's client (0.31.0) locks a file beside each run's, and starts none where it cannot.
        return values | ({"WANDB_DIR": str(node.own_folder("wandb"))} if self._without_locks else {})
