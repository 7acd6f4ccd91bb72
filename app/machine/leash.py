"""Becomes the command given after this process's starter's id, and on Linux ends when that starter does.

A program that is killed cannot stop what it started. Run as `python -I -S app/machine/leash.py PARENT COMMAND...`: it
needs nothing but the standard library and costs some 20 ms.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Replaces this process by `command`, which gets SIGTERM when process `parent` ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before we asked
            sys.exit(128 + signal.SIGTERM)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
