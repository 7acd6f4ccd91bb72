"""The processes that a sweep on this machine consists of: started with a log, watched, stopped without leftovers.

Each has a session of its own, so that Ctrl-C on the terminal reaches only the program that looks after them.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

LEASH = str(Path(__file__).with_name("leash.py"))
POLL_S = 0.1
SERVICE = "wandb-core"
TAIL_LINES = 15
# A `Stopped` that nobody has heard by then was dropped; the way to who hears it takes milliseconds.
AGAIN_S = 5.0
# What W&B's client may take at the end of this process, until it is left as it is.
LEAVE_S = 10.0


class Stopped(BaseException):
    """SIGINT, SIGTERM or SIGHUP came; no `except Exception` on the way swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class Interrupts:
    """Turns the first stopping signal into `Stopped`; while things are being stopped, SIGINT means hurry.

    No other does: systems send SIGTERM to a whole group, their scripts pass it on to the same processes, and some send
    it again before they kill.

    `Stopped` is raised again until somebody hears it, by `disarm`: Python drops what is raised in a finalizer or in the
    callback of a weak reference, of which each import has some.
    """

    def __init__(self) -> None:
        self.hurry = False
        self._armed = True
        self._signum = 0

    def __enter__(self) -> "Interrupts":
        # Set even if it was ignored, as it is for what a shell script starts with `&`: trials are stopped by SIGINT.
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._came)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # by `nohup`
            signal.signal(signal.SIGHUP, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        self.disarm()

    def disarm(self) -> None:
        """From now on SIGINT sets `hurry`, and other signals do nothing."""
        self._armed = False
        if self._signum:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _came(self, signum: int, _: object) -> None:
        if self._signum or not self._armed:
            self.hurry = self.hurry or signum == signal.SIGINT
            return
        self._signum = signum
        signal.signal(signal.SIGALRM, self._raise)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        self._raise()

    def _raise(self, *_: object) -> None:
        if self._armed:
            raise Stopped(self._signum)


class Child:
    """One process and its log, which is appended to; without a log it writes where this process does."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path | None = None
    ) -> None:
        self.name = name
        self.log = log
        self._log_start = 0
        self._started_s = time.monotonic()
        with contextlib.ExitStack() as stack:
            output = None
            if log is not None:
                log.parent.mkdir(parents=True, exist_ok=True)
                output = stack.enter_context(log.open("ab"))
                self._log_start = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", LEASH, str(os.getpid()), *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; 128 + n after a death by signal n."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def wait(self, limit_s: float) -> int | None:
        """Waits at most so long for its end; returns as `exit_code` does."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(limit_s)
        return self.exit_code()

    def lived_s(self) -> float:
        """Seconds since its start, whether it has ended since or not."""
        return time.monotonic() - self._started_s

    def at_work(self) -> bool:
        """Whether it runs anything but W&B's service; true where the system does not tell."""
        if self.exit_code() is not None:
            return False
        others = [pid for pid in _session(self.pid) if pid != self.pid and _name(pid) != SERVICE]
        return bool(others) or not Path("/proc/self/comm").exists()

    def tail(self) -> str:
        """The last lines that it wrote to its log, and where the rest is."""
        if self.log is None:
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([*lines[-TAIL_LINES:], f"(all of it: {self.log})"])

    def wake(self) -> None:
        """Wakes an agent as the end of a trial does; any other program takes SIGCHLD for nothing."""
        if self.exit_code() is None:
            self._process.send_signal(signal.SIGCHLD)

    def terminate(self) -> None:
        if self.exit_code() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Ends the process and whatever is left of its session."""
        left = set(_session(self.pid))
        if self.exit_code() is not None and self.pid in left:
            return  # it was empty, and the number belongs to somebody else by now
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


def stop(children: Sequence[Child], grace_s: float, interrupts: Interrupts) -> None:
    """Asks all of them to end, waits, and kills what is left.

    Args:
        grace_s: how long they may take together.
        interrupts: disarmed here; a signal during the wait ends it.
    """
    interrupts.disarm()
    for child in children:
        child.terminate()
    deadline_s = time.monotonic() + grace_s
    while any(child.exit_code() is None for child in children):
        if time.monotonic() > deadline_s or interrupts.hurry:
            break
        time.sleep(POLL_S)
    for child in children:
        child.kill()


def leave(code: str | int | None) -> NoReturn:
    """Ends this process as `sys.exit`; by force if what is to be done at its end takes too long.

    W&B's client waits there for its service and its thread, and may have been stopped anywhere.
    """
    forced = code if isinstance(code, int) else int(code is not None)
    timer = threading.Timer(LEAVE_S, os._exit, [forced])
    timer.daemon = True
    timer.start()
    sys.exit(code)


def _name(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def _session(leader: int) -> Iterator[int]:
    """The living processes of a session, where the system lists its processes as files."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getsid(int(entry.name)) == leader:
                yield int(entry.name)
