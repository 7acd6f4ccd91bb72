"""What the address of a list of sweeps asks for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from server.pages.sweeps.runs_query import EVERYTHING, RunsQuery, runs_query
from server.pages.words.addresses import project_url
from server.pages.words.paging import page_number
from server.store.list_queries import ORDERS, Wanted
from server.store.rows import Project
from terms import states

SHOWN: Final = {
    "all": states.SWEEP_STATES,
    "running": (states.SWEEP_PENDING, states.SWEEP_RUNNING, states.SWEEP_PAUSED),
    "done": states.SWEEP_OVER,
}
USUAL: Final = "created"
LONGEST: Final = 256


@dataclass(frozen=True)
class ListQuery:
    """Which sweeps, in which order.

    Attributes:
        project: None for those of all.
        show: a key of `SHOWN`.
        number: of the page, from 1.
        text: part of a name, an id, a description or a file; "" for all.
        state: the only one that is shown; "" for all of `show`.
        entity, named, user: of whose sweeps; `named` is a project's name; "" for all.
        sort: a key of `ORDERS`.
        descending: None: as it suits what is sorted by.
        runs: what is asked of a project's runs.
    """

    project: Project | None = None
    show: str = "all"
    number: int = 1
    text: str = ""
    state: str = ""
    entity: str = ""
    named: str = ""
    user: str = ""
    sort: str = USUAL
    descending: bool | None = None
    runs: RunsQuery = EVERYTHING

    @property
    def path(self) -> str:
        return project_url(self.project) if self.project else "/"

    @property
    def url(self) -> str:
        """Its address; what is as usual is left out."""
        text = urlencode([*self.pairs(), *replace(self.runs, others=()).pairs()], safe=",")
        return f"{self.path}?{text}" if text else self.path

    def pairs(self) -> list[tuple[str, str]]:
        """What it asks of sweeps, by the names of its address."""
        sign = "" if self.descending is None else "-" if self.descending else "+"
        order = f"{sign}{self.sort}" if sign or self.sort != USUAL else ""
        named = {
            "show": "" if self.show == "all" else self.show,
            "page": "" if self.number == 1 else str(self.number),
            "q": self.text,
            "state": self.state,
            "entity": self.entity,
            "project": self.named,
            "user": self.user,
            "sweeps": order,
        }
        return [(name, text) for name, text in named.items() if text]

    @property
    def wanted(self) -> Wanted:
        own = self.project.id if self.project else None
        return Wanted(own, self.entity or None, self.named or None, self.user or None, self.text or None)

    @property
    def states(self) -> tuple[str, ...]:
        """Those that are shown."""
        return tuple(state for state in SHOWN[self.show] if self.state in ("", state))

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.state or self.entity or self.named or self.user)

    @property
    def goes_down(self) -> bool:
        """Whether the largest comes first."""
        return self.sort in ("created", "settled") if self.descending is None else self.descending


def list_query(project: Project | None, pairs: Iterable[tuple[str, str]]) -> ListQuery:
    """Reads an address' query; what makes no sense is as if it were not there."""
    found = list(pairs)
    given = {name: text.strip() for name, text in found if len(text) <= LONGEST}
    show, order = given.get("show", "all"), given.get("sweeps", "")
    # In addresses a space is a plus.
    sort = order.lstrip("+- ")
    return ListQuery(
        project,
        show if show in SHOWN else "all",
        page_number(given),
        text=given.get("q", ""),
        state=given["state"] if given.get("state") in states.SWEEP_STATES else "",
        entity="" if project else given.get("entity", ""),
        named="" if project else given.get("project", ""),
        user=given.get("user", ""),
        sort=sort if sort in ORDERS else USUAL,
        descending=True if order.startswith("-") else False if order and order != sort else None,
        runs=runs_query(found),
    )
