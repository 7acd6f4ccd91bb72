"""Console lines as W&B's client sends them: `[ERROR ]2026-11-23T16:33:42.164330 [[label] ]text`, the time in UTC."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LINE: Final = re.compile(r"(?P<error>ERROR )?(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?) ?(?P<text>.*)", re.DOTALL)
LABELLED: Final = re.compile(r"\[(?P<label>[^\]]*)\] (?P<text>.*)", re.DOTALL)
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
# Colours, cursor moves, links and titles of terminals, and what else cannot be seen.
ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f]"
)
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
    """A line, read.

    Attributes:
        sent_at: as it was written; "" for a line without a time.
        error: it came from stderr.
        label: of the program that said it, where several write one run.
    """

    text: str
    sent_at: str = ""
    error: bool = False
    label: str | None = None


def console_line(line: str, labelled: bool = False) -> ConsoleLine:
    """Reads a line; one of another form is all text.

    Args:
        labelled: several programs write the run, and each begins its lines with its label.
    """
    match = LINE.fullmatch(line)
    if match is None:
        return ConsoleLine(line)
    own = LABELLED.fullmatch(match["text"]) if labelled else None
    text, label = (own["text"], own["label"]) if own else (match["text"], None)
    return ConsoleLine(text, match["at"], match["error"] is not None, label)


def printable(text: str, most: int) -> str:
    """What a page can show of a text that a program wrote, at most so many characters of it."""
    clean = ESCAPES.sub("", text[: 4 * most])
    return clean if len(clean) <= most and len(text) <= 4 * most else f"{clean[:most]}…"


def shows(sent: str, wanted: str) -> bool:
    """Whether a line shows a text, in whatever case."""
    return not wanted or wanted.casefold() in ESCAPES.sub("", console_line(sent).text).casefold()


def last_exception(sent: Iterable[str], labelled: bool = False) -> str | None:
    """The line that names the exception of which a program died; None if its console has none.

    The first whole line under the last traceback, of the same program, else the last one on stderr that has the form of
    an error. For `labelled` see `console_line`.
    """
    lines = [console_line(line, labelled) for line in sent]
    texts = [COLOUR.sub("", line.text).rstrip() for line in lines]
    start = max((place for place, text in enumerate(texts) if TRACEBACK in text), default=len(texts))
    behind = zip(lines[start + 1 :], texts[start + 1 :], strict=True)
    own = [text for line, text in behind if line.label == lines[start].label]
    under = [text for text in own if text and not text.startswith(FRAME)]
    errors = [text for line, text in zip(lines, texts, strict=True) if line.error and EXCEPTION.fullmatch(text)]
    told = next(iter([*under, *errors[::-1]]), None)
    return None if told is None else told.strip(" \t|+")[:MOST_OF_A_CAUSE]
