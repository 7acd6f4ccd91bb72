"""The table of runs on a terminal, as wide as that is: values stay whole, names may be folded or shortened."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from app.commands.results import Results, RunResult
from charts import format

# Enough to tell values apart; the run's page has every digit.
VALUE_DIGITS = 4
# Between two columns.
GAP = 2
# What is left of each part of a name that is shortened: first so much, then so much.
SHORT, SHORTER = 8, 6


@dataclass(frozen=True)
class Column:
    """A name over values, one for each run.

    Attributes:
        figures: whether they are numbers, which stand at the right.
        always: whether it is shown where it says the same of each run, too.
        lines: of the name as it is shown.
    """

    name: str
    cells: tuple[str, ...]
    figures: bool = False
    always: bool = True
    lines: tuple[str, ...] = ()

    @property
    def head(self) -> tuple[str, ...]:
        return self.lines or (self.name,)

    @property
    def values_width(self) -> int:
        return max(map(cell_len, self.cells), default=0)

    @property
    def width(self) -> int:
        return max(self.values_width, *map(cell_len, self.head))

    @property
    def varies(self) -> bool:
        return len(set(self.cells)) > 1


def runs_table(results: Results, runs: Sequence[RunResult], width: int | None = None) -> tuple[Table, list[str]]:
    """A row for each of `runs`, with those of the sweep's parameters that differ between runs.

    Args:
        width: of the terminal; None for a table as wide as it comes.

    Returns:
        The table, and the names of the parameters for which it has no room.
    """
    names = _differing(results.runs)
    columns = [
        Column("run", tuple(run.name for run in runs)),
        Column(results.metric or "metric", tuple(map(_metric, runs)), figures=True),
        *(Column(name, tuple(value(run.values.get(name)) for run in runs)) for name in names),
        Column("epoch", tuple("" if run.epoch is None else str(run.epoch) for run in runs), True, always=False),
        Column("state", tuple(run.ending for run in runs), always=False),
    ]
    shown = columns if width is None else fitted(columns, width)
    names_shown = {column.name for column in shown}
    return _drawn(shown), [name for name in names if name not in names_shown]


def fitted(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns in a width: the first of these ways that fits. The first two columns always stay.

    All of them; without those that say the same of each run and are no parameters; with folded names; with shortened
    ones; without parameters, first those that say the same of each run, then the last ones.
    """
    varying = [column for column in columns if column.always or column.varies]
    ways = [list(columns), varying, *(_named(varying, most) for most in (None, SHORT, SHORTER))]
    for way in ways:
        if _total(way) <= width:
            return way
    way = ways[-1]
    while _total(way) > width and len(way) > 2:
        del way[max(range(2, len(way)), key=lambda n: (way[n].always, not way[n].varies, n))]
    return way


def _named(columns: Iterable[Column], most: int | None) -> list[Column]:
    """Names in lines, folded between their parts: `layer1_` over `activation`; parts of at most so many letters."""
    return [replace(column, lines=_lines(_parts(column, most), column.values_width)) for column in columns]


def _parts(column: Column, most: int | None) -> list[str]:
    parts = re.findall(r"[^_./ -]*[_./ -]|[^_./ -]+", column.name)
    return parts if most is None else [_short(part, max(most, column.values_width)) for part in parts]


def _short(part: str, room: int) -> str:
    """Numbers at its end stay, by which names that are alike are told apart: `lay…1_`."""
    if len(part) <= room:
        return part
    end = re.search(r"\d*[_./ -]?$", part)
    tail = end[0] if end else ""
    return f"{part[: max(1, room - 1 - len(tail))]}…{tail}"


def _lines(parts: Sequence[str], room: int) -> tuple[str, ...]:
    """As few lines as the longest part and the values leave room for."""
    widest = max([room, *map(cell_len, parts)])
    lines = [""]
    for part in parts:
        if lines[-1] and cell_len(lines[-1] + part) > widest:
            lines.append("")
        lines[-1] += part
    return tuple(lines)


def _total(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def _drawn(columns: Sequence[Column]) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        side: Literal["left", "right"] = "right" if column.figures else "left"
        drawn.add_column(
            Text("\n".join(column.head)), justify=side, vertical="bottom", no_wrap=True, min_width=column.width
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        drawn.add_row(*map(Text, row))  # names and values may look like rich's markup
    return drawn


def in_words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value(each)}" for name, each in values.items())


def value(of: object) -> str:
    return format.parameter(of, VALUE_DIGITS)


def _metric(run: RunResult) -> str:
    return "" if run.metric is None else f"{run.metric:.4f}"


def _differing(runs: Iterable[RunResult]) -> list[str]:
    seen: dict[str, set[str]] = {}
    for run in runs:
        for name, each in run.values.items():
            seen.setdefault(name, set()).add(str(each))
    return [name for name, values in seen.items() if len(values) > 1] or list(seen)
