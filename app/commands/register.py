"""Registers a sweep once: the real `wandb sweep`, run only if the backend has no sweep of this key yet.

The key stands in the sweep's display name, so that the sweep is found again through `wandb.Api()` on any backend:
after a lost directory, from a second machine, from another container.
"""

import fcntl
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from app.backend import EMBEDDED
from app.commands import check, client
from app.commands.client import BackendError
from app.commands.results import Results
from app.settings import Settings
from app.training import reproduce
from search.config import SweepConfig
from terms import states

KEY_DIGITS = 6


@dataclass(frozen=True)
class Wanted:
    """The sweep that the settings ask for, whether it is there or not.

    Attributes:
        file: the sweep file.
        config: what it says.
        project: where it is to be.
        entity: the project's owner; "" is the account's own.
        name: the display name by which it is found.
        extended: whether the backend knows `x-sweep`, a key of the embedded server's own.
    """

    file: Path
    config: SweepConfig
    project: str
    entity: str
    name: str
    extended: bool


def wanted(settings: Settings, identity: str) -> Wanted:
    """Reads and checks the sweep file, and names the sweep.

    Args:
        identity: the backend's; the same file on two backends is two sweeps.

    Raises:
        SettingError: if the file is missing or wrong, with every problem and its place.
    """
    config = check.sweep(settings.sweep)
    parts = [config.raw, settings.wandb_project, identity, settings.new]
    digits = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    name = f"{config.name or settings.sweep.stem} #{digits[:KEY_DIGITS]}"
    extended = identity == EMBEDDED
    return Wanted(settings.sweep, config, settings.wandb_project, settings.wandb_entity, name, extended)


def find(api: Any, sweep: Wanted) -> str | None:
    """Looks for the sweep on the backend.

    Returns:
        Its path "entity/project/id"; of several with the name, registered at the same moment, the oldest one's.

    Raises:
        BackendError: if the backend does not answer.
    """
    with client.asking():
        entity = sweep.entity or api.default_entity
    named = [found for found in _sweeps(api, entity, sweep.project) if found.name == sweep.name]
    oldest = min(named, key=lambda found: (found.created_at, found.id), default=None)
    return None if oldest is None else f"{entity}/{sweep.project}/{oldest.id}"


def _sweeps(api: Any, entity: str, project: str) -> list[Any]:
    """A project comes with its first sweep; before that it has none."""
    try:
        with client.asking():
            return list(api.project(project, entity).sweeps())
    except ValueError:  # so the client says that a project is not there
        return []
    except BackendError as error:
        if error.missing:
            return []
        raise


def register(api: Any, sweep: Wanted, environment: Mapping[str, str], data_dir: Path) -> tuple[str, bool]:
    """Finds the sweep, or registers it.

    Safe with several processes: on one machine they wait for each other, elsewhere the oldest sweep wins.

    Args:
        environment: for `wandb sweep`, as `app.backend` builds it.

    Returns:
        Its path "entity/project/id", and whether it is new.

    Raises:
        click.ClickException: if the backend refuses the sweep, with its reason.
    """
    with _lock(data_dir / "register.lock"):
        path = find(api, sweep)
        if path is not None:
            return path, False
        _wandb_sweep(sweep, environment)
        path = find(api, sweep)
    if path is None:
        raise click.ClickException(f"`wandb sweep` registered {sweep.name}, but {sweep.project} does not list it.")
    return path, True


def standing(results: Results, new: bool) -> str:
    """What is to be said of a sweep that was asked for: new, going on or done."""
    if new:
        return f"Sweep {results.name} registered."
    if results.state == states.SWEEP_CANCELED:
        return f"Sweep {results.name} was cancelled ({results.count()}). NEW=label starts another."
    if results.over:
        return f"Sweep {results.name} is finished already. NEW=label starts another."
    return f"Sweep {results.name} goes on: {results.count()}."


def code_changed(results: Results) -> str | None:
    """A warning if runs of the sweep were made by other code than there is in `app/` now."""
    made_by = {run.code_sha256 for run in results.runs if run.code_sha256}
    if made_by <= {reproduce.code_sha256()}:
        return None
    return "The code in app/ has changed since this sweep's runs were made. NEW=label starts another, all runs anew."


def _wandb_sweep(sweep: Wanted, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "wandb", "sweep", "--project", sweep.project, "--name", sweep.name]
    with _sendable(sweep) as file:
        done = subprocess.run([*command, str(file)], env=dict(environment), capture_output=True, text=True)
    if done.returncode:
        said = [line.removeprefix("Error: ") for line in done.stderr.splitlines() if line.startswith("Error: ")]
        raise click.ClickException(f"the backend refused {sweep.file}: {' '.join(said) or done.stderr.strip()}")
    for line in done.stderr.splitlines():
        if "WARNING" in line:
            click.echo(line, err=True)


@contextmanager
def _sendable(sweep: Wanted) -> Iterator[Path]:
    """The sweep file, or for a backend that would refuse `x-sweep` a copy without it."""
    if sweep.extended or check.EXTENSION not in sweep.config.raw:
        yield sweep.file
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / sweep.file.name
        copy.write_text(yaml.safe_dump({key: item for key, item in sweep.config.raw.items() if key != check.EXTENSION}))
        yield copy


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
