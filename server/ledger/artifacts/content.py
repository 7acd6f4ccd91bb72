"""What files of artifacts hold: stored once by its MD5, which is W&B's own digest, for as long as a version has it.

Bytes are in place before their row says so. A version that is being written protects what it has asked for; when the
last version that has a content goes, its row goes with it, and its bytes right after (`remove_discarded`).
"""

import base64
import binascii
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from server.ledger.files import AT_ONCE, sync_folder
from server.refusal import NotFoundError, RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import Artifact

MD5_BYTES = 16
NOT_WAITED_FOR = "no version of an artifact waits for this file any more"


def hex_of(digest: str) -> str:
    """The hex form of W&B's digest of a file.

    Raises:
        RefusalError: it is not the base64 of an MD5.
    """
    try:
        md5 = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        md5 = b""
    if len(md5) != MD5_BYTES:
        raise RefusalError(f"a file's digest must be the base64 of its MD5, not {digest[:80]!r}")
    return md5.hex()


def path_of(artifacts: Path, md5: str) -> Path:
    """Where a content lies.

    Args:
        md5: hex.
    """
    return artifacts / md5[:2] / md5


def ask_for(tx: sqlite3.Connection, artifact: Artifact, md5: str, now_s: float) -> bool:
    """Protects a content for a version that is being written; tells whether its bytes have to be sent."""
    artifact_writes.want(tx, artifact.id, md5)
    writes.update(tx, "artifact", artifact.id, updated_at_s=now_s)
    return not queries.is_known(tx, md5)


def store(
    tx: sqlite3.Connection, artifacts: Path, artifact_id: int, md5: str, size_bytes: int, whole: Path, now_s: float
) -> NotFoundError | None:
    """Takes bytes that have this MD5 and are on the disk; the same ones again change nothing.

    `sync_folders` is to follow in the same transaction.

    Returns:
        Why not, if no version waits for them any more.
    """
    if not queries.is_wanted(tx, artifact_id, md5):
        known = queries.content_size(tx, md5) is not None
        return None if known else NotFoundError(NOT_WAITED_FOR)
    artifact_writes.mark_sent(tx, artifact_id, md5)
    if queries.content_size(tx, md5) is not None:
        whole.unlink()
        return None
    target = path_of(artifacts, md5)
    target.parent.mkdir(parents=True, exist_ok=True)
    whole.replace(target)
    artifact_writes.put_content(tx, md5, size_bytes, now_s)
    return None


def sync_folders(artifacts: Path, md5s: Iterable[str]) -> None:
    """Makes what was moved into the folders of these contents survive a power cut; all of it costs as much as one."""
    for folder in {path_of(artifacts, md5).parent for md5 in md5s}:
        if folder.exists():
            sync_folder(folder)


def release(tx: sqlite3.Connection, md5s: Iterable[str]) -> None:
    """Forgets those of these contents that no version has or waits for; `remove_discarded` removes their bytes."""
    for md5 in queries.unused(tx, md5s):
        artifact_writes.discard_content(tx, md5)


def remove_discarded(tx: sqlite3.Connection, artifacts: Path) -> bool:
    """Removes the bytes of some contents that went; one that was stored again since keeps its own.

    Returns:
        Whether there were any.
    """
    discarded = queries.discarded_contents(tx, AT_ONCE)
    for md5 in discarded:
        if queries.content_size(tx, md5) is None:
            path_of(artifacts, md5).unlink(missing_ok=True)
        artifact_writes.forget_discarded_content(tx, md5)
    return bool(discarded)
