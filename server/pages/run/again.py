"""The commands of this project's own programs that make a run again; a run of another program has none."""

import shlex
from dataclasses import dataclass
from typing import Final

from server.pages.words.sent import config_values
from server.store.rows import Project, Run, Sweep
from terms import states
from terms.record import PROVENANCE

# Beginnings of the keys that W&B and the trainer add to a run's config.
NOT_VALUES: Final = ("_", "wandb", PROVENANCE)


@dataclass(frozen=True)
class Command:
    """A line for a shell in the project's folder, and what it does."""

    does: str
    line: str


def commands(run: Run, project: Project, sweep: Sweep | None, best: bool) -> list[Command]:
    """What can be typed to get this run's result again.

    Args:
        best: whether it is the best of its sweep.
    """
    values = config_values(run.config)
    if not isinstance(values.get(PROVENANCE), dict):
        return []
    flags = [f"--{name}={value}" for name, value in sorted(values.items()) if not name.startswith(NOT_VALUES)]
    train = Command("Trains with the same settings", shlex.join(["python", "-m", "app.train", *flags]))
    if run.state != states.FINISHED:
        return [train]
    home = f"{project.entity}/{project.name}"
    found = [Command("Runs it again and compares the results bit for bit", _app("replay", f"{home}/{run.name}")), train]
    if sweep is not None and best:
        found.append(Command("Fetches this model and tests it once more", _app("best", f"{home}/{sweep.name}")))
    return found


def _app(command: str, path: str) -> str:
    return shlex.join(["python", "-m", "app", command, path])
