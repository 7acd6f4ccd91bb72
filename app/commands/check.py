"""Sweep files checked before anything runs: by W&B's rules, and by the trainer's where a sweep runs it."""

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app.commands import program_rules, trainer_rules
from app.settings import SettingError
from search import config
from search.config import Checked, Finding, SweepConfig
from search.document import Place, Problem

EXTENSION = "x-sweep"
MISTAKES = 2


def check(path: Path, portable: bool = False) -> Checked:
    """Reads and checks a file; one that cannot be read is a mistake, too.

    Args:
        portable: refuses the key that only this project's server heeds.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Checked(None, (Finding(Place(1, 1), _unreadable(path, error)),))
    doubts: list[config.Rule] = [trainer_rules.doubts, partial(program_rules.doubts, folder=path.parent)]
    return config.check(text, [trainer_rules.problems, *([_extensions] if portable else [])], doubts)


def sweep(path: Path) -> SweepConfig:
    """Reads a file that is to be run.

    Raises:
        SettingError: if the file is missing or wrong, with every mistake and its place.
    """
    checked = check(path)
    if checked.mistakes or checked.config is None:
        raise SettingError(*(mistake.line(str(path)) for mistake in checked.mistakes))
    return checked.config


def lines(files: Mapping[Path, Checked]) -> Iterator[str]:
    """For people: a line for each mistake and warning, and one for each file that has neither."""
    for path, checked in files.items():
        yield from (mistake.line(str(path)) for mistake in checked.mistakes)
        yield from warnings(path, checked)
        if not checked.mistakes and not checked.warnings:
            yield f"{path}: no mistakes."


def warnings(path: Path, checked: Checked) -> Iterator[str]:
    """A line for each."""
    for warning in checked.warnings:
        yield Finding(warning.place, f"warning: {warning.message}").line(str(path))


def as_json(files: Mapping[Path, Checked]) -> str:
    """For programs: a list of objects with file, line, column, severity and message."""
    found = [
        {"file": str(path), **finding.place._asdict(), "severity": severity, "message": finding.message}
        for path, checked in files.items()
        for severity, findings in (("error", checked.mistakes), ("warning", checked.warnings))
        for finding in findings
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)


def exit_code(files: Mapping[Path, Checked]) -> int:
    """0, or 2 if there is a mistake; warnings are none."""
    return MISTAKES if any(checked.mistakes for checked in files.values()) else 0


def _extensions(data: dict[str, Any]) -> Iterator[Problem]:
    if EXTENSION in data:
        yield Problem((EXTENSION,), f"`{EXTENSION}` is heeded by this project's server alone: leave it out.")


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> str:
    reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
    there = sorted(map(str, Path("sweeps").glob("*.yaml")))
    near = difflib.get_close_matches(str(path), there, n=1)
    return f"{reason}.{f' Did you mean {near[0]}?' if near else ''} In sweeps/: {', '.join(there)}."
