"""The parent of a program that `warm_programs` forks: has the program's streams, passes signals on, ends as it does.

    python -I -S tests/server/forked.py SOCKET ARGUMENTS

The arguments go to Python as they are, but `-u`, which pytest-xdist gives to its workers: they flush what they write.
This starts in some 30 ms and stands on the standard library.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # -I leaves the project's root out

from app.parent import warm
from app.parent.process import attend, hold_signals

KEPT_SOCKET = f"KEPT_{warm.SOCKET}"  # has what the program is to find: that of the product's warm server


def main(path: str, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns the program's exit code; a signal that ended the program ends this process too."""
    hold_signals()
    kept = {KEPT_SOCKET: environ[warm.SOCKET]} if warm.SOCKET in environ else {}
    program = warm.start(arguments[arguments[:1] == ["-u"] :], {**environ, **kept, warm.SOCKET: path})
    signal.signal(signal.SIGABRT, signal.SIG_IGN)  # it is the program's, that tells where it hangs
    ending = attend(program, lambda: False, 0)
    if ending < 0:
        _die_by(-ending)
    return ending


def _die_by(signum: int) -> None:
    if signum != signal.SIGKILL:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signum,))
    os.kill(os.getpid(), signum)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:], os.environ))
