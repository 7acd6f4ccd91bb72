"""Programs that do not end: they are made to tell where they hang before they are killed.

They need PYTHONFAULTHANDLER in their environment: Python then writes every thread's stack to stderr on SIGABRT.

One that was caught so is the client's own (wandb 0.31.0, once in some 200 programs that end without `run.finish()` on a
busy machine): at exit it asks its service to stop, closes the connection and waits for the service to end. If the
service is just sending an answer then, it drops the connection, the request unread, and stays.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.patience import HANG_S

FAULT_HANDLER = {"PYTHONFAULTHANDLER": "1"}
WRITING_S = 2.0


def output(process: subprocess.Popen[str], home: Path, limit_s: float = HANG_S) -> tuple[str, str]:
    """What a program wrote to stdout and stderr, with stacks in a failure's text if it does not end in time."""
    try:
        return process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        abort(home)
        said = "\n".join(process.communicate())
        raise AssertionError(f"no end within {limit_s} s: {process.args!r}\n{said}") from None


def exit_code(process: subprocess.Popen[str], home: Path, log: Path, limit_s: float = HANG_S) -> int:
    """The same for a program that writes to a log."""
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        abort(home)
        raise AssertionError(f"no end within {limit_s} s: {process.args!r}\n{log.read_text()}") from None


def abort(home: Path) -> None:
    """Ends all programs of a HOME where they run, the youngest first, so that none that waits for another cleans up."""
    for pid in sorted(_of(home), reverse=True):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGABRT)
    time.sleep(WRITING_S)


def _of(home: Path) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if _is_of(home, entry):
                yield int(entry.name)


def _is_of(home: Path, process: Path) -> bool:
    """A forked program (`warm_programs`) shows the environment of another process, and the directory that it is in."""
    environment = (process / "environ").read_bytes().split(b"\0")
    return f"HOME={home}".encode() in environment or os.readlink(process / "cwd") == str(home)
