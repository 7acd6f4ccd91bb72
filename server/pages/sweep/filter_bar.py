"""The bar over the parts of a sweep's page: how many runs they show, by which filters, and how to ask for others."""

from dataclasses import dataclass, replace

from charts import format
from server.pages.compare.choice import refusal
from server.pages.sweep.search_space import searched
from server.pages.sweep.table_query import FILTER_PREFIX, METRIC_FILTER, TOP_SHARES, WHERE_PREFIX, TableQuery
from server.pages.sweep.view import SweepView
from server.pages.sweep.wrong_filters import wrong
from server.pages.table import fields
from server.pages.table.conditions import PART, range_of
from server.pages.words.facts import Segment
from server.store.rows import Sweep

DIGITS = 4
# The best quarter of a handful says nothing.
LEAST_FOR_SHARES = 20


@dataclass(frozen=True)
class Chip:
    """A filter as people read it, and the address without it."""

    name: str
    text: str
    url: str


@dataclass(frozen=True)
class FilterBar:
    """What the bar holds.

    Attributes:
        count: as "38", `of` as "of 234 runs", `total` as "234 runs".
        chips: the filters, one a field.
        none_url: without any of them.
        top: the shares of the best runs to choose from; none for a sweep without a metric or with few runs.
        fields: what can be filtered, by the head of its group: names in the address and names for people.
        wrong: what is amiss in what is asked, a sentence each.
        kept: what a form has to send along.
    """

    count: str
    of: str
    total: str
    chips: list[Chip]
    none_url: str
    top: list[Segment]
    fields: dict[str, list[tuple[str, str]]]
    wrong: list[str]
    kept: list[tuple[str, str]]


def filter_bar(view: SweepView) -> FilterBar:
    """Says what is chosen; the bar is there without a filter too."""
    sweep, query, selection = view.sweep, view.query, view.selection
    runs = "run" if selection.total == 1 else "runs"
    enough = selection.total >= LEAST_FOR_SHARES or query.top is not None
    return FilterBar(
        count=format.count(selection.count),
        total=f"{format.count(selection.total)} {runs}",
        of=runs if selection.runs is None else f"of {format.count(selection.total)} {runs}",
        chips=_chips(view),
        none_url=query.unfiltered().url(view.path),
        top=_top(view) if sweep.metric_name is not None and enough else [],
        fields=_fields(view),
        wrong=[*wrong(view), *refusal(query.too_many, lambda run: view.display_names.get(run, run))],
        kept=replace(query, number=1).pairs(),
    )


def _fields(view: SweepView) -> dict[str, list[tuple[str, str]]]:
    metric = view.sweep.metric_name
    found = {
        "Parameters": [(FILTER_PREFIX + name, name) for name in map(".".join, searched(view.sweep.config))],
        "Result": [(METRIC_FILTER, metric)] if metric is not None else [],
        "Run": [(WHERE_PREFIX + name, fields.title(name)) for name in fields.OWN],
        "Sent by programs": [(WHERE_PREFIX + name, name) for name in view.sent_names],
    }
    return {head: names for head, names in found.items() if names}


def _chips(view: SweepView) -> list[Chip]:
    query, path = view.query, view.path
    state = [Chip("state", query.state, replace(query, state="all", number=1).url(path))]
    fields = dict.fromkeys(field for field, _ in query.filters)
    return [
        *(state if query.state != "all" else ()),
        *(Chip(_name(field, view.sweep), _texts(query, field), query.without(field).url(path)) for field in fields),
    ]


def _name(field: str, sweep: Sweep) -> str:
    if field.startswith(WHERE_PREFIX):
        return fields.title(field.removeprefix(WHERE_PREFIX), sweep.metric_name)
    return str(sweep.metric_name) if field == METRIC_FILTER else field.removeprefix(FILTER_PREFIX)


def _texts(query: TableQuery, field: str) -> str:
    return " or ".join(map(_said, query.texts(field)))


def _said(text: str) -> str:
    """0.1–0.3, ≥ 0.86, ≤ 0.5, "with ada", or the value itself."""
    if text.startswith(PART):
        return f"with {text.removeprefix(PART)}"
    ends = range_of(text)
    if ends is None:
        return text
    low, high = (None if end is None else format.parameter(end, DIGITS) for end in ends)
    return f"{low}–{high}" if low and high else f"≥ {low}" if low else f"≤ {high}"


def _top(view: SweepView) -> list[Segment]:
    shares: dict[int | None, str] = {None: "All", **{share: f"Best {share} %" for share in TOP_SHARES}}
    return [
        Segment(text, replace(view.query, top=share, number=1).url(view.path), view.query.top == share)
        for share, text in shares.items()
    ]
