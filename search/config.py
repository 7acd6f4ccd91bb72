"""YAML text to a `SweepConfig`, or every problem with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pydantic import ValidationError

from search import rules
from search.complaints import complaints
from search.document import Document, Place, Problem, Unreadable, read
from search.schema import SweepConfig
from search.wording import Path, one_line, shown

__all__ = ["ConfigError", "SweepConfig", "parse"]

MAX_PROBLEMS = 100


class ConfigError(ValueError):
    """A sweep that cannot run as it is written.

    Attributes:
        problems: one line each; together they are the error's text.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def parse(text: str, source: str | None = None) -> SweepConfig:
    """Reads and checks a sweep file.

    Args:
        text: YAML, as a person wrote it or as the W&B client sends it.
        source: the file's name; with it, each problem begins with `name:line:column: `.

    Raises:
        ConfigError: with all problems in the file's order, the first 100 in words.
    """
    try:
        document = read(text)
    except Unreadable as error:
        raise ConfigError([_line(error.message, error.place, source)]) from error
    config, found = _checked(document.data)
    problems = _settled([*document.problems, *found], document)
    if problems or config is None:
        raise ConfigError(_lines(problems, document, source))
    return config


def _checked(data: Any) -> tuple[SweepConfig | None, list[Problem]]:
    if not isinstance(data, dict):
        return None, [Problem((), f"a sweep is a mapping with `method` and `parameters`; this is {shown(data)}.")]
    config, problems = None, list(rules.problems(data))
    try:
        config = SweepConfig.model_validate(data)
    except ValidationError as error:
        problems += islice(complaints(error, data), MAX_PROBLEMS + 1)
    return config, [*problems, *rules.empties(data)]


def _settled(problems: list[Problem], document: Document) -> list[Problem]:
    """In the file's order; the first for each key, and none for a missing key that an unknown one was meant to be."""
    meant = {problem.meant for problem in problems} - document.places.keys()
    first: dict[Path, Problem] = {}
    for problem in problems:
        if problem.path not in meant:
            first.setdefault(problem.path, problem)
    return sorted(first.values(), key=lambda problem: document.place(problem.path))


def _lines(problems: list[Problem], document: Document, source: str | None) -> Iterator[str]:
    for problem in problems[:MAX_PROBLEMS]:
        yield _line(problem.message, document.place(problem.path), source)
    if len(problems) > MAX_PROBLEMS:
        yield "and more."


def _line(message: str, place: Place, source: str | None) -> str:
    where = f"{source}:{place.line}:{place.column}: " if source is not None else ""
    return one_line(where + message)
