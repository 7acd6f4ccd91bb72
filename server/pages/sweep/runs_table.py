"""The table of a sweep's runs: sorted and paged by the address alone."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from charts import format
from server.pages.door.buttons import Button, run_buttons
from server.pages.sweep.chosen import Selection
from server.pages.sweep.curves import Ticks
from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import PARAMETER_PREFIX, STATE_FILTERS, TableQuery
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.how_long import epochs, run_time
from server.pages.words.look import Look, cause, run_look, state_of
from server.pages.words.times import Now
from server.pages.words.values import Path, at, config_values, read_object, written
from server.run_values import at_path, number
from server.store import page_queries, queries, sweep_queries
from server.store.page_queries import Attempt
from server.store.rows import Project, Run, Sweep
from server.store.sweep_queries import Order
from terms import states

PER_PAGE: Final = 50
# A random value of 17 digits would push the others out of sight; the run's page has all of them.
PARAMETER_DIGITS: Final = 5


@dataclass(frozen=True)
class Column:
    """A column's head; `sorted` is "ascending", "descending" or None, `url` sorts by it or turns the order around."""

    name: str
    url: str | None
    sorted: str | None
    css: str = ""


@dataclass(frozen=True)
class Cell:
    """A parameter's value; `same` as the best run's."""

    text: str
    same: bool
    is_number: bool


@dataclass(frozen=True)
class RunRow:
    """A run in the table.

    Attributes:
        id: W&B's.
        cause: in place of the state's word where it failed.
        why: the word's title.
        letter: of its curve; "" if that is not drawn.
        curve_url: draws its curve, or leaves it out; None if there is nothing to draw or no letter left.
    """

    id: str
    name: str
    url: str
    look: Look
    cause: str | None
    why: str | None
    metric: str
    parameters: list[Cell]
    epochs: str
    time: str
    best: bool
    letter: str
    curve_url: str | None
    buttons: list[Button]


@dataclass(frozen=True)
class RunsTable:
    """Heads and rows as shown.

    Attributes:
        parameter_css: a class for each parameter's cells.
        shown: as "1 to 50 of 234 runs".
        hidden: columns that the address leaves out.
        menu: all columns that can be left out; each leads to the table with or without it.
    """

    columns: list[Column]
    parameter_css: list[str]
    rows: list[RunRow]
    shown: str
    pages: list[Segment]
    hidden: tuple[str, ...]
    menu: list[Segment]


def runs_table(
    connection: sqlite3.Connection,
    sweep: Sweep,
    project: Project,
    path: str,
    query: TableQuery,
    selection: Selection,
    ticks: Ticks,
    now: Now,
) -> RunsTable:
    """Builds the table of the chosen runs; the best of them is pinned on top of every page."""
    best = best_of(connection, sweep, selection)
    order = _order(sweep, query)
    offset = (query.number - 1) * PER_PAGE
    without = best.id if best else None
    found = sweep_queries.attempts(
        connection, sweep.id, order, STATE_FILTERS["all"], PER_PAGE, offset, without, selection.runs
    )
    if best is not None:
        found.insert(0, page_queries.attempt(connection, best))
    total = selection.count
    paths = [path for path in searched(sweep.config) if _column_name(path) not in query.hidden]
    best_values = _parameters(page_queries.attempt(connection, best)) if best else {}
    decimals = format.metric_decimals(page_queries.best_values(connection, sweep))
    losing = queries.losing_runs(connection, sweep.id)
    row = _row_maker(paths, sweep, project, best, best_values, losing, decimals, ticks, now)
    rows = [row(attempt) for attempt in found]
    css = [_alignment([row.parameters[place] for row in rows]) for place in range(len(paths))]
    return RunsTable(
        columns=_columns(sweep, path, query, order, paths, css),
        parameter_css=css,
        rows=rows,
        shown=_shown(offset, len(found), total, best is not None),
        pages=_pages(path, query, total - (best is not None)),
        hidden=query.hidden,
        menu=_menu(sweep, path, query),
    )


def best_of(connection: sqlite3.Connection, sweep: Sweep, selection: Selection) -> Run | None:
    """The best of the chosen runs; None if none of them has a value."""
    if selection.runs is None:
        return queries.best_run(connection, sweep)
    return queries.run_of_sweep(connection, sweep.id, selection.best) if selection.best else None


def recipe(attempt: Attempt, sweep: Sweep) -> list[tuple[str, str]]:
    """The searched parameters of a run, by name."""
    values = _parameters(attempt)
    return [(".".join(path), written(at(values, path), PARAMETER_DIGITS)) for path in searched(sweep.config)]


