"""What somebody looks at who has changed a filter: it is shown before the rest of the page is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.pages.rendering import Page
from server.pages.sweep.curves import strong_runs, ticks
from server.pages.sweep.discovered import with_parameters
from server.pages.sweep.filter_bar import FilterBar, filter_bar
from server.pages.sweep.groups import group_menu
from server.pages.sweep.pareto import Pareto, pareto_front
from server.pages.sweep.plots import Parallel, sweep_parallel
from server.pages.sweep.runs_table import RunsTable, runs_table
from server.pages.sweep.view import SweepView
from server.pages.table.groups import GroupMenu
from server.pages.table.views import View, views
from server.pages.words.facts import title_of
from server.store.page_queries import Attempt
from server.store.rows import Sweep


@dataclass(frozen=True)
class FirstLook:
    """What the templates of the bar of filters, the parallel coordinates and the table are given.

    Attributes:
        has_best: whether a chosen run has a value.
    """

    sweep: Sweep
    title: str
    url: str
    has_best: bool
    filters: FilterBar
    views: list[View]
    group_menu: GroupMenu
    parallel: Parallel | None
    table: RunsTable


def first_look(view: SweepView, strong: Sequence[Attempt], front: Pareto | None) -> FirstLook:
    """Reads it.

    Args:
        strong: the runs whose curves are told apart.
    """
    sweep, query = view.sweep, replace(view.query, number=1)
    return FirstLook(
        sweep=sweep,
        title=title_of(sweep),
        url=view.path,
        has_best=view.best is not None and view.best.run.metric is not None,
        filters=filter_bar(view),
        views=views(view.connection, view.path, query.url(view.path), sweep.project_id, sweep.id),
        group_menu=group_menu(view),
        parallel=sweep_parallel(view),
        table=runs_table(view, ticks(view, strong), front.runs if front else frozenset()),
    )


def sweep_first_look(view: SweepView) -> Page:
    """A page of these parts alone."""
    view = replace(view, sweep=with_parameters(view.connection, view.sweep))
    found = first_look(view, strong_runs(view), pareto_front(view))
    return Page("first_look.html", found.title, vars(found))
