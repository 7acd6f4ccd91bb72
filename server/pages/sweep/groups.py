"""The chosen runs of a sweep in groups: how each ended on average, and how far its runs lie apart."""

from collections.abc import Sequence
from dataclasses import replace

from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import FILTER_PREFIX, PARAMETER_PREFIX, WHERE_PREFIX, TableQuery
from server.pages.sweep.view import SweepView
from server.pages.table import fields
from server.pages.table.groups import Group, GroupMenu, GroupRow, Groups, group_row, tabled
from server.pages.words.addresses import run_url
from server.pages.words.facts import Segment
from server.pages.words.sent import written


def groups(view: SweepView, letters: Sequence[str]) -> Groups | None:
    """None where the address asks for none, no run is left, or the sweep names no metric.

    Args:
        letters: of the curves of the first groups.
    """
    query, found = view.query, view.groups
    if not found or view.sweep.metric_name is None:
        return None
    return tabled(
        found,
        lambda group: _row(view, group),
        lambda **changed: replace(query, **changed).url(view.path),
        heads=[fields.title(name, view.sweep.metric_name) for name in query.by],
        order=f"by the mean of {view.sweep.metric_name}",
        by_error=query.by_error,
        letters=letters,
    )


def group_menu(view: SweepView) -> GroupMenu:
    """Repeats are what is grouped most: all settings alike but the seed."""
    query, names = view.query, [PARAMETER_PREFIX + ".".join(path) for path in searched(view.sweep.config)]
    repeats = {f"Repeats over {fields.title(name)}": tuple(each for each in names if each != name) for name in names}
    ordered = dict(sorted(repeats.items(), key=lambda each: "seed" not in each[0].lower())) if len(names) > 1 else {}
    single = {fields.title(name): (name,) for name in names} | {
        fields.TITLES[name]: (name,) for name in ("tags", "group")
    }
    every = {"No groups": (), **single, **ordered}
    return GroupMenu(
        [Segment(text, _by(query, by).url(view.path), by == query.by) for text, by in every.items()],
        kept=replace(query, number=1).pairs(),
        names=[*names, *fields.OWN, *view.sent_names],
        chosen=", ".join(map(fields.title, query.by)),
        metrics=[],
    )


def _row(view: SweepView, group: Group) -> GroupRow:
    best = group.best(view.sweep.goal == "maximize")
    named = (view.display_names.get(best, best), run_url(view.project, best)) if best else None
    query = view.query
    return group_row(group, query.by, view.decimals, query.by_error, url=group_url(view, group), best=named)


def group_url(view: SweepView, group: Group) -> str | None:
    """Of the page with the runs of a group alone; None where no filter can tell them."""
    if any(value is None for value in group.key):
        return None
    asked = tuple((_filter(name), written(value)) for name, value in zip(view.query.by, group.key, strict=True))
    narrowed = tuple(dict.fromkeys((*view.query.filters, *asked)))
    return replace(view.query, by=(), filters=narrowed, number=1).url(view.path)


def _filter(field: str) -> str:
    if field.startswith(PARAMETER_PREFIX):
        return FILTER_PREFIX + field.removeprefix(PARAMETER_PREFIX)
    return WHERE_PREFIX + field


def _by(query: TableQuery, by: tuple[str, ...]) -> TableQuery:
    return replace(query, by=by, number=1)
