"""Bodies of uploads: streamed to a name of their own, so that a file is whole or absent, however large.

What does not fit is refused with 413: W&B's client gives such an upload up at once, and repeats a 5xx for minutes.
"""

import errno
import hashlib
import math
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from server.ledger import files
from server.refusal import RefusalError
from server.settings import Settings

# A thread is asked for once in so many bytes, not for every part of the network's size.
PIECE_BYTES: Final = 1024 * 1024
# To write so little takes less time than to change to a thread and back.
SMALL_BYTES: Final = 64 * 1024
MIB: Final = 1024 * 1024
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Upload:
    """A body that has come whole; its file goes unless it was moved away.

    Attributes:
        md5: of the bytes, 16 of them.
    """

    path: Path
    size_bytes: int
    md5: bytes

    def sync(self) -> None:
        """Makes the bytes survive a power cut."""
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())


def require_room(settings: Settings, size_bytes: int) -> None:
    """Refuses a file that is too large, or for which the disk has no room.

    Args:
        size_bytes: that the file has, or has at least.

    Raises:
        RefusalError: with what there is.
    """
    _require_allowed(settings, size_bytes)
    _require_free(settings, size_bytes)


def _require_allowed(settings: Settings, size_bytes: int) -> None:
    limit_bytes = settings.max_upload_bytes or math.inf
    if size_bytes > limit_bytes:
        raise RefusalError(f"a file may have at most {limit_bytes / MIB:,.1f} MiB on this server", status=413)


def _require_free(settings: Settings, size_bytes: int) -> None:
    free_bytes = shutil.disk_usage(settings.data).free
    if size_bytes > free_bytes - settings.spare_bytes:
        free, kept = (f"{size / MIB:,.1f}" for size in (free_bytes, settings.spare_bytes))
        raise RefusalError(
            f"no room for a file of {size_bytes / MIB:,.1f} MiB or more: the server's disk has {free} MiB free, of "
            f"which {kept} are kept for its database; delete artifacts, or make room",
            status=413,
        )


@asynccontextmanager
async def received(request: Request, settings: Settings, limit_bytes: float = math.inf) -> AsyncIterator[Upload]:
    """Writes the body of a request under the folder for files of runs; only what was moved away is kept.

    Raises:
        RefusalError: the body is larger than a limit, or the disk is full.
    """
    require_room(settings, _length_told(request))
    path = files.unfinished(settings.files) / secrets.token_hex(16)
    body = _Body(path, settings, limit_bytes)
    try:
        async for piece in _pieces(request):
            if len(piece) > SMALL_BYTES:
                await run_in_threadpool(body.add, piece)
            else:
                body.add(piece)
        yield body.whole()
    except OSError as error:
        if error.errno in FULL:
            raise RefusalError(f"the server's disk is full: {error.strerror}", status=413) from error
        raise
    finally:
        body.close()


class _Body:
    """A body that is being written."""

    def __init__(self, path: Path, settings: Settings, limit_bytes: float) -> None:
        self._path = path
        self._settings = settings
        self._limit_bytes = limit_bytes
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size_bytes = 0
        self._file: BinaryIO = open(path, "xb")  # noqa: SIM115 - `close` does

    def add(self, piece: bytearray) -> None:
        self._size_bytes += len(piece)
        if self._size_bytes > self._limit_bytes:
            raise RefusalError(f"the body is larger than {self._limit_bytes} bytes", status=413)
        _require_allowed(self._settings, self._size_bytes)
        _require_free(self._settings, len(piece))
        self._file.write(piece)
        self._md5.update(piece)

    def whole(self) -> Upload:
        self._file.close()
        return Upload(self._path, self._size_bytes, self._md5.digest())

    def close(self) -> None:
        # What is still to be written may not fit, either.
        with suppress(OSError):
            self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)


def _length_told(request: Request) -> int:
    told = request.headers.get("Content-Length", "0")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else 0


async def _pieces(request: Request) -> AsyncIterator[bytearray]:
    piece = bytearray()
    async for part in request.stream():
        piece += part
        if len(piece) >= PIECE_BYTES:
            yield piece
            piece = bytearray()
    if piece:
        yield piece
