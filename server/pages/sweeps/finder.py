"""How a list of sweeps is narrowed and sorted."""

import sqlite3
from dataclasses import dataclass, replace
from typing import Final

from server.pages.sweeps.list_query import ListQuery
from server.pages.table.columns import Column
from server.store import list_queries

HEADS: Final = {"name": "Sweep", "state": "State", "settled": "Done", "created": "Created"}


@dataclass(frozen=True)
class Finder:
    """The form that narrows the list.

    Attributes:
        state: the one asked for.
        fields: name in the address, word, choices and the chosen one, of what there is more than one of.
        kept: what it sends along.
        all_url: of the list without any of it; None where nothing is asked.
    """

    path: str
    text: str
    state: str
    fields: list[tuple[str, str, list[str], str]]
    kept: list[tuple[str, str]]
    all_url: str | None


def finder(connection: sqlite3.Connection, query: ListQuery) -> Finder:
    """The form, with what there is to choose from."""
    chosen = {"entity": query.entity, "project": query.named, "user": query.user}
    there = list_queries.choices(connection)
    of_all = ("user",) if query.project else ("entity", "project", "user")
    narrowed = {"q", "state", *of_all, "page"}
    return Finder(
        query.path,
        query.text,
        query.state,
        [
            (name, name.capitalize(), there[name], chosen[name])
            for name in of_all
            if len(there[name]) > 1 or chosen[name]
        ],
        [pair for pair in [*query.pairs(), *replace(query.runs, others=()).pairs()] if pair[0] not in narrowed],
        replace(query, text="", state="", entity="", named="", user="", number=1).url if query.is_narrowed else None,
    )


def heads(query: ListQuery) -> dict[str, Column]:
    """Those by which the list can be sorted."""
    return {name: _head(query, name, title) for name, title in HEADS.items()}


def _head(query: ListQuery, name: str, title: str) -> Column:
    css = {"settled": "number", "created": "created"}.get(name, "")
    if name == query.sort:
        turned = replace(query, descending=not query.goes_down, number=1)
        return Column(name, title, turned.url, "descending" if query.goes_down else "ascending", css)
    return Column(name, title, replace(query, sort=name, descending=None, number=1).url, None, css)
