"""What an agent would start for a sweep: doubts about a sweep file's `program` and `command`."""

import difflib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from search import rules
from search.document import Problem
from search.wording import shown

# What W&B's agent runs where a file has no `command`.
USUAL_COMMAND: Final = ("${env}", "${interpreter}", "${program}", "${args}")
PROGRAM: Final = "${program}"
_FOR_OTHERS = ("job", "image_uri")  # what W&B Launch starts


def words(data: dict[str, Any]) -> list[str]:
    """The command as an agent runs it, word by word as in the file, its program in place."""
    program, command = data.get("program"), data.get("command", USUAL_COMMAND)
    given = [str(word) for word in command] if isinstance(command, list | tuple) else []
    return [program if word == PROGRAM and isinstance(program, str) else word for word in given]


def doubts(data: dict[str, Any], folder: Path) -> Iterator[Problem]:
    """What keeps agents or a scheduler from starting anything, as far as this machine can tell.

    Args:
        folder: where the sweep file lies; a program may lie there, or where the check is run.
    """
    if not data.keys().isdisjoint(_FOR_OTHERS):
        return
    found, program = words(data), data.get("program")
    if PROGRAM in found:
        yield Problem(() if "command" not in data else ("command",), _nothing_to_run(data))
    elif isinstance(program, str) and program in found and not _is_there(program, found, folder):
        yield Problem(
            ("program",),
            f"`program` is {shown(program)}, and no such file is here or beside the sweep file.{_near(program, folder)}"
            " Agents look for it where they are started.",
        )
    source = rules.section(data, "scheduler").get("source")
    if source is not None and not any((each / source).exists() for each in (Path(), folder)):
        yield Problem(
            ("scheduler", "source"),
            f"`scheduler.source` is {shown(source)}, and no such file is here or beside the sweep file."
            f"{_near(source, folder)} `wandb sweep-scheduler` looks for it where it is started.",
        )


def _nothing_to_run(data: dict[str, Any]) -> str:
    lacking = "neither `program` nor `command` is there"
    if "command" in data:
        lacking = "`command` has ${program}, and `program` is not there"
    return f"{lacking}: `wandb agent` has nothing to run; only `wandb.agent(..., function=...)` in a program can."


def _is_there(program: str, command: list[str], folder: Path) -> bool:
    place = command.index(program)
    as_module = place > 0 and command[place - 1] == "-m"
    return as_module or any((each / program).exists() for each in (Path(), folder)) or shutil.which(program) is not None


def _near(program: str, folder: Path) -> str:
    """ " Did you mean app/train.py?", or nothing."""
    parent = Path(program).parent
    there = [str(parent / file.name) for each in (Path(), folder) for file in (each / parent).glob("*.*")]
    match = difflib.get_close_matches(program, there, n=1)
    return f" Did you mean {match[0]}?" if match else ""
