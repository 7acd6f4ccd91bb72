"""Bodies of uploads: streamed to a name of their own, so that a file is whole or absent, however large."""

import hashlib
import math
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from server.ledger import files
from server.refusal import RefusalError

# A thread is asked for once in so many bytes, not for every part of the network's size.
PIECE_BYTES: Final = 1024 * 1024


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


@asynccontextmanager
async def received(request: Request, folder: Path, limit_bytes: float = math.inf) -> AsyncIterator[Upload]:
    """Writes the body of a request under the folder for files of runs; only what was moved away is kept.

    Raises:
        RefusalError: the body is larger than the limit.
    """
    unfinished = files.unfinished(folder)
    unfinished.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=unfinished)
    md5, size_bytes = hashlib.md5(usedforsecurity=False), 0
    try:
        with open(handle, "wb") as file:
            async for piece in _pieces(request):
                await run_in_threadpool(file.write, piece)
                await run_in_threadpool(md5.update, piece)
                size_bytes += len(piece)
                if size_bytes > limit_bytes:
                    raise RefusalError(f"the body is larger than {limit_bytes} bytes", status=413)
        yield Upload(Path(name), size_bytes, md5.digest())
    finally:
        Path(name).unlink(missing_ok=True)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    parts: list[bytes] = []
    async for part in request.stream():
        parts.append(part)
        if sum(map(len, parts)) >= PIECE_BYTES:
            yield b"".join(parts)
            parts = []
    yield b"".join(parts)
