"""System calls that a disk would not serve, refused by the kernel itself (seccomp): the shared disks that lack locks.

    python -m tests.denied NAME=ERRNO[,...] COMMAND...

A call that is refused with errno 0 does nothing and says that it did. What is refused is so for the thread that asks
and for what it starts, and cannot be taken back.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
import threading
from collections.abc import Callable, Mapping

import pytest

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2

# The number of a machine, and of calls on it: flock, fcntl, mmap, pwrite64, link (linkat where there is no other).
NUMBERS = {"x86_64": (0xC000003E, (73, 72, 9, 18, 86)), "aarch64": (0xC00000B7, (32, 25, 222, 68, 37))}

# The calls by what they do for a database: their place above; an argument and its values that make it this one.
CALLS: Mapping[str, tuple[int, int, tuple[int, ...]]] = {
    "flock": (0, 1, (1, 2, 5, 6)),  # LOCK_SH and LOCK_EX, each with LOCK_NB
    "fcntl": (1, 1, (6, 7, 37, 38)),  # F_SETLK, F_SETLKW, and those of handles
    "mmap": (2, 3, (1,)),  # MAP_SHARED
    "write": (3, 3, (0,)),  # at a file's beginning
    "link": (4, 4, ()),  # whatever its arguments
}
HERE = sys.platform == "linux" and platform.machine() in NUMBERS
needed = pytest.mark.skipif(not HERE, reason="seccomp's calls are known for Linux on x86_64 and aarch64 alone")


def deny(errors: Mapping[str, int]) -> None:
    """Has these calls refused with these errors from now on."""
    machine, numbers = NUMBERS[platform.machine()]
    program = [_step(LOAD, 0, 0, ARCHITECTURE_AT), _step(EQUAL, 1, 0, machine), _step(RETURN, 0, 0, ALLOW)]
    for name, error in errors.items():
        place, argument, values = CALLS[name]
        refusal = _step(RETURN, 0, 0, REFUSE | error)
        program.append(_step(LOAD, 0, 0, NUMBER_AT))
        if not values:
            program += [_step(EQUAL, 0, 1, numbers[place]), refusal]
            continue
        program += [
            _step(EQUAL, 0, 1 + 2 * len(values), numbers[place]),
            _step(LOAD, 0, 0, ARGUMENTS_AT + 8 * argument),
        ]
        for value in values:
            program += [_step(EQUAL, 0, 1, value), refusal]
    _install(b"".join([*program, _step(RETURN, 0, 0, ALLOW)]))


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _install(program: bytes) -> None:
    instructions = ctypes.create_string_buffer(program, len(program))
    prog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions)))
    library = ctypes.CDLL(None, use_errno=True)
    for call in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SECCOMP, FILTER, ctypes.addressof(prog), 0, 0)):
        if library.prctl(*(ctypes.c_ulong(each) for each in call)):
            raise OSError(ctypes.get_errno(), "seccomp")


def call(errors: Mapping[str, int], what: Callable[[], object]) -> BaseException | None:
    """Calls something in a thread of its own, where these calls are refused; returns what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            deny(errors)
            what()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


def main(rules: str, *command: str) -> None:
    deny({name: getattr(errno, error) for name, _, error in (rule.partition("=") for rule in rules.split(","))})
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
