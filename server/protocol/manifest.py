"""Manifests: the list of an artifact's files and references, as W&B's client writes and reads it."""

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any, Final

from server.ledger.artifacts.content import hex_of
from server.ledger.files import MAX_NAME
from server.protocol.context import number_in
from server.protocol.json_values import parse_object
from server.refusal import RefusalError
from server.store.artifact_rows import ManifestEntry

# Some 300,000 files.
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_REFERENCE: Final = 16_384
INTO_AN_ARTIFACT: Final = "wandb-artifact://"
# Of what the client writes, `local_path` is not kept: it is a path on its machine.
POLICY: Final = {
    "version": 1,
    "storagePolicy": "wandb-storage-policy-v1",
    "storagePolicyConfig": {"storageLayout": "V2"},
}


def parse(body: bytes) -> list[ManifestEntry]:
    """Reads an uploaded manifest.

    Raises:
        RefusalError: it is none, or an entry cannot be.
    """
    contents = parse_object(body, "a manifest").get("contents")
    if not isinstance(contents, dict):
        raise RefusalError("a manifest needs `contents`: an object of files by path")
    return [_entry(path, told) for path, told in contents.items()]


def render(entries: Iterable[ManifestEntry]) -> bytes:
    """The manifest of a committed version."""
    return json.dumps({**POLICY, "contents": {entry.path: _told(entry) for entry in entries}}).encode()


def _entry(path: str, told: Any) -> ManifestEntry:
    if not isinstance(told, dict):
        raise RefusalError(f"the manifest's entry {path[:80]!r} is no object")
    ref, digest, extra = told.get("ref"), told.get("digest"), told.get("extra") or {}
    if not isinstance(digest, str) or not isinstance(extra, dict):
        raise RefusalError(f"the manifest's entry {path[:80]!r} needs a `digest` text, and `extra`, if any, an object")
    if ref is not None and (not isinstance(ref, str) or max(len(ref), len(digest)) > MAX_REFERENCE):
        raise RefusalError(f"the reference of {path[:80]!r} must be a text of at most {MAX_REFERENCE} characters")
    birth = told.get("birthArtifactID")
    return ManifestEntry(
        path=_path(path),
        digest=digest,
        size_bytes=_size(path, told.get("size")),
        content=None if ref is not None else hex_of(digest),
        ref=ref,
        refers_to=_number_referred_to(ref) if ref is not None else None,
        birth_artifact_id=birth if isinstance(birth, str) else None,
        extra=json.dumps(extra),
    )


def _path(path: str) -> str:
    outside = path.startswith("/") or ".." in path.split("/") or "\0" in path
    if not path or outside or len(path) > MAX_NAME:
        raise RefusalError(
            f"a path in an artifact must be relative, stay inside it and have at most {MAX_NAME} characters, "
            f"not {path[:80]!r}"
        )
    return path


def _size(path: str, size: Any) -> int:
    if size is None:
        return 0
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 2**62:
        raise RefusalError(f"the size of {path[:80]!r} must be a number of bytes, not {str(size)[:80]!r}")
    return size


def _number_referred_to(ref: str) -> int | None:
    """The artifact that a reference leads into: the client writes its id in hex."""
    if not ref.startswith(INTO_AN_ARTIFACT):
        return None
    id_in_hex = ref.removeprefix(INTO_AN_ARTIFACT).partition("/")[0]
    try:
        id = base64.b64encode(binascii.unhexlify(id_in_hex)).decode()
    except (binascii.Error, ValueError):
        return None
    return number_in("Artifact", id)


def _told(entry: ManifestEntry) -> dict[str, Any]:
    told: dict[str, Any] = {"digest": entry.digest, "size": entry.size_bytes}
    extra = json.loads(entry.extra)
    if entry.birth_artifact_id:
        told["birthArtifactID"] = entry.birth_artifact_id
    if entry.ref is not None:
        told["ref"] = entry.ref
    return told | ({"extra": extra} if extra else {})
