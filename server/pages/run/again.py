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


def commands(run: Run, project: Project, sweep: Sweep | None, best: bool, python: str) -> list[Command]:
    """What can be typed to get this run's result again.

    Args:
        best: whether it is the best of its sweep.
        python: how this project's programs are called.
    """
    values = config_values(run.config)
    if not isinstance(values.get(PROVENANCE), dict):
        return []
    flags = [f"--{name}={value}" for name, value in sorted(values.items()) if not name.startswith(NOT_VALUES)]
    train = Command("Trains with the same settings", f"{python} -m app.train {shlex.join(flags)}")
    if run.state != states.FINISHED:
        return [train]
    home = f"{project.entity}/{project.name}"
    replay = f"{python} -m app replay {shlex.quote(f'{home}/{run.name}')}"
    found = [Command("Runs it again and compares the results bit for bit", replay), train]
    if sweep is not None and best:
        fetch = f"{python} -m app best {shlex.quote(f'{home}/{sweep.name}')}"
        found.append(Command("Fetches this model and tests it once more", fetch))
    return found
