"""What the address of a sweep's page asks for: which runs, in which order, and how they are drawn."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from server.pages.compare.choice import chosen_in
from server.pages.curves.query import AS_USUAL, CurveQuery, curve_query
from server.pages.media.query import AS_LOGGED, MediaQuery, media_query
from server.pages.table.conditions import LONGEST
from server.pages.table.fields import fields_named
from server.pages.words.paging import page_number
from server.store.fields import is_known
from terms import states

PARAMETER_PREFIX: Final = "p."
FILTER_PREFIX: Final = "f."
WHERE_PREFIX: Final = "w."
METRIC_FILTER: Final = "m"
MOST_FILTERS: Final = 50
MOST_AXES: Final = 50
TOP_SHARES: Final = (25, 10)

STATE_FILTERS: Final = {
    "all": (*states.RUN_STATES, states.STOPPED_EARLY),
    states.FINISHED: (states.FINISHED,),
    states.STOPPED_EARLY: (states.STOPPED_EARLY,),
    states.FAILED: states.FAILURES,
    states.KILLED: (states.KILLED,),
    states.RUNNING: states.LIVE,
}


@dataclass(frozen=True)
class TableQuery:
    """What the address asks for.

    Attributes:
        sort: a field of `store.fields`; None: best first, or newest first where there is no metric.
        descending: None: as it suits the column.
        state: a key of `STATE_FILTERS`.
        number: of the page, from 1.
        runs: W&B's ids of the runs that are chosen, to be compared; () for none.
        too_many: of others that the address chooses, for which there is no letter.
        filters: (field, text), where the field is "m" for the metric, "f." and a parameter's dotted name, or "w." and
            any field of `store.fields`, and the text as `conditions` has it. One of a field's must hold, of every
            field.
        top: only so many percent of the runs with a value, the best ones; one of `TOP_SHARES` or None.
        by_time: draws the best so far over time.
        whole: draws also the results that are far worse than the others.
        across, up: the fields that are drawn against each other; None: the strongest parameter, the metric.
        hidden: of the usual columns, those that are left out, by the names that `sort` has for them.
        by: fields whose values runs of a group share; () for no groups.
        by_error: tells how far the runs of a group lie apart by the standard error of their mean.
        axes: the parameters that have an axis of the parallel coordinates, by dotted name; () for the usual ones.
        columns: all that are shown beside the name, in this order; () for the usual ones.
        curves: how curves are drawn.
        media: which of them are shown.
    """

    sort: str | None = None
    descending: bool | None = None
    state: str = "all"
    number: int = 1
    runs: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    top: int | None = None
    by_time: bool = False
    whole: bool = False
    across: str | None = None
    up: str | None = None
    hidden: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    curves: CurveQuery = AS_USUAL
    media: MediaQuery = AS_LOGGED
    by: tuple[str, ...] = ()
    by_error: bool = False
    axes: tuple[str, ...] = ()
    too_many: tuple[str, ...] = ()

    def url(self, path: str) -> str:
        """This query as an address; what is as usual is left out."""
        text = urlencode(self.pairs(), safe=",")
        return f"{path}?{text}" if text else path

    def pairs(self) -> list[tuple[str, str]]:
        """The names and texts of its address."""
        named = {
            "sort": self.sort,
            "order": None if self.descending is None else ("desc" if self.descending else "asc"),
            "state": None if self.state == "all" else self.state,
            "page": None if self.number == 1 else self.number,
            "run": ",".join(self.runs) or None,
            "top": self.top,
            "x": "time" if self.by_time else None,
            "scale": "whole" if self.whole else None,
            "spread": "error" if self.by_error else None,
            "across": self.across,
            "up": self.up,
        }
        known = [(name, str(value)) for name, value in named.items() if value is not None]
        columns = [*(("hide", name) for name in self.hidden), *(("col", name) for name in self.columns)]
        groups = [*(("by", name) for name in self.by), *(("axis", name) for name in self.axes)]
        return [*known, *columns, *groups, *self.filters, *self.curves.pairs(), *self.media.pairs()]

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields of runs that filters ask about, beside the metric and the parameters."""
        named = (name.removeprefix(WHERE_PREFIX) for name, _ in self.filters if name.startswith(WHERE_PREFIX))
        return tuple(dict.fromkeys(named))

    def texts(self, field: str) -> tuple[str, ...]:
        """What is asked of one field."""
        return tuple(text for name, text in self.filters if name == field)

    def toggled(self, field: str, text: str) -> "TableQuery":
        """With one more filter, or without it if it is there; from the first page on."""
        one = (field, text)
        kept = tuple(each for each in self.filters if each != one)
        return replace(self, filters=kept if one in self.filters else (*kept, one), number=1)

    def without(self, field: str) -> "TableQuery":
        """Without the filters of a field."""
        return replace(self, filters=tuple(each for each in self.filters if each[0] != field), number=1)

    def unfiltered(self) -> "TableQuery":
        """Of all runs."""
        return replace(self, state="all", filters=(), top=None, number=1)

    @property
    def filtered(self) -> bool:
        return self != replace(self, state="all", filters=(), top=None)


def table_query(pairs: Iterable[tuple[str, str]]) -> TableQuery:
    """Reads an address' query; what makes no sense is as if it were not there.

    Args:
        pairs: names and texts; "add" and "is" are what the form for one more filter sends, a field and a text.
    """
    found = list(pairs)
    given = dict(found)
    runs, too_many = chosen_in(given.get("run", ""))
    state, top = given.get("state", "all"), given.get("top", "")
    filters = [(name, text) for name, text in found if 0 < len(text) <= LONGEST and _is_field(name)]
    if given.get("is", "").strip() and _is_field(given.get("add", "")):
        filters.append((given["add"], given["is"].strip()))
    return TableQuery(
        sort=given.get("sort"),
        descending={"desc": True, "asc": False}.get(given.get("order", "")),
        state=state if state in STATE_FILTERS else "all",
        number=page_number(given),
        runs=runs,
        too_many=too_many,
        filters=tuple(dict.fromkeys(filters))[:MOST_FILTERS],
        top=next((share for share in TOP_SHARES if str(share) == top), None),
        by_time=given.get("x") == "time",
        whole=given.get("scale") == "whole",
        axes=tuple(dict.fromkeys(text for name, text in found if name == "axis" and text))[:MOST_AXES],
        across=given.get("across") or None,
        up=given.get("up") or None,
        hidden=tuple(dict.fromkeys(text for name, text in found if name == "hide" and text)),
        curves=curve_query(found),
        media=media_query(found),
        columns=fields_named(found, "col"),
        by=fields_named(found, "by"),
        by_error=given.get("spread") == "error",
    )


def _is_field(name: str) -> bool:
    if name.startswith(WHERE_PREFIX):
        return is_known(name.removeprefix(WHERE_PREFIX))
    return name == METRIC_FILTER or (name.startswith(FILTER_PREFIX) and len(name) > len(FILTER_PREFIX))
