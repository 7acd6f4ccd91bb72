"""A page of a run's console: its end, which is followed, or any part; all lines or those that are looked for."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from charts import format
from server.console import shows
from server.pages.console.query import ConsoleQuery
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import console_url, project_url, run_url, sweep_url
from server.pages.words.console_lines import ShownLine, shown_line
from server.pages.words.facts import Segment, title_of
from server.pages.words.look import Look, run_look
from server.store import log_queries, queries
from server.store.rows import Project, Run, Sweep
from terms import states

REFRESH_S: Final = 3
LINES: Final = 200
LINE_CHARACTERS: Final = 10_000
# What stands before a line that was found, where its number leads to.
CONTEXT: Final = 20


@dataclass(frozen=True)
class ConsolePage:
    """What the template is given.

    Attributes:
        said: which lines these are.
        follows: whether these are the last lines, to which more come.
        ways: to other parts.
        around: the address of a line among all others.
    """

    title: str
    look: Look
    path: str
    query: ConsoleQuery
    lines: list[ShownLine]
    said: str
    follows: bool
    ways: list[Segment]
    around: Callable[[int], str]


@dataclass(frozen=True)
class Part:
    """Some lines of those that are looked for, and whether there are others before and after them."""

    lines: list[tuple[int, str]]
    earlier: bool
    later: bool


def console_detail(connection: sqlite3.Connection, run: Run, project: Project, query: ConsoleQuery) -> Page:
    part, path, title = _part(connection, run, query), console_url(project, run.name), run.display_name or run.name
    shown = [shown_line(number, text, LINE_CHARACTERS, query.wanted) for number, text in part.lines]
    grows = run.state in states.LIVE and not part.later
    values = ConsolePage(
        title=title,
        look=run_look(run),
        path=path,
        query=query,
        lines=shown,
        said=_said(query, shown, run.log_lines),
        follows=query.follows and grows,
        ways=_ways(query, part, shown, path),
        around=lambda number: f"{ConsoleQuery(first=max(number - CONTEXT, 1)).url(path)}#L{number}",
    )
    crumbs = _crumbs(connection, run, project, title)
    return Page("console.html", f"Console of {title}", vars(values), crumbs, REFRESH_S if grows else None)


def _part(connection: sqlite3.Connection, run: Run, query: ConsoleQuery) -> Part:
    if query.first is not None:
        found = list(islice(_found(connection, run, query, onwards=query.first - 1), LINES + 1))
        earlier = any(True for _ in _found(connection, run, query, back=query.first - 1))
        return Part(found[:LINES], earlier, len(found) > LINES)
    end = run.log_lines if query.before is None else query.before - 1
    found = list(islice(_found(connection, run, query, back=end), LINES + 1))
    later = query.before is not None and any(True for _ in _found(connection, run, query, onwards=end))
    return Part(found[:LINES][::-1], len(found) > LINES, later)


def _found(
    connection: sqlite3.Connection, run: Run, query: ConsoleQuery, *, onwards: int | None = None, back: int = 0
) -> Iterator[tuple[int, str]]:
    """The lines that are looked for, from one on, or those before one, as far as they are taken."""
    way, line = (log_queries.backwards, back) if onwards is None else (log_queries.onwards, onwards)
    may = way(connection, run.id, line, naming=query.wanted, only_errors=query.only_errors)
    return ((number, text) for number, text in may if shows(text, query.wanted))


def _said(query: ConsoleQuery, shown: list[ShownLine], total: int) -> str:
    of = f"of {format.count(total)}"
    which = [f"with “{query.wanted}”"] * bool(query.wanted) + ["from stderr"] * query.only_errors
    if not shown:
        return " ".join(["no line", *which, of if total else "yet"]) if total or not which else "no lines"
    first, last = format.count(shown[0].number), format.count(shown[-1].number)
    if which:
        return f"{format.counted(len(shown), 'line')} {' '.join(which)}, between {first} and {last} {of}"
    return f"lines {first} to {last} {of}"


def _ways(query: ConsoleQuery, part: Part, shown: list[ShownLine], path: str) -> list[Segment]:
    first, last = (shown[0].number, shown[-1].number) if shown else (query.before or 1, (query.first or 1) - 1)
    ways = []
    if part.earlier:
        before = query.first if not shown else first
        ways = [(1, None, "First"), (None, before, "Earlier")]
    if part.later:
        ways.append((last + 1, None, "Later"))
    if not query.follows:
        ways.append((None, None, "Last"))
    return [Segment(text, replace(query, first=at, before=before).url(path), False) for at, before, text in ways]


def _crumbs(connection: sqlite3.Connection, run: Run, project: Project, title: str) -> tuple[Crumb, ...]:
    sweep = queries.by_id(connection, Sweep, run.sweep_id) if run.sweep_id else None
    above = [Crumb("Sweeps", "/"), Crumb(project.name, project_url(project))]
    if sweep:
        above.append(Crumb(title_of(sweep), sweep_url(project, sweep), shared=True))
    return (*above, Crumb(title, run_url(project, run.name), shared=True), Crumb("Console"))
