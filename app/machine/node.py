"""What is this machine's alone, whatever disks it shares with others: a folder, and a name that no other has."""

import os
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

# Not TMPDIR, which clusters set for each job, and some to a disk that all nodes share.
TEMPORARY = Path("/tmp")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

PRIVATE = 0o700


def temporary() -> Path:
    """The machine's own temporary folder; where it has none that can be used, this process's."""
    return TEMPORARY if os.access(TEMPORARY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def own_folder(name: str, root: Path | None = None) -> Path:
    """The folder of this name that all processes of this user on this machine have in common; made if need be.

    Args:
        root: where it lies, in place of `temporary()`.

    Raises:
        OSError: if it cannot be made, or somebody else has made it.
    """
    path = (root or temporary()) / f"tf-sweeps-{name}-{os.getuid()}"
    with suppress(FileExistsError):
        path.mkdir(PRIVATE)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{path} is there and no folder of this user's")
    path.chmod(PRIVATE)  # as it was made with another umask, or by hand
    return path


def identity() -> str:
    """Differs between machines that share disks and even host names; all containers of a machine have one."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return socket.gethostname()
