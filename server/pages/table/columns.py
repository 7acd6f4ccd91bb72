"""Which columns a table shows, and the links that leave them out, bring them back and move them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from server.pages.table import fields
from server.pages.words.facts import Segment


@dataclass(frozen=True)
class Column:
    """A column's head; `sorted` is "ascending", "descending" or None, `url` sorts by it or turns the order around."""

    field: str
    name: str
    url: str | None
    sorted: str | None
    css: str = ""


@dataclass(frozen=True)
class Choice:
    """A column that is shown: its name, and the addresses of the page without it, and with it moved; None at an end."""

    name: str
    without: str
    left: str | None
    right: str | None


@dataclass(frozen=True)
class ColumnMenu:
    """What can be done about columns.

    Attributes:
        shown: in their order.
        hidden: usual ones that are left out; each leads to the table with it.
        kept: what a form for one more has to send along.
        names: fields that can be a column, as they are typed.
    """

    shown: list[Choice]
    hidden: list[Segment]
    kept: list[tuple[str, str]]
    names: list[str]


# Gives the address of the page with these columns; () for the usual ones.
Addressed = Callable[[tuple[str, ...]], str]


def choices(shown: Sequence[str], addressed: Addressed, titled: Callable[[str], str]) -> list[Choice]:
    """The columns that are shown, each with its links."""
    found = []
    for place, name in enumerate(shown):
        others = tuple(each for each in shown if each != name)
        left = addressed(_put(others, name, place - 1)) if place else None
        right = addressed(_put(others, name, place + 1)) if place + 1 < len(shown) else None
        found.append(Choice(titled(name), addressed(others or ("run",)), left, right))
    return found


def addable(shown: Iterable[str], sent: Iterable[str]) -> list[str]:
    """The fields that are not shown yet; those that runs have sent under their own names, where these are plain."""
    have = set(shown)
    return [name for name in (*fields.OWN, *sent) if name not in have]


def _put(names: tuple[str, ...], name: str, place: int) -> tuple[str, ...]:
    return (*names[:place], name, *names[place:])
