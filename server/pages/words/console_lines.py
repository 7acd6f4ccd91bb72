"""Lines of a run's console as a page shows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from server.console import console_line, printable


@dataclass(frozen=True)
class ShownLine:
    """A line of a run's console.

    Attributes:
        number: counted from 1.
        at: as "14:07:02" in the server's zone; `iso` for machines, both "" if unknown.
        parts: of its text, and whether each is what was looked for.
        error: it came from stderr.
    """

    number: int
    at: str
    iso: str
    parts: list[tuple[str, bool]]
    error: bool


def shown_line(number: int, sent: str, most: int, wanted: str = "") -> ShownLine:
    """A line as its client sent it, cut to so many characters.

    Args:
        number: counted from 0.
        wanted: what is to stand out in it.
    """
    line = console_line(sent)
    at = _local(line.sent_at)
    clock, iso = (f"{at:%H:%M:%S}", at.isoformat()) if at else ("", "")
    return ShownLine(number + 1, clock, iso, list(_parts(printable(line.text, most), wanted)), line.error)


def _parts(text: str, wanted: str) -> Iterator[tuple[str, bool]]:
    # A pattern of one group splits into what is between and what was found, in turn.
    pieces = re.split(f"({re.escape(wanted)})", text, flags=re.IGNORECASE) if wanted else [text]
    return ((piece, number % 2 == 1) for number, piece in enumerate(pieces) if piece)


def _local(sent_at: str) -> datetime | None:
    """To the second, in the server's zone."""
    try:
        return datetime.fromisoformat(sent_at).replace(microsecond=0, tzinfo=UTC).astimezone()
    except (ValueError, OverflowError):
        return None
