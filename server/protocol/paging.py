"""Relay pages: edges with cursors, and whether there is more."""

from collections.abc import Sequence
from typing import Any

from server.refusal import RefusalError


def page(nodes: Sequence[Any], first: int | None, after: str | None, last: int | None = None) -> dict[str, Any]:
    """Cuts one page out of a list; a cursor is the number of its node.

    Raises:
        RefusalError: `after` is no cursor of ours, or a count is negative.
    """
    not_negative(first or 0, "first")
    not_negative(last or 0, "last")
    start = _number(after) + 1 if after else 0
    if last is not None:
        start = max(start, len(nodes) - last)
    end = len(nodes) if first is None else start + first
    edges = [{"node": node, "cursor": str(start + i)} for i, node in enumerate(nodes[start:end])]
    info = {"endCursor": edges[-1]["cursor"] if edges else None, "hasNextPage": end < len(nodes)}
    return {"edges": edges, "pageInfo": info, "totalCount": len(nodes)}


def not_negative(count: int, name: str) -> int:
    """A count that a client asks for.

    Raises:
        RefusalError: it is below 0.
    """
    if count < 0:
        raise RefusalError(f"`{name}` must not be negative, as {count} is")
    return count


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise RefusalError(f"{cursor!r} is no cursor of this server")
    return int(cursor)
