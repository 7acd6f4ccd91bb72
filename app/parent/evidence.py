"""Why a trial ended, read off what the kernel says. Standard library only: every trial's thin parent pays for it."""

import signal
from collections.abc import Iterator
from typing import NamedTuple

from terms.record import INTERRUPTED, INTERRUPTED_EXIT_CODES

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)
NAMES = {each.value: each.name for each in signal.Signals}


class Ending(NamedTuple):
    """How a trial ended.

    Attributes:
        code: its exit code, 128 + n if signal n ended it.
        cause: one line.
        told: whether the trial has said all this itself: it succeeded, or was asked to end and closed its run.
        by_itself: whether it ended by an exit code of its own.
    """

    code: int
    cause: str
    told: bool
    by_itself: bool


def ending_of(number: int | None, oom_kills: int, no_progress: str | None = None) -> Ending:
    """Interprets what is known of an ending.

    Args:
        number: the trial's exit code, -n if signal n ended it, None if the warm server ended before it did.
        oom_kills: how many processes of its cgroup the kernel killed for memory meanwhile.
        no_progress: why its parent killed it, if it did.
    """
    if number is None and not oom_kills:
        cause = f"{INTERRUPTED}: the warm server ended"
        return Ending(128 + signal.SIGTERM, cause, told=False, by_itself=False)
    if number is None:
        number = -signal.SIGKILL  # the kernel chose the server, and the trial went with it
    code = number if number >= 0 else 128 - number
    cause = no_progress if no_progress and number < 0 else cause_of(number, oom_kills)
    return Ending(code, cause, told=number in (0, *INTERRUPTED_EXIT_CODES), by_itself=number >= 0)


def is_interruption(ending: Ending) -> bool:
    """Whether a trial that was asked to end by SIGTERM ended so because of that: by itself, or killed as too slow."""
    return ending.code in INTERRUPTED_EXIT_CODES or ending.cause == cause_of(-signal.SIGKILL, 0)


def interrupted(ending: Ending) -> Ending:
    """The same ending as that of a trial that was told to end and did."""
    killed = "" if ending.by_itself else f", then {ending.cause.removeprefix(f'{INTERRUPTED}: ')}"
    return Ending(128 + signal.SIGTERM, f"{INTERRUPTED} (SIGTERM){killed}", told=False, by_itself=ending.by_itself)


def cause_of(ending: int, oom_kills: int) -> str:
    """Says in one line why a process ended.

    Args:
        ending: its exit code, or -n if signal n ended it.
        oom_kills: how many processes of its cgroup the kernel killed for memory meanwhile.
    """
    if ending >= 0:
        return f"exit code {ending}"
    signum = -ending
    name = NAMES.get(signum, f"signal {signum}")
    if signum == signal.SIGKILL and oom_kills > 0:
        return f"out of memory: the kernel killed it ({name}, oom_kill +{oom_kills})"
    if signum in CRASHES:
        return f"{(signal.strsignal(signum) or 'crash').lower()} ({name})"
    return f"killed by {name}"


def oom_kills(root: str = "") -> int:
    """Returns how many processes of this cgroup the kernel has killed for memory; 0 where that is not told."""
    for path in _memory_events(root):
        for line in _lines(path):
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def _memory_events(root: str) -> Iterator[str]:
    """Yields where cgroups v2 and v1 count; in a container the path that /proc names may be the host's."""
    for line in _lines(f"{root}/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        for place in (path.rstrip("/"), ""):
            if controllers == "":
                yield f"{root}/sys/fs/cgroup{place}/memory.events"
            elif "memory" in controllers.split(","):
                yield f"{root}/sys/fs/cgroup/memory{place}/memory.oom_control"


def _lines(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:
        return []
