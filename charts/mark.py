"""What makes a part of a drawing answer on a page: a pointer is told what it is, a press opens its run."""

from collections.abc import Sequence
from html import escape
from typing import Final

LONGEST: Final = 80


def told_together(found: Sequence[tuple[str, Sequence[tuple[str, str]], str]]) -> str:
    """The attributes of a mark of several runs in one place, which tells of the first; "" for none.

    Args:
        found: of each run the arguments of `told`.
    """
    if not found:
        return ""
    name, values, run = found[0]
    more = [("", f"and {len(found) - 1} more at this place")] if len(found) > 1 else []
    return told(name, [*values, *more], run)


def told(name: str, values: Sequence[tuple[str, str]] = (), run: str = "") -> str:
    """The attributes of a mark, to stand in its tag.

    Args:
        name: of the run or thing, the tip's first line.
        values: what is told of it, a line each; long lines are cut.
        run: W&B's id; "" for what is no run's.

    Returns:
        Attributes with a space before them.
    """
    lines = (name, *(f"{what} {value}".strip() for what, value in values))
    tip = "&#10;".join(escape(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…") for line in lines)
    of = f' data-run="{escape(run)}"' if run else ""
    return f'{of} data-tip="{tip}"'
