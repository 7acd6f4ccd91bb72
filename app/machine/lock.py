"""A lock between processes that share a disk, for work that goes well without one, only more than once."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Waits until no other process holds this file; where the disk has no locks, nobody waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_missing(folder: Path) -> bool:
    """Whether the disk of a folder, or of where it is to be made, has no locks; False where nothing can be written."""
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    with suppress(OSError), tempfile.TemporaryFile(dir=there) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            return True
    return False
