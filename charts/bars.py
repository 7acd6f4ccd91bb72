"""Shares between 0 and 1 as bars, each with its interval, its value and a word on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from charts import format
from charts.mark import told
from charts.scale import scale

HEIGHT: Final = 28
BAR_HEIGHT: Final = 8


@dataclass(frozen=True)
class Bar:
    """One row.

    Attributes:
        note: under the name, as "lower is better".
        share: with `low` and `high`, its interval, in [0, 1].
        told: whether it can be told from 0; if not, its point is hollow and its name grey.
        url: where its name leads; "" for nowhere.
    """

    name: str
    note: str
    share: float
    low: float
    high: float
    told: bool
    url: str = ""


def better(direction: str | None, value: object) -> str:
    """A row's note: "lower is better", "adam is best", "best near 128".

    Args:
        direction: "higher", "lower", "value" or "near"; None for a share that cannot be told from 0.
        value: the best one.
    """
    if direction is None:
        return "cannot tell from 0"
    if direction in ("higher", "lower"):
        return f"{direction} is better"
    best = format.parameter(value, 3)
    return f"best near {best}" if direction == "near" else f"{best} is best"


def bars(rows: Sequence[Bar]) -> str:
    """Draws the rows as an HTML list over one axis; "" for none."""
    if not rows:
        return ""
    axis = scale(0, min(max(max(row.high for row in rows), 0.2), 1), intervals=2)
    ticks = [(tick / axis.high, f"{tick:.{axis.decimals}f}" if tick else "0") for tick in axis.ticks]
    drawn = "".join(_row(row, axis.high, [at for at, _ in ticks]) for row in rows)
    labels = "".join(f'<text x="{at:.2%}" y="12" text-anchor="middle">{text}</text>' for at, text in ticks)
    foot = f'<svg class="plot" width="100%" height="16">{labels}</svg>'
    return f'<ol class="bars" data-chart="">{drawn}<li class="foot" aria-hidden="true"><span></span>{foot}</li></ol>'


def _row(row: Bar, most: float, ticks: Sequence[float]) -> str:
    css = "" if row.told else ' class="untold"'
    name = f'<a href="{escape(row.url)}">{escape(row.name)}</a>' if row.url else escape(row.name)
    interval = f"{row.share:.2f} ({row.low:.2f}–{row.high:.2f}) of the variance of ranks"
    return (
        f"<li{css}{told(row.name, [('', interval), ('', row.note)])}>"
        f'<span><b title="{escape(row.name)}">{name}</b><small>{escape(row.note)}</small></span>'
        f"{_bar(row, most, ticks)}<b>{row.share:.2f}</b><small>{row.low:.2f}–{row.high:.2f}</small></li>"
    )


def _bar(row: Bar, most: float, ticks: Sequence[float]) -> str:
    middle = HEIGHT / 2
    low, share, high = (f"{value / most:.2%}" for value in (row.low, row.share, row.high))
    grid = "".join(f'<line class="grid" x1="{at:.2%}" x2="{at:.2%}" y1="-8" y2="{HEIGHT + 8}"/>' for at in ticks)
    ends = "".join(
        f'<line class="whisker" x1="{end}" x2="{end}" y1="{middle - 5}" y2="{middle + 5}"/>' for end in (low, high)
    )
    return (
        f'<svg class="plot" width="100%" height="{HEIGHT}" aria-hidden="true">{grid}'
        f'<rect class="bar" y="{middle - BAR_HEIGHT / 2}" width="{share}" height="{BAR_HEIGHT}"/>'
        f'<line class="whisker" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>{ends}'
        f'<circle class="share" cx="{share}" cy="{middle}" r="4"/></svg>'
    )
