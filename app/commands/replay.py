"""Runs a finished run again, as near to how it ran as this machine can, and says whether the result is the same."""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from app import backend
from app.commands import client, compare, rerun
from app.commands.compare import Record
from app.machine import device
from app.machine.children import Child, Interrupts, stop
from app.parent import warm
from app.settings import SettingError
from app.train import NOT_VALUES
from app.training import reproduce
from terms import states
from terms.record import LOOP, PROVENANCE

THIN_PARENT = str(reproduce.PROGRAM / "trial.py")
LOOK_S = 60.0
GRACE_S = 5.0


def replay(run: Any, environment: Mapping[str, str], interrupts: Interrupts) -> int:
    """Trains again and prints the verdict, `identical` or `differs`; progress goes to stderr.

    Args:
        run: as `wandb.Api` gives it.
        environment: that of the sweep's agents; nothing is sent to the backend that it names.
        interrupts: entered; a signal ends the training.

    Returns:
        The exit code: 0 if everything is identical, 1 if not.

    Raises:
        SettingError: if the run cannot be run again.
        BackendError: if the backend does not answer.
    """
    then = recorded(run)
    click.echo(f"Training {run.name} again: {_in_words(then)}.", err=True)
    now = again(then, environment, interrupts)
    difference = compare.first_difference(then, now)
    click.echo(f"differs: {difference}" if difference else f"identical: {compare.extent(then)}")
    changed = compare.surroundings(then, now)
    if changed:
        click.echo("\n  ".join(["not the same as then:", *changed]))
    return 1 if difference else 0


def recorded(run: Any) -> Record:
    """Reads what a finished run of this program has recorded.

    Raises:
        SettingError: if it has not finished, or records no provenance.
    """
    path = "/".join(run.path)
    if run.state != states.FINISHED:
        raise SettingError(f"{path} is {run.state}: only a finished run can be replayed.")
    provenance = run.config.get(PROVENANCE)
    if not provenance:
        raise SettingError(f"{path} records no provenance: only a run of `python -m app.train` can be replayed.")
    with client.asking():
        # What this machine has in its cache may be of another server that had the same name and run id.
        history = compare.rows(run.scan_history(use_cache=False))
        weights = run.summary.get("weights_sha256")
    return Record(values(run), provenance, history, weights)


def values(run: Any) -> dict[str, Any]:
    """What a run took, without what W&B and this program add to its config."""
    return {name: value for name, value in run.config.items() if not name.startswith(NOT_VALUES)}


def again(then: Record, environment: Mapping[str, str], interrupts: Interrupts) -> Record:
    """Trains with the values, threads, switches and loop of a record, in a process of its own.

    Where its loop cannot train here, what is recorded of the new training says so.

    Raises:
        click.ClickException: if that process died.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "record.json"
        values = json.dumps({**then.values, PROVENANCE: {LOOP: then.provenance.get(LOOP)}})
        command = [*_python(environment), "-m", "app.commands.rerun", str(target), values]
        child = Child("trial", command, _environment(environment, then.provenance))
        try:
            while child.wait(LOOK_S) is None:
                pass
        finally:
            stop([child], GRACE_S, interrupts)
        if not target.exists():
            raise click.ClickException(f"the trial's process died without a word, exit code {child.exit_code()}.")
        return rerun.read(target)


def _python(environment: Mapping[str, str]) -> list[str]:
    """What starts Python: by a trial's thin parent where there is a warm server, which that knows how to ask."""
    return [sys.executable, *(["-I", "-S", THIN_PARENT] if environment.get(warm.SOCKET) else [])]


def _environment(environment: Mapping[str, str], provenance: Mapping[str, Any]) -> dict[str, str]:
    unset = (*backend.CHOOSING, *reproduce.SWITCHES)
    kept = {name: value for name, value in environment.items() if name not in unset}
    kept |= {name: provenance[name] for name in reproduce.SWITCHES if provenance.get(name) is not None}
    if provenance.get("threads"):
        # The trial makes its pools of it, as it did then; a warm server has neither of them.
        kept = {name: value for name, value in kept.items() if name not in device.POOLS}
        kept["THREADS"] = str(provenance["threads"])
    return kept | {"KEEP_WEIGHTS": "0", "WANDB_SILENT": "true"}


def _in_words(then: Record) -> str:
    return ", ".join(f"{name}={value}" for name, value in then.values.items())