def _row_maker(
    paths: list[Path],
    sweep: Sweep,
    project: Project,
    best: Run | None,
    best_values: dict[str, object],
    losing: set[int],
    decimals: int,
    ticks: Ticks,
    now: Now,
) -> Callable[[Attempt], RunRow]:
    def row(attempt: Attempt) -> RunRow:
        run = attempt.run
        values = _parameters(attempt)
        return RunRow(
            id=run.name,
            name=run.display_name or run.name,
            url=run_url(project, run.name),
            look=run_look(run),
            cause=cause(run),
            why=run.cause if state_of(run) == states.STOPPED_EARLY else None,
            metric=_metric(run, sweep, decimals),
            parameters=[_cell(at(values, path), at(best_values, path), best is not None) for path in paths],
            epochs=epochs(run),
            time=run_time(run, now),
            best=best is not None and run.id == best.id,
            letter=ticks.letter(run),
            curve_url=ticks.url(run),
            buttons=run_buttons(run, run.id in losing),
        )

    return row


def _metric(run: Run, sweep: Sweep, decimals: int) -> str:
    if run.metric is not None or sweep.metric_name is None:
        return format.metric(run.metric, decimals)
    # Only a value that is no number is not in the column: "NaN" says more than "–".
    value = at_path(read_object(run.summary), sweep.metric_name)
    bad = number(value)
    return format.metric(bad, decimals) if bad is not None else "NaN" if value == "NaN" else format.ABSENT


def _cell(value: object, best: object, compared: bool) -> Cell:
    if value is None:
        return Cell(format.ABSENT, False, True)
    return Cell(written(value, PARAMETER_DIGITS), compared and value == best, number(value) is not None)


def _parameters(attempt: Attempt) -> dict[str, object]:
    return read_object(attempt.params) or config_values(attempt.run.config)


def _order(sweep: Sweep, query: TableQuery) -> Order:
    column: str | Path | None = None
    if query.sort in sweep_queries.COLUMNS:
        column = query.sort
    elif query.sort and query.sort.startswith(PARAMETER_PREFIX):
        name = query.sort.removeprefix(PARAMETER_PREFIX)
        paths = (path for path in searched(sweep.config) if sweep_queries.sortable(path))
        column = next((path for path in paths if ".".join(path) == name), None)
    if column is None:
        column = "metric" if sweep.metric_name else "run"
    descending = _usually_descending(sweep, column) if query.descending is None else query.descending
    return Order(column, descending)


def _usually_descending(sweep: Sweep, column: str | Path) -> bool:
    return sweep.goal == "maximize" if column == "metric" else column == "run"


def _column_name(parameter: Path) -> str:
    return PARAMETER_PREFIX + ".".join(parameter)


def _menu(sweep: Sweep, path: str, query: TableQuery) -> list[Segment]:
    metric = [("metric", sweep.metric_name)] if sweep.metric_name is not None else []
    parameters = [(_column_name(parameter), ".".join(parameter)) for parameter in searched(sweep.config)]
    return [
        Segment(text, replace(query, hidden=_turned(query.hidden, name)).url(path), name not in query.hidden)
        for name, text in [("state", "State"), *metric, *parameters, ("rows", "Epochs"), ("time", "Time")]
    ]


def _turned(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(each for each in names if each != name) if name in names else (*names, name)


def _columns(
    sweep: Sweep, path: str, query: TableQuery, order: Order, parameters: list[Path], parameter_css: list[str]
) -> list[Column]:
    def head(name: str, column: str | Path, css: str = "") -> Column:
        sort = column if isinstance(column, str) else _column_name(column)
        if column == order.column:
            turned = replace(query, sort=sort, descending=not order.descending, number=1)
            return Column(name, turned.url(path), "descending" if order.descending else "ascending", css)
        allowed = isinstance(column, str) or sweep_queries.sortable(column)
        url = replace(query, sort=sort, descending=None, number=1).url(path) if allowed else None
        return Column(name, url, None, css)

    named = [("State", "state", ""), *([(sweep.metric_name, "metric", "number")] if sweep.metric_name else [])]
    last = [("Epochs", "rows", "number"), ("Time", "time", "number")]
    return [
        head("Run", "run"),
        *(head(*column) for column in named if column[1] not in query.hidden),
        *(head(".".join(parameter), parameter, css) for parameter, css in zip(parameters, parameter_css, strict=True)),
        *(head(*column) for column in last if column[1] not in query.hidden),
    ]


def _alignment(cells: list[Cell]) -> str:
    return "parameter number" if all(cell.is_number for cell in cells) else "parameter"


def _shown(offset: int, rows: int, total: int, pinned: bool) -> str:
    if rows == total:
        return format.counted(total, "run")
    first, last = offset + 1, offset + rows - pinned
    best = "the best and " if pinned else ""
    return f"{best}{format.count(first)} to {format.count(last)} of {format.counted(total, 'run')}"


def _pages(path: str, query: TableQuery, total: int) -> list[Segment]:
    """Links to the first, the last and the pages around this one; a gap between them is an entry without address."""
    last = -(-total // PER_PAGE)
    if last < 2:
        return []
    numbers = sorted({1, last, *range(max(1, query.number - 2), min(last, query.number + 2) + 1)})
    segments: list[Segment] = []
    for before, page in zip([0, *numbers], numbers, strict=False):
        if page > before + 1:
            segments.append(Segment("…", "", False))
        segments.append(Segment(format.count(page), replace(query, number=page).url(path), page == query.number))
    return segments
