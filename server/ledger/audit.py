"""The audit log: who did what others may ask about, in the database and in the program's log."""

import logging
import sqlite3
from typing import Final

from server.store import queries, writes
from server.store.rows import Project
from server.store.scope import asking

log = logging.getLogger(__name__)

# Where there are no users, whoever has the server's own key.
OWNER: Final = "server"


def note(tx: sqlite3.Connection, act: str, subject: str, now_s: float) -> None:
    """Notes what the one who asks has done.

    Args:
        act: in the past tense: "cancelled sweep".
        subject: what it was done to, by its name.
    """
    who = asking().who or OWNER
    writes.insert(tx, "audit", at_s=now_s, who=who, act=act, subject=subject)
    log.info("%s %s %s", who, act, subject)


def note_in_project(tx: sqlite3.Connection, act: str, project_id: int, name: str, now_s: float) -> None:
    """Notes what was done to something that a project has, under its name there."""
    project = queries.by_id(tx, Project, project_id)
    note(tx, act, f"{project.entity}/{project.name}/{name}", now_s)
