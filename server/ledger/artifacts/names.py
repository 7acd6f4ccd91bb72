"""What collections, aliases and tags may be called. W&B's client holds its users to the same."""

import re

from server.refusal import RefusalError
from server.store.artifact_queries import VERSION

MAX_NAME = 128
TAG = re.compile(r"[-\w]+( +[-\w]+)*")


def check_collection(name: str) -> str:
    """The name, when a collection may have it.

    Raises:
        RefusalError: it may not.
    """
    return _check(name, "an artifact's name", "/:")


def check_type(name: str) -> str:
    """The same for a type of artifacts."""
    return _check(name, "an artifact's type", "/:")


def check_alias(alias: str) -> str:
    """The same for an alias, which must not look like a version's number."""
    if is_number(alias):
        raise RefusalError(f"{alias!r} cannot be an alias: it is how a version's own number is written")
    return _check(alias, "an alias", "/:")


def check_tag(tag: str) -> str:
    """The same for a tag."""
    if len(tag) > MAX_NAME or not TAG.fullmatch(tag):
        raise RefusalError(f"a tag is words of letters, digits, - and _, with blanks between, not {tag[:80]!r}")
    return tag


def is_number(alias: str) -> bool:
    """Tells whether this is how a version's number is written: v0, v1, ..."""
    return VERSION.fullmatch(alias) is not None


def fit(aliases: list[str]) -> list[str]:
    """Aliases but those that are written as numbers are."""
    return [alias for alias in aliases if not is_number(alias)]


def _check(name: str, what: str, forbidden: str) -> str:
    if not name or len(name) > MAX_NAME or any(sign in name for sign in (*forbidden, "\0")):
        signs = " or ".join(forbidden)
        raise RefusalError(f"{what} must have 1 to {MAX_NAME} characters and no {signs}, not {name[:80]!r}")
    return name
