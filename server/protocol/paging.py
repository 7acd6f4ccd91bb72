"""Relay pages: edges with cursors, and whether there is more."""

from collections.abc import Callable, Sequence
from typing import Any

from server.refusal import RefusalError


def page(
    nodes: Sequence[Any],
    first: int | None,
    after: str | None,
    last: int | None = None,
    told: Callable[[Any], Any] = lambda node: node,
) -> dict[str, Any]:
    """Cuts one page out of a list; a cursor is the number of its node.

    Args:
        told: what is told of a node.

    Raises:
        RefusalError: `after` is no cursor of ours, or a count is negative.
    """
    not_negative(first or 0, "first")
    not_negative(last or 0, "last")
    start = number_of(after) + 1 if after else 0
    if last is not None:
        start = max(start, len(nodes) - last)
    end = len(nodes) if first is None else start + first
    edges = [{"node": told(node), "cursor": str(start + i)} for i, node in enumerate(nodes[start:end])]
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


def numbered_page(nodes: Sequence[tuple[int, Any]], first: int | None) -> dict[str, Any]:
    """One page of nodes that have numbers of their own, which are their cursors.

    Args:
        nodes: those after the cursor that was asked for; at least one more than `first`, if there are more.
        first: not negative.
    """
    shown = nodes if first is None else nodes[:first]
    edges = [{"node": node, "cursor": str(number)} for number, node in shown]
    info = {"endCursor": edges[-1]["cursor"] if edges else None, "hasNextPage": len(shown) < len(nodes)}
    return {"edges": edges, "pageInfo": info}


def number_of(cursor: str) -> int:
    """The number that a cursor stands for.

    Raises:
        RefusalError: it is no cursor of ours.
    """
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise RefusalError(f"{cursor!r} is no cursor of this server")
    return int(cursor)
