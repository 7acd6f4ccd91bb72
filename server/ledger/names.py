"""What a project, a run and what is said of them may be called.

W&B's client holds to the same rules where it makes names (`wandb_settings.py`); other programs need not.
"""

from collections.abc import Mapping
from typing import Final

from server.refusal import RefusalError

# They would end or change an address.
RESERVED: Final = {"a project": "/\\#?%:", "an entity": "/\\#?%:", "a run": ":;,#?/'"}
# First parts of the server's own addresses, which an entity's pages cannot have.
OWN_ADDRESSES: Final = frozenset(
    (
        *("artifactsv2", "authorize", "compare", "deleted", "events", "files", "graphql", "healthz", "key", "login"),
        *(
            "login-links",
            "logout",
            "metrics",
            "projects",
            "ready",
            "runs",
            "scheme",
            "sdk",
            "search",
            "settings",
            "share",
        ),
        *("static", "storage", "sweeps", "table"),
    )
)
MOST_CHARACTERS: Final = {"a project": 128, "an entity": 128, "a run": 256}
# Columns of a run or a sweep that people read as a line; without them a page could be filled by one name.
MOST_OF_A_TEXT: Final = {
    **dict.fromkeys(("display_name", "group_name", "job_type", "commit_sha", "host"), 1024),
    "tags": 65_536,
    "writer": 128,
}


def require_name(what: str, name: str) -> None:
    """Lets a name pass that can stand in an address.

    Args:
        what: a key of `RESERVED`.

    Raises:
        RefusalError: it is blank, too long, has characters that an address has not, or leads to a page of the server's.
    """
    most, reserved = MOST_CHARACTERS[what], RESERVED[what]
    if len(name) > most:
        raise RefusalError(f"the name of {what} has at most {most} characters, not {len(name)}: {name[:40]!r}...")
    if not name.strip() or not name.isprintable() or not set(name).isdisjoint(reserved):
        raise RefusalError(
            f"{name!r} cannot be the name of {what}: it needs a character that is no blank, each must be printable, and"
            f" none of {reserved} may be among them"
        )
    if what == "an entity" and name.lower() in OWN_ADDRESSES:
        raise RefusalError(f"{name!r} cannot be the name of an entity: the server has pages of its own there")


def require_texts(given: Mapping[str, str]) -> None:
    """Lets columns pass that are short enough to be shown.

    Raises:
        RefusalError: one is not.
    """
    for column, text in given.items():
        most = MOST_OF_A_TEXT.get(column)
        if most is not None and len(text) > most:
            raise RefusalError(f"{column} has at most {most} characters, not {len(text)}: {text[:40]!r}...")
