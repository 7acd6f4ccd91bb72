"""Finds a run or a sweep by what people have of it: its path, its page's address, or its id alone."""

import difflib
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import click

from app.commands import client
from app.commands.client import BackendError, Refused
from app.commands.results import Reader
from app.settings import SettingError

Kind = Literal["run", "sweep"]

SEARCHED = 1000  # of a project's newest runs, when a name is not there
SHOWN = 3


def path(text: str, kind: Kind, entity: str, project: str) -> str:
    """Reads "entity/project/id", the address of a page, or an id.

    Args:
        entity, project: of an id that comes alone.

    Returns:
        "entity/project/id".

    Raises:
        SettingError: for anything else, with what is allowed.
    """
    parts = [unquote(part) for part in urlsplit(text).path.split("/") if part]
    if len(parts) == 4 and parts[2] == f"{kind}s":
        del parts[2]
    if len(parts) == 1:
        parts = [entity, project, *parts]
    if len(parts) != 3:
        raise SettingError(
            f"{text!r} is no {kind}. Allowed: entity/project/id, its page's address, or an id of {project}."
        )
    return "/".join(parts)


def run(api: Any, path: str) -> Any:
    """Fetches a run with its config and summary.

    Raises:
        SettingError: if it is not there, with the nearest that are.
        BackendError: if the backend does not answer.
    """
    try:
        with client.asking():
            return api.run(path)
    except (ValueError, BackendError) as error:
        raise _explained(error, api, path, "run") from None


def sweep(api: Any, path: str) -> Reader:
    """Opens a sweep; raises as `run` does."""
    try:
        return Reader(api, path)
    except (ValueError, BackendError) as error:
        raise _explained(error, api, path, "sweep") from None


def _explained(error: ValueError | BackendError, api: Any, path: str, kind: Kind) -> click.ClickException:
    """Tells what is not there, which W&B's client says in several ways, from all that may be wrong with a backend."""
    if isinstance(error, BackendError) and not (isinstance(error, Refused) and error.missing):
        return error
    project, _, wanted = path.rpartition("/")
    return SettingError(f"{project} has no {kind} {wanted}.{_nearest(wanted, _known(api, project, kind))}")


def _known(api: Any, project: str, kind: Kind) -> dict[str, list[str]]:
    """The ids in a project by what they are called: by themselves and by their names, which several may share."""
    known: dict[str, list[str]] = {}
    try:
        with client.asking():
            for found in islice(_listed(api, project, kind), SEARCHED):
                called = found.name or found.id
                for name in {found.id, called, called.partition(" #")[0]}:  # `register` names a sweep "grid #3b0526"
                    known.setdefault(name, []).append(f"{found.id} ({called})")
    except (ValueError, BackendError):  # no such project
        return {}
    return known


def _listed(api: Any, project: str, kind: Kind) -> Iterator[Any]:
    if kind == "run":
        return iter(api.runs(project, order="-created_at", per_page=500, lazy=True))
    entity, _, name = project.partition("/")
    return iter(api.project(name, entity).sweeps())


def _nearest(wanted: str, known: dict[str, list[str]]) -> str:
    near = difflib.get_close_matches(wanted, known, n=1)
    return f" Did you mean {' or '.join(known[near[0]][:SHOWN])}?" if near else ""
