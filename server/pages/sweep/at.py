"""Whose a mark of a drawing is, and with what: what a drawing of thousands does not hold itself."""

from collections.abc import Mapping
from dataclasses import replace

from markupsafe import Markup

from charts import format
from charts.mark import told
from server.pages.rendering import Page
from server.pages.sweep.best import told_at as told_of_best
from server.pages.sweep.discovered import with_parameters
from server.pages.sweep.recipe import recipe
from server.pages.sweep.scatter import told_at as told_of_scatter
from server.pages.sweep.view import SweepView
from server.refusal import NotFoundError
from server.store import page_queries, queries

DIGITS = 5


def told_at(view: SweepView, asked: Mapping[str, str]) -> Page:
    """The attributes of a mark.

    Args:
        asked: "of", W&B's id of a run, for its result and settings; or "chart", "best" or "scatter", and "px" and "py",
            a dot's place in its drawing.

    Raises:
        NotFoundError: no such run, or no dot is there any more.
    """
    view = replace(view, sweep=with_parameters(view.connection, view.sweep))
    found = _run(view, asked["of"]) if "of" in asked else _dot(view, asked)
    if not found:
        raise NotFoundError("No run is drawn there.")
    return Page("at.html", "", {"told": Markup(found)})


def _run(view: SweepView, name: str) -> str:
    run = queries.run_of_sweep(view.connection, view.sweep.id, name)
    if run is None:
        return ""
    values = recipe(page_queries.attempt(view.connection, run), view.sweep)
    result = [] if run.metric is None else [(view.sweep.metric_name or "", format.parameter(run.metric, DIGITS))]
    return told(run.display_name or run.name, [*result, *values], run.name)


def _dot(view: SweepView, asked: Mapping[str, str]) -> str:
    charts = {"best": told_of_best, "scatter": told_of_scatter}
    chart, px, py = (asked.get(name, "") for name in ("chart", "px", "py"))
    known = chart in charts and px.isdecimal() and py.isdecimal()
    return charts[chart](view, int(px), int(py)) if known else ""
