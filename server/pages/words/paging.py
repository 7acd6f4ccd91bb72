"""Lists that are cut into pages: which one is asked for, and the links to the others."""

from collections.abc import Callable, Mapping
from typing import Final

from charts import format
from server.pages.words.facts import Segment

LAST_PAGE: Final = 1_000_000


def page_number(given: Mapping[str, str], name: str = "page") -> int:
    """The page asked for, from 1; 1 for what is no number."""
    text = given.get(name, "")
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def pages(total: int, per_page: int, number: int, url_of: Callable[[int], str]) -> list[Segment]:
    """Links to the first, the last and the pages around this one; a gap between them is an entry without address.

    Returns:
        [] where one page holds all.
    """
    last = -(-total // per_page)
    if last < 2:
        return []
    numbers = sorted({1, last, *range(max(1, number - 2), min(last, number + 2) + 1)})
    segments: list[Segment] = []
    for before, page in zip([0, *numbers], numbers, strict=False):
        if page > before + 1:
            segments.append(Segment("…", "", False))
        segments.append(Segment(format.count(page), url_of(page), page == number))
    return segments
