"""The table of a sweep's runs: sorted and paged by the address alone."""

from dataclasses import dataclass, replace
from typing import Final

from charts import format
from server.pages.door.buttons import Button, run_buttons
from server.pages.sweep.curves import Ticks
from server.pages.sweep.recipe import PARAMETER_DIGITS, parameters
from server.pages.sweep.search_space import metrics, searched
from server.pages.sweep.table_query import PARAMETER_PREFIX, STATE_FILTERS, TableQuery
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.how_long import epochs, run_time
from server.pages.words.look import Look, cause, run_look, state_of
from server.pages.words.paging import pages
from server.pages.words.sent import Path, at, read_object, written
from server.run_values import at_path, metric_in, number
from server.store import queries, sweep_queries
from server.store.page_queries import Attempt
from server.store.rows import Run, Sweep
from server.store.sweep_queries import Order
from terms import states

PER_PAGE: Final = 50


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
        others: the values of the sweep's further metrics.
        on_front: of the Pareto front.
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
    others: list[str]
    parameters: list[Cell]
    epochs: str
    time: str
    best: bool
    on_front: bool
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


def runs_table(view: SweepView, ticks: Ticks, front: frozenset[str]) -> RunsTable:
    """Builds the table of the chosen runs; the best of them is pinned on top of every page.

    Args:
        front: W&B's ids of the runs to mark as those of the Pareto front.
    """
    query, total = view.query, view.selection.count
    order = _order(view.sweep, query)
    offset = (query.number - 1) * PER_PAGE
    found = _attempts(view, order, offset)
    paths = [path for path in searched(view.sweep.config) if _column_name(path) not in query.hidden]
    losing = queries.losing_runs(view.connection, view.sweep.id)
    rows = [_row(view, attempt, paths, ticks, attempt.run.id in losing, attempt.run.name in front) for attempt in found]
    css = [_alignment([row.parameters[place] for row in rows]) for place in range(len(paths))]
    return RunsTable(
        columns=_columns(view, order, paths, css),
        parameter_css=css,
        rows=rows,
        shown=_shown(offset, len(found), total, view.best is not None),
        pages=_pages(view, total - (view.best is not None)),
        hidden=query.hidden,
        menu=_menu(view),
    )


def _attempts(view: SweepView, order: Order, offset: int) -> list[Attempt]:
    """One page of the chosen runs, the best of them first on each."""
    best, chosen = view.best, view.selection.runs
    without = best.run.id if best else None
    found = sweep_queries.attempts(
        view.connection, view.sweep.id, order, STATE_FILTERS["all"], PER_PAGE, offset, without, chosen
    )
    return [best, *found] if best else found


def _row(
    view: SweepView, attempt: Attempt, paths: list[Path], ticks: Ticks, lost_point: bool, on_front: bool
) -> RunRow:
    run, best = attempt.run, view.best
    values, best_values = parameters(attempt), parameters(best) if best else {}
    return RunRow(
        id=run.name,
        name=run.display_name or run.name,
        url=run_url(view.project, run.name),
        look=run_look(run),
        cause=cause(run),
        why=run.cause if state_of(run) == states.STOPPED_EARLY else None,
        metric=_metric(run, view.sweep, view.decimals),
        others=_others(run, view.sweep),
        parameters=[_cell(at(values, path), at(best_values, path), best is not None) for path in paths],
        epochs=epochs(run),
        time=run_time(run, view.now),
        best=best is not None and run.id == best.run.id,
        on_front=on_front,
        letter=ticks.letter(run),
        curve_url=ticks.url(run),
        buttons=run_buttons(run, lost_point),
    )


def _metric(run: Run, sweep: Sweep, decimals: int) -> str:
    if run.metric is not None or sweep.metric_name is None:
        return format.metric(run.metric, decimals)
    # Only a value that is no number is not in the column: "NaN" says more than "–".
    value = at_path(read_object(run.summary), sweep.metric_name)
    bad = number(value)
    return format.metric(bad, decimals) if bad is not None else "NaN" if value == "NaN" else format.ABSENT


def _others(run: Run, sweep: Sweep) -> list[str]:
    further = metrics(sweep.config)[1:]
    summary = read_object(run.summary) if further else {}
    found = (metric_in(summary, each.name, each.goal) for each in further)
    return [format.ABSENT if value is None else format.parameter(value, PARAMETER_DIGITS) for value in found]


def _cell(value: object, best: object, compared: bool) -> Cell:
    if value is None:
        return Cell(format.ABSENT, False, True)
    return Cell(written(value, PARAMETER_DIGITS), compared and value == best, number(value) is not None)


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


def _menu(view: SweepView) -> list[Segment]:
    query, metric = view.query, view.sweep.metric_name
    named = [("metric", metric)] if metric is not None else []
    parameters = [(_column_name(parameter), ".".join(parameter)) for parameter in searched(view.sweep.config)]
    return [
        Segment(text, replace(query, hidden=_turned(query.hidden, name)).url(view.path), name not in query.hidden)
        for name, text in [("state", "State"), *named, *parameters, ("rows", "Epochs"), ("time", "Time")]
    ]


def _turned(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(each for each in names if each != name) if name in names else (*names, name)


def _columns(view: SweepView, order: Order, parameters: list[Path], parameter_css: list[str]) -> list[Column]:
    query, path, metric = view.query, view.path, view.sweep.metric_name

    def head(name: str, column: str | Path, css: str = "") -> Column:
        sort = column if isinstance(column, str) else _column_name(column)
        if column == order.column:
            turned = replace(query, sort=sort, descending=not order.descending, number=1)
            return Column(name, turned.url(path), "descending" if order.descending else "ascending", css)
        allowed = isinstance(column, str) or sweep_queries.sortable(column)
        url = replace(query, sort=sort, descending=None, number=1).url(path) if allowed else None
        return Column(name, url, None, css)

    named = [("State", "state", ""), *([(metric, "metric", "number")] if metric else [])]
    last = [("Epochs", "rows", "number"), ("Time", "time", "number")]
    return [
        head("Run", "run"),
        *(head(*column) for column in named if column[1] not in query.hidden),
        *(Column(each.name, None, None, "number") for each in metrics(view.sweep.config)[1:]),
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


def _pages(view: SweepView, total: int) -> list[Segment]:
    query = view.query
    return pages(total, PER_PAGE, query.number, lambda number: replace(query, number=number).url(view.path))
