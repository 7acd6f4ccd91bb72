"""YAML text to a `SweepConfig`, or every problem with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import ValidationError

from search import rules, schedulers
from search.complaints import complaints
from search.document import Document, Place, Problem, Unreadable, read
from search.schema import SweepConfig
from search.wording import Path, one_line, shown

__all__ = ["Checked", "ConfigError", "Finding", "Rule", "SweepConfig", "check", "parse"]

MAX_PROBLEMS = 100

Rule = Callable[[dict[str, Any]], Iterable[Problem]]
"""Further mistakes in a sweep's plain data, which other mistakes may have left in any shape."""


class ConfigError(ValueError):
    """A sweep that cannot run as it is written.

    Attributes:
        problems: one line each; together they are the error's text.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)  # what pickle makes it again from

    def __str__(self) -> str:
        return "\n".join(self.problems)


@dataclass(frozen=True)
class Finding:
    """A mistake or a warning: one sentence or two on one line, and its place."""

    place: Place
    message: str

    def line(self, source: str | None) -> str:
        """With a source it begins with `name:line:column: `."""
        where = f"{source}:{self.place.line}:{self.place.column}: " if source is not None else ""
        return one_line(where) + self.message


@dataclass(frozen=True)
class Checked:
    """A sweep file, read.

    Attributes:
        config: None if there is a mistake in it that search itself knows.
        mistakes: in the file's order.
        warnings: what is allowed and surely not meant; none while `config` is None.
    """

    config: SweepConfig | None
    mistakes: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def parse(text: str, source: str | None = None) -> SweepConfig:
    """Reads and checks a sweep file.

    Args:
        text: YAML, as a person wrote it or as the W&B client sends it.
        source: the file's name; with it, each problem begins with `name:line:column: `.

    Raises:
        ConfigError: with all problems in the file's order, the first 100 in words.
    """
    checked = check(text)
    if checked.mistakes or checked.config is None:
        lines = [mistake.line(source) for mistake in checked.mistakes[:MAX_PROBLEMS]]
        raise ConfigError([*lines, "and more."] if len(checked.mistakes) > MAX_PROBLEMS else lines)
    return checked.config


def check(text: str, more: Iterable[Rule] = (), doubts: Iterable[Rule] = ()) -> Checked:
    """Reads and checks a sweep file, by further rules too.

    Args:
        text: YAML.
        more: what else must hold; of several mistakes at one key the first is told, search's own before theirs.
        doubts: what else is surely not meant; the same holds.
    """
    try:
        document = read(text)
    except Unreadable as error:
        return Checked(None, (Finding(error.place, one_line(error.message)),))
    config, found = _checked(document.data)
    if isinstance(document.data, dict):
        found += [problem for rule in more for problem in rule(document.data)]
    mistakes = [*document.problems, *found]
    wrong = {mistake.path for mistake in mistakes}
    rules_of_doubt = (rules.warnings, schedulers.warnings, *doubts) if config else ()
    doubtful = [doubt for rule in rules_of_doubt for doubt in rule(document.data)]
    warnings = [doubt for doubt in doubtful if doubt.path not in wrong]
    return Checked(config, _findings(mistakes, document), _findings(warnings, document))


def _checked(data: Any) -> tuple[SweepConfig | None, list[Problem]]:
    if not isinstance(data, dict):
        return None, [Problem((), f"a sweep is a mapping with `method` and `parameters`; this is {shown(data)}.")]
    config, problems = None, [*rules.problems(data), *schedulers.problems(data)]
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


def _findings(problems: list[Problem], document: Document) -> tuple[Finding, ...]:
    settled = _settled(problems, document)
    return tuple(Finding(document.place(problem.path), one_line(problem.message)) for problem in settled)
