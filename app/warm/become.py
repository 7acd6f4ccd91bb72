"""How a process forked from the warm server becomes a trial: what Python itself would make of its arguments."""

import builtins
import gc
import importlib
import os
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from operator import attrgetter
from types import ModuleType
from typing import Any, NamedTuple

from app.parent.process import PASSED_ON

STANDARD_STREAMS = ("stdin", "stdout", "stderr")

# Made by W&B's client when it is imported, and removed at its end.
FOLDERS = (("wandb.sdk.data_types._private", "MEDIA_TMP"), ("wandb.sdk.artifacts.artifact", "Artifact._TMP_DIR"))

ARG_START = 45  # field 48 of /proc/PID/stat, where those after the program's name are counted from 0


class Become(NamedTuple):
    """A trial to be: its request, as `client` sends it, and the descriptors that came with it."""

    request: dict[str, Any]
    descriptors: list[int]


def become(trial: Become) -> None:
    """Runs the trial's program; returns, or raises, as the interpreter's own end wants it."""
    request = trial.request
    _take_signals(request["ignored"])
    _take_streams(trial.descriptors, request["descriptors"])
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    _forget_the_server()
    sys.executable = request["python"]
    sys.orig_argv[:] = [sys.executable, *request["arguments"]]
    _show_in_process_lists(sys.orig_argv)
    _run(_program(request["arguments"], request["cwd"]))


def _take_signals(ignored: Sequence[int]) -> None:
    for signum in (*PASSED_ON, signal.SIGCHLD, *ignored):
        signal.signal(signum, signal.SIG_IGN if signum in ignored else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _take_streams(descriptors: Sequence[int], numbers: Sequence[int]) -> None:
    """Puts each descriptor where its number in the trial's parent was; what was closed there is closed here."""
    for number, name in enumerate(STANDARD_STREAMS):
        if number in numbers:
            os.dup2(descriptors[numbers.index(number)], number)
        else:
            os.close(number)
            setattr(sys, name, None)
    for descriptor in descriptors:
        os.close(descriptor)
    # The same objects go on: what was imported may hold them.
    if sys.stdout is not None:
        sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]


def _forget_the_server() -> None:
    """The user's modules are imported anew, so that an edit counts, and no two trials draw the same numbers."""
    for name in [name for name in sys.modules if name == "app" or name.startswith("app.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.modules["numpy"].random.seed()
    _make_folders_anew()
    gc.enable()


def _make_folders_anew() -> None:
    """Those of the server would go with the first trial that ends."""
    for module, name in FOLDERS:
        with suppress(AttributeError):  # a private place may move
            folder = attrgetter(name)(sys.modules.get(module))
            folder._finalizer.detach()
            folder.__init__()  # the same object, which other modules have by its name


def _show_in_process_lists(command: Sequence[str]) -> None:
    """Puts the trial's command in the place of the server's, as far as there is room: <man 5 proc_pid_stat>."""
    try:
        with open("/proc/self/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        start, end = int(fields[ARG_START]), int(fields[ARG_START + 1])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(b"\0".join(map(os.fsencode, command))[: end - start - 1].ljust(end - start, b"\0"))
    except OSError:
        return  # some systems do not allow it


def _program(arguments: Sequence[str], cwd: str) -> Callable[[], object]:
    """Returns what runs the program that the arguments name, with `sys.argv` and `sys.path` as it finds them."""
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    first, *rest = arguments
    if first == "-m":
        _set_path_and_arguments(cwd, ["-m", *rest[1:]])
        return lambda: runpy._run_module_as_main(rest[0])  # type: ignore[attr-defined]
    if first == "-c":
        _set_path_and_arguments("", ["-c", *rest[1:]])
        return lambda: exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    _set_path_and_arguments(os.path.dirname(os.path.realpath(first)), [first, *rest])
    path = os.path.join(cwd, first)
    main.__dict__.update(__file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path))
    return lambda: exec(compile(_source(path), path, "exec"), main.__dict__)


def _set_path_and_arguments(first_path: str, arguments: list[str]) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = first_path
    sys.argv = arguments


def _source(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _run(program: Callable[[], object]) -> None:
    """Runs it; an exception is shown without the server's part of the traceback, and ends the process as any does."""
    try:
        program()
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        error.__traceback__ = trace
        sys.excepthook(type(error), error, trace)
        sys.excepthook = _shown
        raise


def _shown(*error: object) -> None:
    """Shows nothing: the exception has been shown."""
