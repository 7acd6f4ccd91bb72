"""What an address asks of a console: which lines of it, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

MOST_CHARACTERS: Final = 200


@dataclass(frozen=True)
class ConsoleQuery:
    """What the address asks for; lines are counted from 1.

    Attributes:
        wanted: a text that the lines have, in whatever case; "" for all lines.
        only_errors: only what came from stderr.
        first: the line to begin with; with neither this nor `before`, the end is shown, and followed.
        before: the line to end before.
    """

    wanted: str = ""
    only_errors: bool = False
    first: int | None = None
    before: int | None = None

    @property
    def follows(self) -> bool:
        return self.first is None and self.before is None

    def url(self, path: str) -> str:
        """This query as an address; what is as usual is left out."""
        given = {"q": self.wanted, "stderr": "1" if self.only_errors else "", "from": self.first, "before": self.before}
        text = urlencode({name: value for name, value in given.items() if value})
        return f"{path}?{text}" if text else path


def console_query(given: Mapping[str, str]) -> ConsoleQuery:
    """Reads an address' query; what makes no sense is as if it were not there."""
    first, before = _number(given.get("from", "")), _number(given.get("before", ""))
    wanted = given.get("q", "").strip()[:MOST_CHARACTERS]
    return ConsoleQuery(wanted, given.get("stderr") == "1", first, None if first else before)


def _number(text: str) -> int | None:
    return int(text) or None if text.isascii() and text.isdigit() and len(text) < 10 else None
