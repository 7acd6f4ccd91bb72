"""Console lines as W&B's client sends them: `[ERROR ]2026-11-23T16:33:42.164330 text`, the time in UTC."""

import re
from dataclasses import dataclass
from typing import Final

LINE: Final = re.compile(r"(?P<error>ERROR )?(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?) ?(?P<text>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    """A line, read; `sent_at` as it was written, "" for a line without a time; `error`: it came from stderr."""

    text: str
    sent_at: str = ""
    error: bool = False


def console_line(line: str) -> ConsoleLine:
    """Reads a line; one of another form is all text."""
    match = LINE.fullmatch(line)
    return ConsoleLine(match["text"], match["at"], match["error"] is not None) if match else ConsoleLine(line)
