"""What the address of a sweep's page asks for: which runs, in which order, and whose curves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from charts.learning_curves import LETTERS
from server import lifecycle
from server.pages.look import FAILURES
from server.store.queries import STOPPED_EARLY

PARAMETER_PREFIX: Final = "p."
LAST_PAGE: Final = 1_000_000
MOST_CURVES: Final = len(LETTERS)

STATE_FILTERS: Final = {
    "all": (*lifecycle.RUN_STATES, STOPPED_EARLY),
    "finished": (lifecycle.FINISHED,),
    STOPPED_EARLY: (STOPPED_EARLY,),
    "failed": FAILURES,
    "killed": (lifecycle.KILLED,),
    "running": lifecycle.LIVE,
}


@dataclass(frozen=True)
class TableQuery:
    """What the address asks for.

    Attributes:
        sort: "metric", "run", "state", "rows", "time", or "p." and a parameter's dotted name; None: best first, or
            newest first where there is no metric.
        descending: None: as it suits the column.
        state: a key of `STATE_FILTERS`.
        number: of the page, from 1.
        runs: W&B's ids of the runs whose curves are asked for; () for the usual ones.
    """

    sort: str | None = None
    descending: bool | None = None
    state: str = "all"
    number: int = 1
    runs: tuple[str, ...] = ()

    def url(self, path: str) -> str:
        """This query as an address; what is as usual is left out."""
        named = {
            "sort": self.sort,
            "order": None if self.descending is None else ("desc" if self.descending else "asc"),
            "state": None if self.state == "all" else self.state,
            "page": None if self.number == 1 else self.number,
            "run": ",".join(self.runs) or None,
        }
        text = urlencode({name: value for name, value in named.items() if value is not None}, safe=",")
        return f"{path}?{text}" if text else path


def table_query(given: Mapping[str, str]) -> TableQuery:
    """Reads an address' query; what makes no sense is as if it were not there."""
    state = given.get("state", "all")
    return TableQuery(
        sort=given.get("sort"),
        descending={"desc": True, "asc": False}.get(given.get("order", "")),
        state=state if state in STATE_FILTERS else "all",
        number=page_number(given),
        runs=tuple(dict.fromkeys(filter(None, given.get("run", "").split(","))))[:MOST_CURVES],
    )


def page_number(given: Mapping[str, str]) -> int:
    """The page asked for, from 1; 1 for what is no number."""
    text = given.get("page", "")
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 10 else 1
