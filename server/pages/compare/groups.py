"""Which groups of runs have curves, and by which of their runs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from charts.letter import LETTERS
from server.pages.curves.panels import Shown, ShownGroup
from server.pages.table.groups import Group, said
from server.sampling import evenly
from server.store.rows import Run

# What is read for one page.
MOST_GROUPS: Final = 40
MOST_RUNS: Final = 200
LEAST_RUNS: Final = 5
# Of no more runs than these as many values are read as of a line that is told apart.
FEW_RUNS: Final = 30
LONGEST: Final = 80


def shown_groups(
    found: Sequence[Group], by: Iterable[str], runs_named: Callable[[Sequence[str]], Iterable[Run]]
) -> list[ShownGroup]:
    """The first groups, the very first with letters; of too many runs of one some, evenly.

    Args:
        found: the best first.
        by: what they are grouped by.
    """
    groups, names = found[:MOST_GROUPS], tuple(by)
    most = max(MOST_RUNS // max(len(groups), 1), LEAST_RUNS)
    members = [[group.runs[place] for place in evenly(len(group.runs), most)] for group in groups]
    runs = {run.name: run for run in runs_named([name for each in members for name in each])}
    few = sum(map(len, members)) <= FEW_RUNS
    shown = []
    for place, group in enumerate(groups):
        letter = LETTERS[place : place + 1]
        css = "curve" if few else "thin"
        mine = tuple(Shown(runs[name], css) for name in members[place] if name in runs)
        shown.append(ShownGroup(_name(group, names), letter, mine, len(group.runs)))
    return shown


def letters_of(groups: Iterable[ShownGroup]) -> list[str]:
    """Of each group, "" for one without a letter or a curve."""
    return [group.letter if any(each.run.history_lines for each in group.runs) else "" for group in groups]


def members(groups: Iterable[ShownGroup]) -> list[Shown]:
    """Their runs, each once."""
    return list({each.run.id: each for group in groups for each in group.runs}.values())


def _name(group: Group, by: tuple[str, ...]) -> str:
    name = ", ".join(f"{title} {text}" for title, text in said(group, by))
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
