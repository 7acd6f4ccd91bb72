"""What the forms of the page to edit do: through the functions of the ledger that the protocol uses."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Final

from server.ledger import bin, moving, runs, sweeps
from server.ledger.runs import RunFields
from server.ledger.sweeps import SweepFields
from server.pages.words.addresses import run_url
from server.refusal import NotFoundError, RefusalError
from server.store import bin_queries, queries
from server.store.rows import Project, Run, Sweep

DESCRIBE: Final = "describe"
DELETE: Final = "delete"
MOVE: Final = "move"
ACTIONS: Final = frozenset((DESCRIBE, DELETE, MOVE))
Form = Mapping[str, str]


def edit_run(tx: sqlite3.Connection, run: Run, action: str, form: Form, now_s: float) -> str | None:
    """Describes, deletes or moves a run.

    Returns:
        The address at which it is now, if that is another one.
    """
    if action == DELETE:
        bin.delete_run(tx, run, now_s)
        return None
    if action == MOVE:
        return _move(tx, run, form, now_s)
    tags = json.dumps(tags_of(_text(form, "tags")))
    name = _text(form, "name").strip() or run.display_name
    runs.describe(tx, run, RunFields(display_name=name, notes=_text(form, "notes"), tags=tags), now_s)
    return None


def edit_sweep(tx: sqlite3.Connection, sweep: Sweep, action: str, form: Form, now_s: float) -> None:
    """Describes or deletes a sweep.

    Raises:
        NotFoundError: it is to be moved.
    """
    if action == DELETE:
        bin.delete_sweep(tx, sweep, now_s)
    elif action == DESCRIBE:
        fields = SweepFields(display_name=_text(form, "name").strip(), description=_text(form, "notes"))
        sweeps.change(tx, sweep, fields, now_s)
    else:
        raise NotFoundError("A sweep stays in its project; its runs can be moved.")


def edit_project(tx: sqlite3.Connection, project: Project, action: str, form: Form, now_s: float) -> None:
    """Describes or deletes a project.

    Raises:
        NotFoundError: no such button.
    """
    if action == DELETE:
        bin.delete_project(tx, project, now_s)
    elif action == DESCRIBE:
        sweeps.describe_project(tx, project, _text(form, "notes"))
    else:
        raise NotFoundError(f"A project has no button {action!r}; it has {DESCRIBE}, {DELETE}.")


def bring_back(tx: sqlite3.Connection, number: int, now_s: float) -> None:
    """Brings back what a line of the bin tells of.

    Raises:
        NotFoundError: there is no such line.
        RefusalError: what it belongs to is deleted, too.
    """
    line = bin_queries.numbered(tx, number)
    if line is None:
        raise NotFoundError("This was brought back already, or is gone for good.")
    bin.bring_back(tx, line, now_s)


def tags_of(text: str) -> list[str]:
    """Tags that are written with commas between them, each once."""
    return list(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))


def _move(tx: sqlite3.Connection, run: Run, form: Form, now_s: float) -> str:
    own = queries.by_id(tx, Project, run.project_id)
    entity, _, name = _text(form, "project").strip().rpartition("/")
    target = sweeps.project_named(tx, entity or own.entity, name, now_s)
    moving.move_run(tx, run, target, now_s)
    return run_url(target, run.name)


def _text(form: Form, field: str) -> str:
    """What a field holds.

    Raises:
        RefusalError: the form has none.
    """
    if field not in form:
        raise RefusalError(f"the form has no field {field!r}, or is too long: nothing was changed")
    return form[field]
