"""Which sweeps an address compares."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from server.pages.words.addresses import COMPARE
from server.refusal import NotFoundError
from server.store import queries
from server.store.rows import Project, Sweep

NAME: Final = "sweep"
MOST: Final = 2

Placed = tuple[Project, Sweep]


@dataclass(frozen=True)
class PairQuery:
    """What the address asks for.

    Attributes:
        places: of sweeps, as "entity/project/id".
        by_time: draws the best so far over time.
    """

    places: tuple[str, ...]
    by_time: bool = False

    @property
    def url(self) -> str:
        return f"{COMPARE}?{self._text}" if self._text else COMPARE

    @property
    def _text(self) -> str:
        named = [*((NAME, place) for place in self.places), *((("x", "time"),) if self.by_time else ())]
        return urlencode(named, safe="/")


def pair_query(pairs: Iterable[tuple[str, str]]) -> PairQuery:
    """Reads an address' query."""
    found = list(pairs)
    places = dict.fromkeys(text.strip().strip("/") for name, text in found if name == NAME)
    return PairQuery(tuple(filter(None, places)), ("x", "time") in found)


def sweeps_at(connection: sqlite3.Connection, places: Sequence[str]) -> list[Placed]:
    """The sweeps there; NotFoundError names the first place where there is none."""
    return [_at(connection, place) for place in places]


def _at(connection: sqlite3.Connection, place: str) -> Placed:
    names = place.split("/")
    project = queries.project(connection, names[0], names[1]) if len(names) == 3 else None
    sweep = queries.sweep(connection, names[2]) if project else None
    if project is None or sweep is None or sweep.project_id != project.id:
        raise NotFoundError(f"There is no sweep {place}; a sweep is named by its entity/project/id.")
    return project, sweep
