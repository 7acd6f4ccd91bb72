"""The thin parent of a trial: starts it, passes signals on, and says why it ended.

    python -I -S app/trial.py -m app.train --layer1_size=32

What follows the script's name goes to Python as it is. `wandb agent` calls this and takes exit codes above 0 for
failures, but death by a signal has one below 0 and would count as success: here it becomes 128 + the signal.

Where the warm server can, it starts the trial, else a plain process does; nothing else differs. The trial has a process
group of its own, so each signal reaches it once, from here, even when a terminal or a batch system sends it to a whole
group. The agent's SIGKILL reaches only this process; on Linux the trial then ends too. A signal to everybody ends W&B's
service before the trial: what that could not say of its end any more is said from here. Every trial pays for what is
imported here: these few modules start in some 30 ms.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # -I leaves the project's root out

from app.parent import evidence, last_words, patience, warm
from app.parent.evidence import Ending
from app.parent.last_words import LastWords
from app.parent.patience import PROGRESS_FILE, Patience
from app.parent.process import OwnProcess, Process, Told, attend, hold_signals

HERE = os.path.dirname(os.path.abspath(__file__))
# The folder of the thin parent's caller may hold modules of these names, and is not looked into.
RECORDER = f"""import os, sys
sys.path[0] = {os.path.dirname(HERE)!r}
from app.training import record_cause
sys.exit(record_cause.main(sys.argv[1:], os.environ))"""
# A backend that is away must not hold an agent up. Usual are 2 s; on a machine at a load of ten it takes half a minute.
RECORDING_LIMIT_S = 120.0
ANNOUNCER = os.path.join(HERE, "parent", "announce.py")
# A machine may be taken back 30 s after the signal. The trial itself ends within 20 s, but usually at once.
ANNOUNCED_AFTER_S = 24.0
ANNOUNCING_LEAST_S = 4.0


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs Python with the arguments and returns its exit code, 128 + n if signal n ended it.

    If it failed and W&B knows its run, the run gets the cause, unless the trial has told it itself.
    """
    watch = patience.watch(arguments, environ, time.monotonic())
    words = last_words.place(environ)
    environment = {**environ, last_words.FILE: words} | ({PROGRESS_FILE: watch.path} if watch else {})
    try:
        ending, process = _run(arguments, environment, watch)
    finally:
        if watch:
            watch.end()
    if not ending.by_itself:
        print(f"trial: {ending.cause}", file=sys.stderr)
    told = last_words.were_told(words)
    if process.to_end and not told and evidence.is_interruption(ending) and patience.is_trainer(arguments):
        ending = evidence.interrupted(ending)
        _say_for_it(words, ending, environ)
    if os.path.exists(words):
        _tell_or_leave(words, environ, _time_left_s(process.at_s))
        last_words.drop(words)
    elif not (told or ending.told) and _has_run(environ):
        record(ending.code, ending.cause, environ)
    return ending.code


def _run(arguments: Sequence[str], environment: Mapping[str, str], watch: Patience | None) -> tuple[Ending, Told]:
    """Returns how the trial ended, and what it was sent."""
    kills_before = evidence.oom_kills()
    hold_signals()
    process = Told(_start(arguments, environment))
    try:
        if watch:
            number = attend(process, lambda: watch.is_over(time.monotonic()), watch.look_every_s)
        else:
            number = attend(process, lambda: False, 0)
    except warm.ServerEnded:
        number = None
    cause = watch.cause if watch else None
    return evidence.ending_of(number, evidence.oom_kills() - kills_before, cause), process


def _say_for_it(words: str, ending: Ending, environ: Mapping[str, str]) -> None:
    """Writes the last words of a trial of a sweep that was asked to end and had no time, or no run yet, to do so."""
    entity, project, run = (environ.get(name, "") for name in ("WANDB_ENTITY", "WANDB_PROJECT", "WANDB_RUN_ID"))
    if environ.get("WANDB_SWEEP_ID") and entity and project and run:
        try:
            last_words.keep(words, LastWords(entity, project, run, ending.code, ending.cause, preempting=True))
        except OSError:
            return  # they are there


def _time_left_s(told_at_s: float | None) -> float:
    if told_at_s is None:
        return RECORDING_LIMIT_S
    return max(ANNOUNCING_LEAST_S, ANNOUNCED_AFTER_S - (time.monotonic() - told_at_s))


def _start(arguments: Sequence[str], environment: Mapping[str, str], silent: bool = False) -> Process:
    if environment.get(warm.SWITCH) != "0":
        try:
            return warm.start(arguments, environment)
        except warm.Unavailable as reason:
            if not silent:
                print(f"trial: not started warm: {reason}", file=sys.stderr, flush=True)
    return OwnProcess([sys.executable, *arguments], environment)


def _has_run(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("WANDB_RUN_ID")) and environ.get("WANDB_MODE", "online") in ("online", "shared")


def record(code: int, cause: str, environ: Mapping[str, str], limit_s: float = RECORDING_LIMIT_S) -> None:
    """Writes the cause to the run in a process of its own; says so if that fails, and never fails itself.

    It is forked from the warm server where that can be: W&B's client takes 0.6 CPU s to import.

    Args:
        code: the trial's exit code.
        cause: one line.
        environ: names the run and its backend.
        limit_s: the longest this may take.
    """
    arguments = ["-c", RECORDER, str(code), cause]
    environment = _silent(environ)
    hold_signals()
    process = _start(arguments, environment, silent=True)
    _say_if_killed("the cause could not be written to the run", process, limit_s)


def _tell_or_leave(words: str, environ: Mapping[str, str], limit_s: float) -> None:
    if not announce(words, environ, limit_s):
        try:
            last_words.leave(words, environ)
        except (OSError, ValueError) as error:
            print(f"trial: nor be left for later: {error}", file=sys.stderr)


def announce(words: str, environ: Mapping[str, str], limit_s: float) -> bool:
    """Tells the run's backend what W&B's client could not, as `record` does.

    Args:
        words: the file with the trial's last words.
        environ: names the backend.
        limit_s: the longest this may take.

    Returns:
        Whether it is told.
    """
    own_limit_s = limit_s - 1  # it says why itself, if it can
    hold_signals()
    process = OwnProcess([sys.executable, "-I", "-S", ANNOUNCER, words, str(own_limit_s)], _silent(environ))
    return _say_if_killed("the end of its run could not be told", process, limit_s) == 0


def _silent(environ: Mapping[str, str]) -> dict[str, str]:
    return dict(environ) | {"WANDB_SILENT": "true"}


def _say_if_killed(failure: str, process: Process, limit_s: float) -> int:
    """Lets a program run for a limited time and returns its ending; a signal that ended the trial is none for it."""
    try:
        ending = attend(process, lambda: True, limit_s, passed_on=())
    except warm.ServerEnded:
        ending = -signal.SIGKILL
    if ending < 0:
        reason = f"{evidence.cause_of(ending, 0)}, after {limit_s:.0f} s at the latest"
        print(f"trial: {failure}: {reason}", file=sys.stderr)
    return ending


if __name__ == "__main__":
    if sys.argv[1:2] in ([], ["-h"], ["--help"]):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] else 2)
    sys.exit(main(sys.argv[1:], os.environ))
