"""The chosen runs of a project in groups: how each ended on average, and how far its runs lie apart."""

from collections.abc import Sequence
from dataclasses import replace

from charts import format
from server.pages.sweeps.runs_view import RunsView
from server.pages.table import fields
from server.pages.table.groups import Group, GroupMenu, GroupRow, Groups, group_row, tabled
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.sent import written


def groups(view: RunsView, letters: Sequence[str]) -> Groups | None:
    """None where the address asks for none, no run is left, or runs have sent nothing to take the mean of.

    Args:
        letters: of the curves of the first groups.
    """
    query, metric, found, maximize = view.query, view.metric, view.groups, view.maximize
    if metric is None or not found:
        return None
    values = sorted({value for group in found for value in group.values}, reverse=maximize)
    decimals = format.metric_decimals(values[:2])
    return tabled(
        found,
        lambda group: _row(view, group, decimals, maximize),
        lambda **changed: replace(query, **changed).url(view.path),
        heads=[fields.title(name) for name in query.by],
        order=f"the {'largest' if maximize else 'smallest'} mean of {fields.title(metric)} first",
        by_error=query.by_error,
        letters=letters,
    )


def group_menu(view: RunsView) -> GroupMenu:
    """By what these runs can be grouped, and of what the mean can be."""
    query = view.query
    config = [name for name in view.sent_names if name.startswith("config.")]
    single = {fields.title(name): (name,) for name in ("tags", "group", "job_type", *config)}
    every = {"No groups": (), **single}
    summary = [name for name in view.sent_names if name.startswith("summary.")]
    return GroupMenu(
        [Segment(text, replace(query, by=by, number=1).url(view.path), by == query.by) for text, by in every.items()],
        kept=[pair for pair in replace(query, number=1).pairs() if pair[0] != "of"],
        names=[*fields.OWN, *view.sent_names],
        chosen=", ".join(map(fields.title, query.by)),
        metrics=[(name, fields.title(name), name == view.metric) for name in summary],
    )


def _row(view: RunsView, group: Group, decimals: int, maximize: bool) -> GroupRow:
    best = group.best(maximize)
    named = (view.display_names.get(best, best), run_url(view.project, best)) if best else None
    query = view.query
    return group_row(group, query.by, decimals, query.by_error, url=_url(view, group), best=named)


def _url(view: RunsView, group: Group) -> str | None:
    if any(value is None for value in group.key):
        return None
    asked = ((name, written(value)) for name, value in zip(view.query.by, group.key, strict=True))
    narrowed = tuple(dict.fromkeys((*view.query.filters, *asked)))
    return replace(view.query, by=(), filters=narrowed, number=1).url(view.path)
