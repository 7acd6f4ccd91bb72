"""Typed rows of people, as those of `rows`: one frozen dataclass a table, its fields named as columns are."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    id: int
    name: str
    role: str
    key_hash: str = field(repr=False)
    created_at_s: float


@dataclass(frozen=True, slots=True)
class Session:
    id: int
    user_id: int | None
    token_hash: str = field(repr=False)
    browser: str
    started_at_s: float
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class Act:
    """A row of the audit log."""

    id: int
    at_s: float
    who: str
    act: str
    subject: str
