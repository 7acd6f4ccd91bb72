"""Names that have little room: cut so that they fit, and so that no two of them read the same."""

from collections import Counter
from collections.abc import Sequence


def distinct(names: Sequence[str], length: int) -> list[str]:
    """The names, none longer than `length`, at least 4: of those that begin alike the ends, else the beginnings.

    What is still alike after that has its place among the names at its end.
    """
    cut = [_beginning(name, length) for name in names]
    cut = _where_alike(cut, [_end(name, length) for name in names])
    return _where_alike(cut, [f"{name[: length - 3]}…{place}" for place, name in enumerate(names, start=1)])


def _where_alike(cut: Sequence[str], others: Sequence[str]) -> list[str]:
    seen = Counter(cut)
    return [other if seen[text] > 1 else text for text, other in zip(cut, others, strict=True)]


def _beginning(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _end(name: str, length: int) -> str:
    return name if len(name) <= length else f"…{name[1 - length :]}"
