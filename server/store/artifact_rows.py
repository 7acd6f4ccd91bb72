"""Typed rows of artifacts, as those of `rows`: one frozen dataclass a table, its fields named as columns are."""

from dataclasses import dataclass
from typing import Final

PENDING: Final = "pending"
COMMITTED: Final = "committed"
SEQUENCE: Final = "sequence"
PORTFOLIO: Final = "portfolio"
LATEST: Final = "latest"


@dataclass(frozen=True, slots=True)
class Collection:
    id: int
    project_id: int
    name: str
    kind: str
    type: str
    description: str | None
    next_version: int
    created_at_s: float
    updated_at_s: float


@dataclass(frozen=True, slots=True)
class Artifact:
    id: int
    collection_id: int
    state: str
    digest: str
    description: str | None
    metadata: str | None
    ttl_s: int | None
    run_id: int | None
    distributed_id: str | None
    history_step: int | None
    size_bytes: int
    file_count: int
    pending_aliases: str
    created_at_s: float
    updated_at_s: float
    deduplicate: int


@dataclass(frozen=True, slots=True)
class Member:
    id: int
    collection_id: int
    artifact_id: int
    version: int
    created_at_s: float


@dataclass(frozen=True, slots=True)
class Alias:
    id: int
    collection_id: int
    alias: str
    artifact_id: int


@dataclass(frozen=True, slots=True)
class Manifest:
    id: int
    artifact_id: int
    kind: str
    base_artifact_id: int | None
    digest: str
    uploaded: int


@dataclass(frozen=True, slots=True)
class Layer:
    """Entries that a version is made of: those that a manifest tells, or those of another version."""

    table: str
    owner: str
    number: int


def told_by(manifest_id: int) -> Layer:
    return Layer("described_entry", "manifest_id", manifest_id)


def entries_of(artifact_id: int) -> Layer:
    return Layer("manifest_entry", "artifact_id", artifact_id)


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A file of a version, or a reference to one elsewhere, whose `content` is None."""

    path: str
    digest: str
    size_bytes: int
    content: str | None
    ref: str | None
    refers_to: int | None
    birth_artifact_id: str | None
    extra: str
