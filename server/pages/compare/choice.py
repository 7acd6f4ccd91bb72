"""The runs that an address chooses, and what is said of more than there are letters for."""

from collections.abc import Callable, Iterable
from typing import Final

from charts.letter import LETTERS

MOST: Final = len(LETTERS)
WORDS: Final = ("No run", "One run", "Two runs", "Three runs", "Four runs", "Five runs")


def chosen_in(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The runs that "a,b,c" chooses, by W&B's ids, and those that are too many."""
    names = tuple(dict.fromkeys(filter(None, text.split(","))))
    return names[:MOST], names[MOST:]


def toggled(chosen: tuple[str, ...], name: str) -> tuple[str, ...]:
    """With one more, or without it if it is there; one too many is for the page to refuse."""
    others = tuple(each for each in chosen if each != name)
    return others if name in chosen else (*chosen, name)


def refusal(too_many: Iterable[str], name_of: Callable[[str], str]) -> list[str]:
    """A sentence where an address chooses more than there are letters for."""
    names = [name_of(each) for each in too_many]
    if not names:
        return []
    those = f"{names[0]} is one" if len(names) == 1 else f"{', '.join(names[:MOST])} are"
    return [f"{those} too many: {WORDS[MOST].lower()} can be compared. Leave one out first."]
