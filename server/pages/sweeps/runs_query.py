"""What the address of a project's page asks for of its runs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from server.pages.compare.choice import chosen_in
from server.pages.curves.query import AS_USUAL, CurveQuery, curve_query
from server.pages.media.query import AS_LOGGED, MediaQuery, media_query
from server.pages.table.conditions import LONGEST
from server.pages.table.fields import fields_named, resolved
from server.pages.words.paging import page_number
from server.store.fields import is_known

WHERE_PREFIX: Final = "w."
MOST_FILTERS: Final = 50
# What the list of sweeps on the same page asks for.
OF_SWEEPS: Final = ("show", "page", "q", "state", "user", "sweeps")


@dataclass(frozen=True)
class RunsQuery:
    """Which runs, in which order, with which columns.

    Attributes:
        every: those of sweeps too.
        sort: a field of `store.fields`; None for the newest first.
        descending: None: as it suits the column.
        number: of the page, from 1.
        filters: (field, text); one of a field's must hold, of every field.
        by: fields whose values runs of a group share; () for no groups.
        of: the field of which groups have a mean; None for the usual one.
        by_error: tells how far the runs of a group lie apart by the standard error of their mean.
        columns: beside the name, in this order; () for the usual ones.
        runs: W&B's ids of those that are chosen, to be compared.
        too_many: of others that the address chooses, for which there is no letter.
        curves: how curves are drawn.
        media: which of those of the chosen runs are shown.
        others: names and texts that the rest of the page has in the address.
    """

    every: bool = False
    sort: str | None = None
    descending: bool | None = None
    number: int = 1
    filters: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    of: str | None = None
    by_error: bool = False
    runs: tuple[str, ...] = ()
    curves: CurveQuery = AS_USUAL
    media: MediaQuery = AS_LOGGED
    others: tuple[tuple[str, str], ...] = ()
    too_many: tuple[str, ...] = ()

    def url(self, path: str) -> str:
        """This query as an address; what is as usual is left out."""
        text = urlencode(self.pairs(), safe=",")
        return f"{path}?{text}" if text else path

    def pairs(self) -> list[tuple[str, str]]:
        """The names and texts of its address."""
        named = {
            "runs": "all" if self.every else None,
            "sort": self.sort,
            "order": None if self.descending is None else ("desc" if self.descending else "asc"),
            "of": self.of,
            "spread": "error" if self.by_error else None,
            "runs-page": None if self.number == 1 else str(self.number),
            "run": ",".join(self.runs) or None,
        }
        known = [(name, text) for name, text in named.items() if text is not None]
        filters = [(WHERE_PREFIX + field, text) for field, text in self.filters]
        columns = [*(("col", name) for name in self.columns), *(("by", name) for name in self.by)]
        return [*self.others, *known, *columns, *filters, *self.curves.pairs(), *self.media.pairs()]

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that filters ask about."""
        return tuple(dict.fromkeys(field for field, _ in self.filters))

    def texts(self, field: str) -> tuple[str, ...]:
        """What is asked of one field."""
        return tuple(text for name, text in self.filters if name == field)

    def without(self, field: str) -> "RunsQuery":
        """Without the filters of a field."""
        return replace(self, filters=tuple(each for each in self.filters if each[0] != field), number=1)


EVERYTHING: Final = RunsQuery()


def runs_query(pairs: Iterable[tuple[str, str]]) -> RunsQuery:
    """Reads an address' query; what makes no sense is as if it were not there.

    Args:
        pairs: names and texts; "add" and "is" are what the form for one more filter sends, a field and a text.
    """
    found = list(pairs)
    given = dict(found)
    added = [(given.get("add", ""), given.get("is", "").strip())]
    asked = [(name, text) for name, text in [*found, *added] if name.startswith(WHERE_PREFIX)]
    named = [(name.removeprefix(WHERE_PREFIX), text) for name, text in asked]
    filters = [(name, text) for name, text in named if is_known(name) and 0 < len(text) <= LONGEST]
    sort = given.get("sort")
    runs, too_many = chosen_in(given.get("run", ""))
    return RunsQuery(
        every=given.get("runs") == "all",
        sort=sort if sort and is_known(sort) else None,
        descending={"desc": True, "asc": False}.get(given.get("order", "")),
        number=page_number(given, "runs-page"),
        filters=tuple(dict.fromkeys(each for each in filters if is_known(each[0]) and 0 < len(each[1]) <= LONGEST))[
            :MOST_FILTERS
        ],
        columns=fields_named(found, "col"),
        by=fields_named(found, "by"),
        of=resolved(given.get("of", "")),
        by_error=given.get("spread") == "error",
        runs=runs,
        too_many=too_many,
        curves=curve_query(found),
        media=media_query(found),
        others=tuple((name, text) for name, text in found if name in OF_SWEEPS),
    )
