"""What a filter's text asks of a value: the value itself, a range of numbers or of days, or a part of a text."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from charts.axis import Range
from server.pages.words.sent import written
from server.run_values import number

# Without two ways to read the same digits, which would take a while for thousands of them.
NUMBER: Final = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
RANGE: Final = re.compile(rf"({NUMBER})?\s*\.\.\s*({NUMBER})?")
PART: Final = "~"
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?")
NAMED: Final = 4
LONGEST: Final = 256

Test = Callable[[Any], bool]


@lru_cache(maxsize=1024)
def range_of(text: str) -> Range | None:
    """The ends of a filter's range, the lower first; None for the text of a value.

    Kept, since the same text is read again for each of thousands of runs.
    """
    found = RANGE.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    low, high = (None if end is None else float(end) for end in found.groups())
    return (high, low) if low is not None and high is not None and low > high else (low, high)


def holds(text: str, value: Any) -> bool:
    """Tells whether a value is what a filter's text asks for; of a list, whether one of its values is."""
    if isinstance(value, list) and any(holds(text, each) for each in value):
        return True
    ends = range_of(text)
    known = number(value)
    if ends is not None:
        low, high = ends
        return known is not None and (low is None or low <= known) and (high is None or known <= high)
    if known is not None and re.fullmatch(NUMBER, text.strip()):
        return known == float(text)
    if written(value) == text:
        return True
    part = text.removeprefix(PART)
    return part != text and value is not None and part.casefold() in written(value).casefold()


def any_of(texts: Sequence[str], of_time: bool = False) -> Test:
    """A test that one of the texts passes.

    Args:
        of_time: the values are moments, in UTC seconds.
    """
    if not of_time:
        return lambda value: any(holds(text, value) for text in texts)
    spans = [span for span in map(span_of, texts) if span]
    return lambda value: value is not None and any(first <= value < end for first, end in spans)


def span_of(text: str) -> tuple[float, float] | None:
    """The first moment of a day, or of a range of days, and the first one behind it, in UTC seconds.

    Times of day may be given too, as 2026-11-29T14:30; they are those of the server's zone.

    Returns:
        None for what is neither.
    """
    first, to, last = (part.strip() for part in text.strip().partition(".."))
    last = last if to else first
    if not (first or last) or any(end and not _is_moment(end) for end in (first, last)):
        return None
    return _begin(first) if first else -math.inf, _end(last) if last else math.inf


def is_number(text: str) -> bool:
    """Tells whether a text asks for a number, or for a range of them."""
    return range_of(text) is not None or re.fullmatch(NUMBER, text.strip()) is not None


def only_numbers(values: Iterable[Any]) -> bool:
    return all(number(value) is not None for value in values)


def nearest(text: str, values: Iterable[Any]) -> str:
    """Which values there are beside one that there is not: "adam or sgd; did you mean adam?"."""
    known = list(dict.fromkeys(written(value, 5, 40) for value in values))
    near = get_close_matches(text, known, 1)
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    said = f"{', '.join(known[:NAMED])}{more}"
    return f"{said}. Did you mean {near[0]}?" if near else f"{said}."


def _is_moment(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _begin(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _end(text: str) -> float:
    """A day ends with its last moment; a minute or second too."""
    length = timedelta(days=1) if "T" not in text else timedelta(seconds=60 if text.count(":") == 1 else 1)
    return (datetime.fromisoformat(text) + length).timestamp()
