"""The table of a sweep's runs: sorted, paged and with the columns that the address asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final

from charts import format
from server.pages.door.buttons import Button, run_buttons
from server.pages.sweep.curves import Ticks
from server.pages.sweep.recipe import PARAMETER_DIGITS, parameters
from server.pages.sweep.search_space import metrics, searched
from server.pages.sweep.table_query import PARAMETER_PREFIX, STATE_FILTERS, TableQuery
from server.pages.sweep.view import SweepView
from server.pages.table import fields
from server.pages.table.columns import Column, ColumnMenu, addable, choices
from server.pages.table.fields import Cell, Known
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.look import Look, cause, run_look, state_of
from server.pages.words.paging import pages
from server.pages.words.sent import Path, at, read_object
from server.run_values import at_path, metric_in, number
from server.store import queries, table_queries
from server.store.fields import is_known
from server.store.page_queries import Attempt
from server.store.rows import Run, Sweep
from server.store.table_queries import Order
from terms import states

PER_PAGE: Final = 50
EPOCH: Final = "summary.epoch"


@dataclass(frozen=True)
class RunRow:
    """A run in the table.

    Attributes:
        id: W&B's.
        cause: in place of the state's word where it failed.
        why: the word's title.
        cells: one a column.
        on_front: of the Pareto front.
        letter: "" for a run that has none.
        choose_url: the page with it chosen, or no longer.
    """

    id: str
    name: str
    url: str
    look: Look
    cause: str | None
    why: str | None
    cells: list[Cell]
    best: bool
    on_front: bool
    letter: str
    choose_url: str
    buttons: list[Button]


@dataclass(frozen=True)
class RunsTable:
    """Heads and rows as shown.

    Attributes:
        head: of the runs' names; the others are `columns`.
        shown: as "1 to 50 of 234 runs".
    """

    head: Column
    columns: list[Column]
    rows: list[RunRow]
    shown: str
    pages: list[Segment]
    menu: ColumnMenu


def runs_table(view: SweepView, ticks: Ticks, front: frozenset[str]) -> RunsTable:
    """Builds the table of the chosen runs; the best of them is pinned on top of every page.

    Args:
        front: W&B's ids of the runs to mark as those of the Pareto front.
    """
    query, total = view.query, view.selection.count
    order, shown = _order(view.sweep, query), shown_columns(view)
    offset = (query.number - 1) * PER_PAGE
    found = _attempts(view, order, offset)
    losing = queries.losing_runs(view.connection, view.sweep.id)
    known = Known.of(view.connection, view.now, found)
    makes = _Cells(view, known, [(name, _parameter(view.sweep, name)) for name in shown])
    cells = [makes.of(attempt) for attempt in found]
    rows = [
        _row(view, attempt, row, ticks, attempt.run.id in losing, attempt.run.name in front)
        for attempt, row in zip(found, cells, strict=True)
    ]
    return RunsTable(
        head=_head(view, order, "run", ""),
        columns=[
            _head(view, order, name, _css(name, [row[place] for row in cells])) for place, name in enumerate(shown)
        ],
        rows=rows,
        shown=_shown(offset, len(found), total, view.best is not None),
        pages=_pages(view, total - (view.best is not None)),
        menu=_menu(view, shown),
    )


def shown_columns(view: SweepView) -> tuple[str, ...]:
    """The fields of the columns, in their order, without the name."""
    query = view.query
    shown = query.columns or tuple(name for name in _usual(view) if name not in query.hidden)
    return tuple(name for name in shown if name != "run")


def _usual(view: SweepView) -> list[str]:
    sweep = view.sweep
    return [
        "state",
        *(["metric"] if sweep.metric_name is not None else []),
        *(f"summary.{each.name}" for each in metrics(sweep.config)[1:]),
        *map(_column_name, searched(sweep.config)),
        *(["rows"] if EPOCH in view.sent_names else []),
        "time",
    ]


def _attempts(view: SweepView, order: Order, offset: int) -> list[Attempt]:
    """One page of the chosen runs, the best of them first on each."""
    best, chosen = view.best, view.selection.runs
    without = best.run.id if best else None
    found = table_queries.attempts(
        view.connection, view.of, order, STATE_FILTERS["all"], PER_PAGE, offset, without, chosen
    )
    return [best, *found] if best else found


def _row(
    view: SweepView, attempt: Attempt, cells: list[Cell], ticks: Ticks, lost_point: bool, on_front: bool
) -> RunRow:
    run, best = attempt.run, view.best
    return RunRow(
        id=run.name,
        name=run.display_name or run.name,
        url=run_url(view.project, run.name),
        look=run_look(run),
        cause=cause(run),
        why=run.cause if state_of(run) == states.STOPPED_EARLY else None,
        cells=cells,
        best=best is not None and run.id == best.run.id,
        on_front=on_front,
        letter=ticks.letter(run),
        choose_url=ticks.url(run),
        buttons=run_buttons(run, lost_point),
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """Makes the cells of the rows, from each run's parameters read once.

    Attributes:
        columns: their names, and the path of the parameter that one is of; None for others.
    """

    view: SweepView
    known: Known
    columns: Sequence[tuple[str, Path | None]]

    @cached_property
    def best(self) -> dict[str, object]:
        """The parameters of the best run."""
        return parameters(self.view.best) if self.view.best else {}

    def of(self, attempt: Attempt) -> list[Cell]:
        """As `fields` has them; what the sweep optimises and varies is known better here."""
        values = parameters(attempt)
        return [
            self._other(name, attempt) if path is None else self._setting(path, attempt, values)
            for name, path in self.columns
        ]

    def _setting(self, path: Path, attempt: Attempt, values: dict[str, object]) -> Cell:
        value, best = at(values, path), self.view.best
        if value is None:
            return Cell(format.ABSENT, True)
        same = best is not None and best.run.id != attempt.run.id and at(self.best, path) == value
        return replace(fields.of_value(value), same=same)

    def _other(self, name: str, attempt: Attempt) -> Cell:
        view = self.view
        if name == "metric":
            return Cell(_metric(attempt.run, view.sweep, view.decimals), True)
        for each in metrics(view.sweep.config)[1:]:
            if name == f"summary.{each.name}":
                found = metric_in(read_object(attempt.run.summary), each.name, each.goal)
                return Cell(format.ABSENT if found is None else format.parameter(found, PARAMETER_DIGITS), True)
        return fields.cell(name, attempt, self.known)


def _parameter(sweep: Sweep, name: str) -> Path | None:
    """The path of the parameter that a column is of."""
    return next((path for path in searched(sweep.config) if _column_name(path) == name), None)


def _css(name: str, cells: list[Cell]) -> str:
    if name in ("state", "metric", "rows", "time"):
        return {"state": "status", "metric": "number metric", "rows": "number epochs", "time": "number time"}[name]
    return "parameter number" if all(cell.is_number for cell in cells) else "parameter"


def _metric(run: Run, sweep: Sweep, decimals: int) -> str:
    if run.metric is not None or sweep.metric_name is None:
        return format.metric(run.metric, decimals)
    # Only a value that is no number is not in the column: "NaN" says more than "–".
    value = at_path(read_object(run.summary), sweep.metric_name)
    bad = number(value)
    return format.metric(bad, decimals) if bad is not None else "NaN" if value == "NaN" else format.ABSENT


def _order(sweep: Sweep, query: TableQuery) -> Order:
    field = query.sort
    if field is None or not is_known(field) or (field.startswith(PARAMETER_PREFIX) and not _parameter(sweep, field)):
        field = "metric" if sweep.metric_name else "run"
    descending = _usually_descending(sweep, field) if query.descending is None else query.descending
    return Order(field, descending)


def _usually_descending(sweep: Sweep, field: str) -> bool:
    return sweep.goal == "maximize" if field == "metric" else field in ("run", "created")


def _column_name(parameter: Path) -> str:
    return PARAMETER_PREFIX + ".".join(parameter)


def _title(sweep: Sweep, name: str) -> str:
    return "Run" if name == "run" else fields.title(name, sweep.metric_name)


def _head(view: SweepView, order: Order, name: str, css: str) -> Column:
    query, title = view.query, _title(view.sweep, name)
    if name == order.field:
        turned = replace(query, sort=name, descending=not order.descending, number=1)
        return Column(name, title, turned.url(view.path), "descending" if order.descending else "ascending", css)
    url = replace(query, sort=name, descending=None, number=1).url(view.path) if is_known(name) else None
    return Column(name, title, url, None, css)


def _menu(view: SweepView, shown: tuple[str, ...]) -> ColumnMenu:
    query, usual = view.query, _usual(view)

    def addressed(columns: tuple[str, ...]) -> str:
        """Without an order of its own, the address says what is left out of the usual columns."""
        left_out = tuple(name for name in usual if name not in columns)
        if columns == tuple(name for name in usual if name not in left_out):
            return replace(query, columns=(), hidden=left_out).url(view.path)
        return replace(query, columns=columns, hidden=()).url(view.path)

    def with_one_more(name: str) -> str:
        return addressed((*shown, name) if query.columns else tuple(each for each in usual if each in (*shown, name)))

    missing = [name for name in usual if name not in shown]
    return ColumnMenu(
        shown=choices(shown, addressed, partial(_title, view.sweep)),
        hidden=[Segment(_title(view.sweep, name), with_one_more(name), False) for name in missing],
        kept=replace(query, columns=shown or ("run",), hidden=()).pairs(),
        names=addable(shown, view.sent_names),
    )


def _shown(offset: int, rows: int, total: int, pinned: bool) -> str:
    if rows == total:
        return format.counted(total, "run")
    first, last = offset + 1, offset + rows - pinned
    best = "the best and " if pinned else ""
    return f"{best}{format.count(first)} to {format.count(last)} of {format.counted(total, 'run')}"


def _pages(view: SweepView, total: int) -> list[Segment]:
    query = view.query
    return pages(total, PER_PAGE, query.number, lambda number: replace(query, number=number).url(view.path))
