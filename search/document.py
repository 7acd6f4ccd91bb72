"""YAML text to plain data, each key with its place.

Read by PyYAML, the W&B client's own parser, so that our check sees the values that the client sends. Bounded in length,
depth and aliases: no text that is sent to a server can take its time, memory or stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from search.wording import Path, dotted, shown

MAX_CHARACTERS = 300_000  # about a second of PyYAML
MAX_DEPTH = 50
MAX_VALUES = 50_000  # each alias counted as often as it is used
MAX_WHOLE = 10**100
MAX_NUMBER_CHARACTERS = 400  # PyYAML needs quadratic time for `1:1:1:...`, a number in YAML 1.1

_TEXT = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
# What PyYAML's constructors let through when an explicit tag, as in `!!int x`, does not fit its value.
_CONSTRUCTOR_ERRORS = (yaml.YAMLError, ValueError, LookupError, AttributeError, ArithmeticError)


class Place(NamedTuple):
    """Where something stands in the text; both numbers count from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """One mistake.

    Attributes:
        path: of the key, also where the mistake is that the key is missing.
        message: one sentence or two, without the place.
        meant: for an unknown key, the path of the key that was probably meant.
    """

    path: Path
    message: str
    meant: Path | None = None


class Unreadable(Exception):
    """The text is no YAML document, or a larger one than a sweep ever is."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


@dataclass(frozen=True)
class Document:
    """A YAML text, read.

    Attributes:
        data: dicts with text as keys, lists, text, numbers, truth values, None.
        places: of each key and each item of a list; a repeated key's is the last, as its value is.
        problems: what stands in the text and plain data cannot hold: repeated keys, dates, keys that are no text.
    """

    data: Any
    places: dict[Path, Place]
    problems: tuple[Problem, ...]

    def place(self, path: Path) -> Place:
        """The place of a key or, where it is missing, of the nearest key around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


def read(text: str) -> Document:
    """Reads one YAML document.

    Raises:
        Unreadable: if it is no YAML, is empty or exceeds MAX_CHARACTERS, MAX_DEPTH or MAX_VALUES.
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(Place(1, 1), f"the sweep has {len(text):,} characters: at most {MAX_CHARACTERS:,} are read.")
    try:
        loader = _BoundedLoader(text)
        root = loader.get_single_node()
    except ReaderError as error:
        raise Unreadable(_place_at(text, error.position), f"not valid YAML: {error.reason}.") from error
    except yaml.MarkedYAMLError as error:
        raise _broken(error) from error
    if root is None:
        raise Unreadable(Place(1, 1), "the sweep is empty: it needs at least `method` and `parameters`.")
    reader = _Reader(loader)
    return Document(reader.plain(root, ()), reader.places, tuple(reader.problems))


class _BoundedLoader(yaml.SafeLoader):
    """PyYAML's loader, which refuses deep nesting before Python's stack runs out."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(_place(self.peek_event().start_mark))  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Reader:
    """Builds plain data out of YAML's nodes and notes each key's place and what is wrong on the way."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self._loader = loader
        self._visited = 0

    def plain(self, node: Node, path: Path) -> Any:
        self._bound(node, len(path))
        self.places.setdefault(path, _place(node.start_mark))
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _PLAIN_TAGS:
            self._report(path, f"`{dotted(path)}` has the tag {_short(node.tag)}: only plain YAML is read.")
        if isinstance(node, SequenceNode):
            return [self.plain(item, (*path, position)) for position, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _bound(self, node: Node, depth: int) -> None:
        # Aliases make a short text a huge or an endless document; only what is visited counts.
        self._visited += 1
        if self._visited > MAX_VALUES:
            raise Unreadable(
                _place(node.start_mark),
                f"the sweep holds more than {MAX_VALUES:,} values, each alias counted as often as it is used.",
            )
        if depth > MAX_DEPTH:
            raise _too_deep(_place(node.start_mark))

    def _mapping(self, node: Node, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        own_lines: dict[str, int] = {}
        for key_node, value_node, is_own in self._pairs(node, len(path)):
            key = self._key(key_node, path)
            if key in own_lines:
                self._report((*path, key), f"key `{dotted((*path, key))}` stands in line {own_lines[key]} already.")
            if is_own:
                own_lines[key] = key_node.start_mark.line + 1
            self.places[(*path, key)] = _place(key_node.start_mark)
            data[key] = self.plain(value_node, (*path, key))
        return data

    def _pairs(self, node: Node, depth: int, is_own: bool = True) -> Iterator[tuple[Node, Node, bool]]:
        """A mapping's pairs, those that `<<` merges into it first, so that its own win."""
        self._bound(node, depth)
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in _merge_sources(value):
                    yield from self._pairs(source, depth + 1, is_own=False)
        yield from ((key, value, is_own) for key, value in node.value if key.tag != _MERGE)

    def _key(self, node: Node, path: Path) -> str:
        if not isinstance(node, ScalarNode):
            raise Unreadable(_place(node.start_mark), "a key must be text, not a list or a mapping.")
        key = _whole_text(node)
        if node.tag != _TEXT:
            self._report(
                (*path, key), f"key `{dotted((*path, key))}` is not text to YAML: write it in quotes, '{key}'."
            )
        return key

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        text = _whole_text(node)
        try:
            value = self._construct(node)
        except _CONSTRUCTOR_ERRORS:
            self._report(path, f"`{dotted(path)}` is {shown(text)}, which cannot be read as {_short(node.tag)}.")
            return text
        if isinstance(value, date):
            self._report(path, f"`{dotted(path)}` is a date to YAML: write it in quotes, '{text}'.")
            return text
        return value

    def _construct(self, node: ScalarNode) -> Any:
        if node.tag != _TEXT and len(node.value) > MAX_NUMBER_CHARACTERS:
            raise ValueError("too long")
        value = self._loader.construct_object(node)
        if not isinstance(value, str | int | float | date | None) or (
            isinstance(value, int) and abs(value) > MAX_WHOLE
        ):
            raise ValueError("no plain value")
        return value

    def _report(self, path: Path, message: str) -> None:
        self.problems.append(Problem(path, message))


def _merge_sources(value: Node) -> list[Node]:
    sources = value.value if isinstance(value, SequenceNode) else [value]
    if not all(isinstance(source, MappingNode) for source in sources):
        raise Unreadable(_place(value.start_mark), "`<<` merges mappings only.")
    return list(sources)


def _whole_text(node: ScalarNode) -> str:
    """Its text; YAML's escapes can write half a character ("\\ud83d"), which nothing can store or send."""
    text: str = node.value
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Unreadable(
            _place(node.start_mark), f"half a character (a lone surrogate) stands in {text[:80]!a}: write it whole."
        )
    return text


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _too_deep(place: Place) -> Unreadable:
    return Unreadable(place, f"the sweep is nested deeper than {MAX_DEPTH} levels, or an alias holds itself.")


def _broken(error: yaml.MarkedYAMLError) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    context = f"{error.context} from line {error.context_mark.line + 1}, " if error.context_mark else ""
    return Unreadable(_place(mark), f"not valid YAML: {context}{error.problem}.")


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _place_at(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
