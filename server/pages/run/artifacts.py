"""What a run made and what it used."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from charts import format
from server.ledger.artifacts.versions import MADE, TAKEN
from server.pages.words.times import Now
from server.pages.words.versions import ShownVersion, shown
from server.store import artifact_page_queries as queries
from server.store.rows import Run

SHOWN: Final = 20
WORDS: Final = {MADE: "Made", TAKEN: "Used"}


@dataclass(frozen=True)
class Artifacts:
    """Versions that a run has made or used, the last first; `before`: how many more, "" for none."""

    word: str
    total: str
    shown: list[ShownVersion]
    before: str


def artifacts(connection: sqlite3.Connection, run: Run, now: Now) -> list[Artifacts]:
    """What it made, then what it used; neither where there is none."""
    groups = [_group(connection, run, direction, now) for direction in WORDS]
    return [group for group in groups if group.shown]


def _group(connection: sqlite3.Connection, run: Run, direction: str, now: Now) -> Artifacts:
    total = queries.count_of_run(connection, run.id, direction)
    found = queries.of_run(connection, run.id, direction, SHOWN)
    before = format.count(total - len(found)) if total > len(found) else ""
    return Artifacts(
        WORDS[direction], format.count(total), [shown(version, now, run.sweep_id) for version in found], before
    )
