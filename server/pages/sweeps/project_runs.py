"""The runs of a project: a table with any column, order and filter, and the curves of what they have logged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from charts import format
from server.pages.compare.choice import refusal, toggled
from server.pages.compare.groups import letters_of, members, shown_groups
from server.pages.compare.runs import Compared, compared
from server.pages.curves.panels import Asked, CurvePanels, Drawing, Shown, ShownGroup, curve_panels
from server.pages.curves.series import Reader
from server.pages.media.beside import Beside
from server.pages.sweeps.media import project_media
from server.pages.sweeps.project_groups import group_menu, groups
from server.pages.sweeps.runs_query import WHERE_PREFIX
from server.pages.sweeps.runs_view import PER_PAGE, RunsView
from server.pages.table import fields
from server.pages.table.columns import Column, ColumnMenu, addable, choices
from server.pages.table.conditions import PART
from server.pages.table.fields import Cell, Known
from server.pages.table.groups import GroupMenu, Groups
from server.pages.table.views import View, views
from server.pages.table.wrong import wrong_of_field
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.look import Look, cause, run_look
from server.pages.words.paging import pages
from server.settings import Settings
from server.store import table_queries
from server.store.page_queries import Attempt
from server.store.table_queries import Of

CURVES: Final = 6


@dataclass(frozen=True)
class RunRow:
    """A run in the table; `cause` stands in place of the state's word where it failed.

    Attributes:
        letter: "" for a run that is not chosen.
        choose_url: the page with it chosen, or no longer.
    """

    id: str
    name: str
    url: str
    look: Look
    cause: str | None
    cells: list[Cell]
    letter: str
    choose_url: str


@dataclass(frozen=True)
class ProjectRuns:
    """What the template is given; see it for what stands where.

    Attributes:
        count: as "3 of 20 runs".
        which: those of no sweep, or all.
        chips: filters that hold: name, text, and the address without them.
        wrong: what is amiss in what is asked.
        fields: what can be asked about, by the head of its group.
        kept: what the form for a filter sends along.
    """

    url: str
    count: str
    which: list[Segment]
    chips: list[tuple[str, str, str]]
    wrong: list[str]
    fields: dict[str, list[tuple[str, str]]]
    kept: list[tuple[str, str]]
    head: Column
    columns: list[Column]
    rows: list[RunRow]
    pages: list[Segment]
    menu: ColumnMenu
    views: list[View]
    groups: Groups | None
    group_menu: GroupMenu
    curves: CurvePanels | None
    compared: Compared | None
    media: Beside | None


def project_runs(view: RunsView, settings: Settings) -> ProjectRuns | None:
    """None for a project without runs of its own, and of none that were asked for."""
    if not table_queries.count(view.connection, Of(project_id=view.project.id)):
        return None
    query = view.query
    known = Known.of(view.connection, view.now, view.attempts)
    rows = [_row(view, attempt, known) for attempt in view.attempts]
    # Runs that somebody has chosen come before groups.
    drawn = [] if view.lettered else shown_groups(view.groups, query.by, view.named)
    return ProjectRuns(
        url=view.path,
        count=_count(view),
        which=[
            Segment("In no sweep", replace(query, every=False, number=1).url(view.path), not query.every),
            Segment("All runs", replace(query, every=True, number=1).url(view.path), query.every),
        ],
        chips=_chips(view),
        wrong=_wrong(view),
        fields={
            "Run": [(WHERE_PREFIX + name, fields.title(name)) for name in fields.OWN],
            "Sent by programs": [(WHERE_PREFIX + name, name) for name in view.sent_names],
        },
        kept=replace(query, number=1).pairs(),
        head=_head(view, "run", ""),
        columns=[_head(view, name, _css([row.cells[place] for row in rows])) for place, name in enumerate(view.shown)],
        rows=rows,
        pages=pages(view.count, PER_PAGE, query.number, lambda number: replace(query, number=number).url(view.path)),
        menu=_menu(view),
        views=views(view.connection, view.path, replace(query, number=1).url(view.path), view.project.id),
        groups=groups(view, letters_of(drawn)),
        group_menu=group_menu(view),
        curves=_curves(view, drawn),
        compared=_compared(view, settings),
        media=project_media(view, settings),
    )


def _count(view: RunsView) -> str:
    runs = "run" if view.total == 1 else "runs"
    of = "" if view.chosen is None else f"of {format.count(view.total)} "
    return f"{format.count(view.count)} {of}{runs}"


def _chips(view: RunsView) -> list[tuple[str, str, str]]:
    return [
        (fields.title(name), " or ".join(map(_said, view.query.texts(name))), view.query.without(name).url(view.path))
        for name in view.query.asked
    ]


def _said(text: str) -> str:
    return f"with {text.removeprefix(PART)}" if text.startswith(PART) else text


def _wrong(view: RunsView) -> list[str]:
    columns = {name: [row[place] for row in view.asked_values.values()] for place, name in enumerate(view.query.asked)}
    found = (said for name, text in view.query.filters for said in wrong_of_field(name, text, columns[name]))
    return [*dict.fromkeys(found), *refusal(view.query.too_many, lambda run: view.display_names.get(run, run))]


def _row(view: RunsView, attempt: Attempt, known: Known) -> RunRow:
    run = attempt.run
    cells = [fields.cell(name, attempt, known) for name in view.shown]
    return RunRow(
        id=run.name,
        name=run.display_name or run.name,
        url=run_url(view.project, run.name),
        look=run_look(run),
        cause=cause(run),
        cells=cells,
        letter=view.letters.get(run.name, ""),
        choose_url=replace(view.query, runs=toggled(tuple(view.letters), run.name)).url(view.path),
    )


def _css(cells: list[Cell]) -> str:
    return "parameter number" if all(cell.is_number for cell in cells) else "parameter"


def _title(name: str) -> str:
    return "Run" if name == "run" else fields.title(name)


def _head(view: RunsView, name: str, css: str) -> Column:
    query, order = view.query, view.order
    if name == order.field:
        turned = replace(query, sort=name, descending=not order.descending, number=1)
        return Column(name, _title(name), turned.url(view.path), "descending" if order.descending else "ascending", css)
    return Column(name, _title(name), replace(query, sort=name, descending=None, number=1).url(view.path), None, css)


def _menu(view: RunsView) -> ColumnMenu:
    query, shown = view.query, view.shown

    def addressed(columns: tuple[str, ...]) -> str:
        return replace(query, columns=() if columns == view.usual else columns).url(view.path)

    missing = [name for name in view.usual if name not in shown]
    return ColumnMenu(
        shown=choices(shown, addressed, _title),
        hidden=[Segment(_title(name), addressed((*shown, name)), False) for name in missing],
        kept=replace(query, columns=shown or ("run",)).pairs(),
        names=addable(shown, view.sent_names),
    )


def _curves(view: RunsView, groups: Sequence[ShownGroup]) -> CurvePanels | None:
    """Of the groups, or of the runs on this page of the table, and of those that are chosen."""
    query = view.query
    asked = Asked(
        runs=members(groups)
        or [
            *(Shown(each.run, "curve", letter) for letter, each in view.lettered.items()),
            *(Shown(each.run) for each in view.attempts if each.run.name not in view.letters),
        ],
        of=len(view.groups) if groups else view.count,
        first=None,
        query=query.curves,
        url=lambda curves: replace(query, curves=curves).url(view.path),
        path=view.path,
        kept=query.pairs(),
        open=CURVES,
        sampled=", the best" if groups else ", those of this page",
        groups=groups,
        by_error=query.by_error,
    )
    return curve_panels(Drawing(Reader(view.connection), asked))


def _compared(view: RunsView, settings: Settings) -> Compared | None:
    known = Known.of(view.connection, view.now, view.lettered.values())
    without = replace(view.query, runs=()).url(view.path)
    return compared(view.lettered, known, settings.files, lambda run: run_url(view.project, run), without)
