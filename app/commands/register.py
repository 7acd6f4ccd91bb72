"""Registers a sweep once: the real `wandb sweep`, run only if the backend does not have it yet."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml

from app.commands import check
from app.commands.results import Results
from app.commands.target import Joined, Target, Wanted
from app.machine import lock
from app.training import reproduce
from terms import states


def register(api: Any, sweep: Target, environment: Mapping[str, str], data_dir: Path) -> tuple[str, bool]:
    """Finds the sweep, or registers a file's.

    Safe with several processes: on a disk with locks they wait for each other, elsewhere the oldest sweep wins.

    Args:
        environment: for `wandb sweep`, as `app.backend` builds it.

    Returns:
        Its path "entity/project/id", and whether it is new.

    Raises:
        click.ClickException: if the backend refuses the sweep, with its reason.
    """
    if isinstance(sweep, Joined):
        return sweep.find(api), False
    with lock.held(data_dir / "register.lock"):
        path = sweep.find(api)
        if path is not None:
            return path, False
        _wandb_sweep(sweep, environment)
        path = sweep.find(api)
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
    checked = check.check(sweep.file)
    known = [warning.message for warning in checked.warnings]
    theirs = [line for line in done.stderr.splitlines() if "WARNING" in line]
    for line in [*check.warnings(sweep.file, checked), *theirs]:
        if line not in theirs or not any(message in line for message in known):
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
