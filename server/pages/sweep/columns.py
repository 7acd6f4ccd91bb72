"""What points were given, by parameter."""

from functools import lru_cache
from typing import Any

from server.pages.sweep.search_space import searched
from server.pages.words.sent import Path, at, read_object
from server.store.sweep_queries import Point


@lru_cache(maxsize=8)
def by_parameter(points: tuple[Point, ...], config: str) -> dict[Path, list[Any]]:
    """By parameter a value for each point; kept, since several drawings ask, and again at each change of a filter."""
    values = [read_object(point.params) for point in points]
    return {path: [at(each, path) for each in values] for path in searched(config)}
