"""Files of runs: what is stored under which name. The bytes lie beside the database, named by number and hash."""

import hashlib
import mimetypes
import posixpath
import sqlite3
from pathlib import Path

from server.refusal import RefusalError
from server.store import writes

MAX_NAME = 1024


def clean_name(name: str) -> str:
    """A file's name without a leading `./`.

    Raises:
        RefusalError: empty, too long, absolute, or leaving the run's folder.
    """
    cleaned = posixpath.normpath(name.replace("\\", "/")) if name else ""
    outside = cleaned.startswith(("/", "../")) or cleaned in ("", ".", "..") or "\0" in cleaned
    if outside or len(cleaned) > MAX_NAME:
        raise RefusalError(f"a file's name must be a relative path of at most {MAX_NAME} characters, not {name[:80]!r}")
    return cleaned


def path_of(files: Path, run_id: int, name: str) -> Path:
    """Where a file's bytes lie: no part of the path comes from a client."""
    return files / str(run_id) / hashlib.sha256(name.encode()).hexdigest()[:32]


def stored(tx: sqlite3.Connection, run_id: int, name: str, size_bytes: int, md5: str, now_s: float) -> None:
    """Records that a file's bytes are in place.

    Args:
        md5: base64, as W&B's client compares it.
    """
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    writes.put_file(tx, run_id, name, size_bytes, md5, kind, now_s)


def delete(tx: sqlite3.Connection, id: int) -> None:
    """Forgets a file; one that is gone already is fine."""
    writes.delete(tx, "file", id)
