"""The words that messages about a sweep file share: a value as it stands there, its name, the nearest right word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

import yaml
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

Path = tuple[str | int, ...]

_LONGEST_SHOWN = 60
_DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_RESOLVER = Resolver()


def shown(value: object) -> str:
    """Spells a value as YAML would, on one line and cut after 60 characters; text in quotes, long lists by name."""
    if isinstance(value, list | dict) and (len(value) > 5 or any(isinstance(item, list | dict) for item in value)):
        return "a list" if isinstance(value, list) else "a mapping"
    return _cut(repr(value) if isinstance(value, str) else in_yaml(value))


def in_yaml(value: object) -> str:
    """Spells a value so that YAML reads it as the same value again."""
    return yaml.safe_dump(value, default_flow_style=True, width=1e9).partition("\n")[0]


def dotted(path: Path) -> str:
    """Writes a path as in `parameters.lr.probabilities[1]`, without the backticks."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_cut(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def one_line(text: str) -> str:
    """Escapes line ends and control characters, which keys in quotes may hold."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def nearest(word: object, allowed: Iterable[str]) -> str | None:
    """The allowed word that was probably meant, or None. Case does not count."""
    matches = get_close_matches(str(word).lower(), list(allowed), n=1, cutoff=0.5)
    return matches[0] if matches else None


def suggestion(word: object, allowed: Iterable[str]) -> str:
    """ " Did you mean `grid`?", or nothing when no allowed word is near."""
    match = nearest(word, allowed)
    return f" Did you mean `{match}`?" if match else ""


def respelt(text: str) -> str | None:
    """How YAML wants a number that a person wrote and YAML reads as text; None for any other text.

    YAML 1.1, which the W&B client reads, knows an exponent only after a point and with its sign: `1e-4` is text,
    `1.0e-4` a number.
    """
    tag = _RESOLVER.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return in_yaml(float(text)) if tag == Resolver.DEFAULT_SCALAR_TAG and _DECIMAL.fullmatch(text) else None


def not_a_number(value: object) -> str:
    """Says why a value is no number and, for text that looks like one, how to write it."""
    if not isinstance(value, str):
        return f"is {shown(value)}: a number is due."
    if number := respelt(value):
        return f"is the text {shown(value)}: YAML reads no number in this form; write {number}."
    if _DECIMAL.fullmatch(value):
        return f"is the text {shown(value)}: write it without quotes."
    return f"is the text {shown(value)}: a number is due."
