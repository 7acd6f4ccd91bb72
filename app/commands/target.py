"""Which sweep is meant: one that is there already, or a sweep file's, whether that is registered or not.

The key of a file's sweep stands in its display name, so that it is found again through `wandb.Api()` on any backend:
after a lost directory, from a second machine, from another container.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.backend import EMBEDDED
from app.commands import check, client
from app.commands.client import Refused
from app.settings import Settings
from search.config import SweepConfig

KEY_DIGITS = 6


@dataclass(frozen=True)
class Joined:
    """A sweep that SWEEP_ID names; its `name` is its path "entity/project/id"."""

    name: str

    def find(self, api: Any) -> str:
        """Its path, unasked."""
        return self.name


@dataclass(frozen=True)
class Wanted:
    """The sweep that a file asks for.

    Attributes:
        file: the sweep file.
        config: what it says.
        project: where it is to be.
        entity: the project's owner; "" is the account's own.
        name: the display name by which it is found.
        unlabelled: the same without the label of NEW, as earlier versions named it.
        extended: whether the backend knows `x-sweep`, a key of the embedded server's own.
    """

    file: Path
    config: SweepConfig
    project: str
    entity: str
    name: str
    unlabelled: str
    extended: bool

    def find(self, api: Any) -> str | None:
        """Looks for it on the backend.

        Returns:
            Its path "entity/project/id"; of several with the name, registered at the same moment, the oldest one's.

        Raises:
            BackendError: if the backend does not answer.
        """
        with client.asking():
            entity = self.entity or api.default_entity
        named = [found for found in _sweeps(api, entity, self.project) if found.name in (self.name, self.unlabelled)]
        oldest = min(named, key=lambda found: (found.created_at, found.id), default=None)
        return None if oldest is None else f"{entity}/{self.project}/{oldest.id}"


Target = Joined | Wanted


def of(settings: Settings, identity: str) -> Target:
    """The sweep that the settings mean; a file is read and checked.

    Args:
        identity: the backend's; the same file on two backends is two sweeps.

    Raises:
        SettingError: if the file is missing or wrong, with every problem and its place.
    """
    if settings.sweep_id:
        return Joined(settings.sweep_id)
    config = check.sweep(settings.sweep)
    parts = [config.raw, settings.wandb_project, identity, settings.new]
    digits = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    plain, key = config.name or settings.sweep.stem, f" #{digits[:KEY_DIGITS]}"
    name = f"{plain} · {settings.new}{key}" if settings.new else f"{plain}{key}"
    return Wanted(
        settings.sweep,
        config,
        settings.wandb_project,
        settings.wandb_entity,
        name,
        unlabelled=f"{plain}{key}",
        extended=identity == EMBEDDED,
    )


def _sweeps(api: Any, entity: str, project: str) -> list[Any]:
    """A project comes with its first sweep; before that it has none."""
    try:
        with client.asking():
            return list(api.project(project, entity).sweeps())
    except ValueError:  # so the client says that a project is not there
        return []
    except Refused as error:
        if error.missing:
            return []
        raise
