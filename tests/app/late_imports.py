"""Runs a program and adds to a file what it has imported of others' since Python started, or the warm server forked it.

    tests/app/late_imports.py FILE (-m MODULE | SCRIPT) [ARGUMENTS]

One line for each module, written when the program ends, whichever way.
"""

import atexit
import os
import runpy
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

OURS = {"app", "charts", "search", "terms"}


def run(program: Sequence[str]) -> None:
    """Runs it as `__main__`."""
    sys.argv[:] = program[program[0] == "-m" :]
    if program[0] == "-m":
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(program[0], run_name="__main__")


def tell(path: str, known: set[str]) -> None:
    """Adds the modules that are neither known, nor Python's own, nor this project's."""
    late = [name for name in {*sys.modules} - known if name.split(".")[0] not in OURS | sys.stdlib_module_names]
    with open(path, "a") as file:
        file.writelines(f"{name}\n" for name in sorted(late))


def main(path: str, program: Sequence[str]) -> None:
    """Runs the program and tells."""
    telling, leave = partial(tell, path, {*sys.modules}), os._exit

    def leave_at_once(status: int) -> NoReturn:
        telling()
        leave(status)

    os._exit = leave_at_once
    atexit.register(telling)
    run(program)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
