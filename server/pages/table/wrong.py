"""What is amiss in what a filter asks of a field, as far as the values that runs have of it tell."""

from collections.abc import Iterator, Sequence
from typing import Any

from server.pages.table import fields
from server.pages.table.conditions import PART, holds, is_number, nearest, only_numbers, range_of, span_of


def wrong_of_field(name: str, text: str, values: Sequence[Any]) -> Iterator[str]:
    """A sentence for a text that can be no value of a field, with what there is and what is near.

    Args:
        values: of all runs; None for those that have none.
    """
    title, known = fields.title(name), [value for value in values if value not in (None, [])]
    if name in fields.MOMENTS:
        if span_of(text) is None:
            yield f"{title} takes a day or a range of days, as 2026-11-29 or 2026-11-01..2026-11-29, not {text}."
    elif not known:
        yield f"No run has a value of {title}."
    elif only_numbers(known):
        if not is_number(text):
            yield no_number(title, text)
    elif range_of(text) is None and not any(holds(text, value) for value in known):
        flat = [each for value in known for each in (value if isinstance(value, list) else [value])]
        yield f"No run has {text} as {title}: there is {nearest(text.removeprefix(PART), flat)}"


def no_number(name: str, text: str) -> str:
    return f"{name} is a number: it takes one, as 0.1, or a range, as 0.1..0.3, 0.1.. or ..0.3, not {text}."
