"""The thin parent of a trial: starts it, passes signals on, and says why it ended.

    python -I -S app/trial.py -m app.train --layer1_size=32

What follows the script's name goes to Python as it is. `wandb agent` calls this and takes exit codes above 0 for
failures, but death by a signal has one below 0 and would count as success: here it becomes 128 + the signal.

Where the warm server can, it starts the trial, else a plain process does; nothing else differs. The trial has a process
group of its own, so each signal reaches it once, from here, even when a terminal or a batch system sends it to a whole
group. The agent's SIGKILL reaches only this process; on Linux the trial then ends too. Every trial pays for what is
imported here: these few modules start in some 30 ms.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # -I leaves the project's root out

from app.parent import evidence, patience
from app.parent import warm as warm
from app.parent.evidence import Ending
from app.parent.patience import PROGRESS_FILE, Patience
from app.parent.process import OwnProcess, Process, attend, hold_signals

RECORDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training", "record_cause.py")
RECORDING_LIMIT_S = 30  # a backend that is away must not hold an agent up; usual are 2 s


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs Python with the arguments and returns its exit code, 128 + n if signal n ended it.

    If it failed and W&B knows its run, the run gets the cause.
    """
    watch = patience.watch(arguments, environ, time.monotonic())
    environment = dict(environ) | ({PROGRESS_FILE: watch.path} if watch else {})
    try:
        ending = _run(arguments, environment, watch)
    finally:
        if watch:
            watch.end()
    if not ending.by_itself:
        print(f"trial: {ending.cause}", file=sys.stderr)
    if not ending.told and _has_run(environ):
        record(ending.code, ending.cause, environ)
    return ending.code


def _run(arguments: Sequence[str], environment: Mapping[str, str], watch: Patience | None) -> Ending:
    kills_before = evidence.oom_kills()
    hold_signals()
    process = _start(arguments, environment)
    try:
        if watch:
            number = attend(process, lambda: watch.is_over(time.monotonic()), watch.look_every_s)
        else:
            number = attend(process, lambda: False, 0)
    except warm.ServerEnded:
        number = None
    return evidence.ending_of(number, evidence.oom_kills() - kills_before, watch.cause if watch else None)


def _start(arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    if environment.get(warm.SWITCH) != "0":
        try:
            return warm.start(arguments, environment)
        except warm.Unavailable as reason:
            print(f"trial: not started warm: {reason}", file=sys.stderr, flush=True)
    return OwnProcess([sys.executable, *arguments], environment)


def _has_run(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("WANDB_RUN_ID")) and environ.get("WANDB_MODE", "online") in ("online", "shared")


def record(code: int, cause: str, environ: Mapping[str, str], limit_s: int = RECORDING_LIMIT_S) -> None:
    """Writes the cause to the run in a process of its own; says so if that fails, and never fails itself.

    Args:
        code: the trial's exit code.
        cause: one line.
        environ: names the run and its backend.
        limit_s: the longest this may take.
    """
    hold_signals()
    # -P: the folder of `record_cause.py` holds modules with plain names that are not meant to be found by others.
    command = [sys.executable, "-P", RECORDER, str(code), cause]
    ending = attend(OwnProcess(command, dict(environ) | {"WANDB_SILENT": "true"}), lambda: True, limit_s)
    if ending < 0:
        reason = f"{evidence.cause_of(ending, 0)}, after {limit_s} s at the latest"
        print(f"trial: the cause could not be written to the run: {reason}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
