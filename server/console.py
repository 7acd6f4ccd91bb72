"""Console lines as W&B's client sends them: `[ERROR ]2026-11-23T16:33:42.164330 text`, the time in UTC."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LINE: Final = re.compile(r"(?P<error>ERROR )?(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?) ?(?P<text>.*)", re.DOTALL)
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
TRACEBACK: Final = "Traceback (most recent call last)"
FRAME: Final = (" ", "\t", "|", "+", "╭", "│", "╰", "─")
# "ValueError: ...", "keras.Oops.MyError", argparse's "train.py: error: ...", and what other languages' programs print.
EXCEPTION: Final = re.compile(
    r"[\s|+]*([A-Za-z_][\w.]*)?(Error|Exception|ExceptionGroup|Interrupt)(: .*)?"
    r"|(\S+: )?(error|fatal|fatal error): .+",
    re.IGNORECASE,
)
MOST_OF_A_CAUSE: Final = 500


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


def last_exception(sent: Iterable[str]) -> str | None:
    """The line that names the exception of which a program died; None if its console has none.

    The first whole line under the last traceback, else the last one on stderr that has the form of an error.
    """
    lines = [console_line(line) for line in sent]
    texts = [COLOUR.sub("", line.text).rstrip() for line in lines]
    start = max((place for place, text in enumerate(texts) if TRACEBACK in text), default=len(texts))
    under = [text for text in texts[start + 1 :] if text and not text.startswith(FRAME)]
    errors = [text for line, text in zip(lines, texts, strict=True) if line.error and EXCEPTION.fullmatch(text)]
    told = next(iter([*under, *errors[::-1]]), None)
    return None if told is None else told.strip(" \t|+")[:MOST_OF_A_CAUSE]
