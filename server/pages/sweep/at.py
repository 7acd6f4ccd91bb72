"""Whose a dot is, of a drawing with more of them than can answer each by itself."""

from collections.abc import Mapping
from dataclasses import replace

from markupsafe import Markup

from server.pages.rendering import Page
from server.pages.sweep.best import told_at as told_of_best
from server.pages.sweep.discovered import with_parameters
from server.pages.sweep.scatter import told_at as told_of_scatter
from server.pages.sweep.view import SweepView
from server.refusal import NotFoundError


def told_at(view: SweepView, asked: Mapping[str, str]) -> Page:
    """The attributes of a mark.

    Args:
        asked: "chart", "best" or "scatter", and "px" and "py", the dot's place in its drawing.

    Raises:
        NotFoundError: no dot is there any more.
    """
    view = replace(view, sweep=with_parameters(view.connection, view.sweep))
    charts = {"best": told_of_best, "scatter": told_of_scatter}
    chart, px, py = (asked.get(name, "") for name in ("chart", "px", "py"))
    if chart in charts and px.isdecimal() and py.isdecimal():
        told = charts[chart](view, int(px), int(py))
        if told:
            return Page("at.html", "", {"told": Markup(told)})
    raise NotFoundError("No run is drawn there.")
