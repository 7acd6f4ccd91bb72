"""The thin parent of a trial: starts it, passes signals on, and says why it ended.

    python -I -S app/trial.py -m app.train --layer1_size=32

What follows the script's name goes to Python as it is. `wandb agent` calls this and takes exit codes above 0 for
failures, but death by a signal has one below 0 and would count as success: here it becomes 128 + the signal.

The child has a process group of its own, so each signal reaches it once, from here, even when a terminal or a batch
system sends it to a whole group. The agent's SIGKILL reaches only this process; on Linux the kernel then ends the
child too. Every trial pays for what is imported here: these few modules start in some 20 ms.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import NoReturn

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)
NAMES = {each.value: each.name for each in signal.Signals}
# A trial that ends with one of these was asked to, and has closed its run itself.
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)

RECORDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cause.py")
RECORDING_LIMIT_S = 30  # a backend that is away must not hold an agent up; usual are 2 s

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Runs Python with the arguments and returns its exit code, 128 + n if signal n ended it.

    If it failed and W&B knows its run, the run gets the cause.
    """
    kills_before = oom_kills()
    ending = run([sys.executable, *arguments])
    code = ending if ending >= 0 else 128 - ending
    cause = cause_of(ending, oom_kills() - kills_before)
    if ending < 0:
        print(f"trial: {cause}", file=sys.stderr)
    if ending not in (0, *INTERRUPTED) and _has_run(environ):
        record(code, cause)
    return code


def run(command: Sequence[str], limit_s: int = 0) -> int:
    """Runs a command to its end and passes signals on to it meanwhile.

    Args:
        command: path of the program and its arguments.
        limit_s: kills it after so many seconds; 0 never does.

    Returns:
        Its exit code, or -n if signal n ended it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # what comes before the handlers stand waits for them
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _become(command, parent)
    _pass_signals_on(child, limit_s)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status)


def _become(command: Sequence[str], parent: int) -> NoReturn:
    try:
        os.setpgid(0, 0)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:  # else it died before it could be said that we die with it
            # A shell's `&` leaves SIGINT ignored, and W&B stops a run by it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
            os.execv(command[0], list(command))
    except OSError as error:
        print(f"trial: {command[0]}: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def _pass_signals_on(child: int, limit_s: int) -> None:
    def send(signum: int, frame: FrameType | None) -> None:
        try:
            os.kill(child, signal.SIGKILL if signum == signal.SIGALRM else signum)
        except ProcessLookupError:
            return  # it has just ended

    for signum in PASSED_ON:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, send)
    signal.signal(signal.SIGALRM, send)
    signal.alarm(limit_s)


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


def _has_run(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("WANDB_RUN_ID")) and environ.get("WANDB_MODE", "online") in ("online", "shared")


def record(code: int, cause: str, limit_s: int = RECORDING_LIMIT_S) -> None:
    """Writes the cause to the run in a process of its own; says so if that fails, and never fails itself.

    Args:
        code: the trial's exit code.
        cause: one line.
        limit_s: the longest this may take.
    """
    os.environ["WANDB_SILENT"] = "true"
    # -P: the folder of `cause.py` holds modules with plain names that are not meant to be found by others.
    ending = run([sys.executable, "-P", RECORDER, str(code), cause], limit_s)
    if ending < 0:
        reason = f"{cause_of(ending, 0)}, after {limit_s} s at the latest"
        print(f"trial: the cause could not be written to the run: {reason}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
