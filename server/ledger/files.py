"""Files of runs: what is stored under which name. The bytes lie beside the database, named by number and hash.

A row and its bytes cannot go in one transaction: what is deleted is noted in it (`discarded`), and its bytes are
removed after it, or by the next start if there is none between.
"""

import hashlib
import mimetypes
import os
import posixpath
import sqlite3
from itertools import islice
from pathlib import Path

from server.refusal import RefusalError
from server.store import queries, writes
from server.store.rows import Run, StoredFile

MAX_NAME = 1024
# A large file takes the disk some 10 ms to remove, and others wait.
AT_ONCE = 20


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


def place(files: Path, run_id: int, name: str, whole: Path) -> None:
    """Moves bytes that are on the disk to where a file's lie, for good; `stored` is to follow in the transaction."""
    target = path_of(files, run_id, name)
    target.parent.mkdir(exist_ok=True)
    whole.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stored(tx: sqlite3.Connection, run_id: int, name: str, size_bytes: int, md5: str, now_s: float) -> None:
    """Records that a file's bytes are in place.

    Args:
        md5: base64, as W&B's client compares it.
    """
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    writes.put_file(tx, run_id, name, size_bytes, md5, kind, now_s)


def delete(tx: sqlite3.Connection, file: StoredFile) -> None:
    """Forgets a file; `remove_discarded` removes its bytes."""
    writes.delete(tx, "file", file.id)
    writes.discard(tx, file.run_id, file.name)


def delete_former(tx: sqlite3.Connection, run: Run) -> None:
    """Forgets the files that a run's present start has not stored."""
    for file in queries.former_files(tx, run.id):
        delete(tx, file)


def remove_discarded(tx: sqlite3.Connection, files: Path) -> bool:
    """Removes some of the bytes of what was deleted; a file that was stored again since keeps its own.

    Returns:
        Whether there were any.
    """
    discarded = queries.discarded(tx, AT_ONCE)
    left = AT_ONCE
    for run_id, name in discarded:
        kept = {path_of(files, run_id, each) for each in queries.stored_names(tx, run_id)}
        folder = files / str(run_id)
        found = folder.glob("*") if name is None else iter([path_of(files, run_id, name)])
        gone = list(islice((path for path in found if path not in kept), left + 1))
        for path in gone[:left]:
            path.unlink(missing_ok=True)
        if len(gone) > left:  # of a run with many files: the rest is for the next time
            break
        left -= len(gone)
        if not kept and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        writes.forget_discarded(tx, run_id, name)
    return bool(discarded)


def unfinished(files: Path) -> Path:
    """Where uploads lie until they are whole."""
    return files / "unfinished"


def remove_unfinished(files: Path) -> None:
    """Removes what a server that was killed left of uploads; not while another one may take some."""
    unfinished(files).mkdir(parents=True, exist_ok=True)
    for path in unfinished(files).glob("*"):
        path.unlink()
