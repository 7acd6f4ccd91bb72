"""JSON as W&B's client speaks it: Python's dialect, with bare NaN and Infinity inside strings of JSON."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from server.refusal import RefusalError

MAX_DEPTH = 100
# As JSON escapes the halves of a character outside Unicode's first plane; alone neither can be stored or sent.
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def parse_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Parses a JSON object.

    Raises:
        RefusalError: it is none; `what` names it in the message.
    """
    value = parse(text, what)
    if not isinstance(value, dict):
        raise RefusalError(f"{what} must be a JSON object, not {type(value).__name__}")
    return value


def parse(text: str | bytes, what: str) -> Any:
    """Parses JSON.

    Raises:
        RefusalError: it is no JSON, or nested deeper than 100.
    """
    try:
        # Left to itself json would let half characters through, and take UTF-16.
        text = text if isinstance(text, str) else text.decode()
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusalError(f"{what} must be JSON: {error}") from error
    # To count what opens is quicker than to go through; most texts hold fewer.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise RefusalError(f"{what} is nested deeper than {MAX_DEPTH}")
    broken = None if _is_plain(text) else _broken(text, value)
    if broken is not None:
        raise RefusalError(f"{what} holds half a character (a lone surrogate), which no text can: {broken[:80]!a}")
    return value


def strict(value: Any) -> Any:
    """The value with NaN and infinities as strings, which raw JSON needs."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [strict(item) for item in value]
    return value


def _is_plain(text: str) -> bool:
    return text.isascii() and "\\u" not in text


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [item for parent in level for item in _items(parent)]
    return depth


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _broken(text: str, value: Any) -> str | None:
    """The first text in a value that holds half a character."""
    return next(filter(_is_broken, _texts(value)), None) if HALF_CHARACTER.search(text) else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    if isinstance(value, dict):
        yield from value
    for item in _items(value):
        yield from _texts(item)


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
