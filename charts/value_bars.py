"""Values by their names as bars, a row each."""

from collections.abc import Sequence
from html import escape
from typing import Final

from charts import format
from charts.mark import told
from charts.scale import drawable

HEIGHT: Final = 20
BAR_HEIGHT: Final = 10
DIGITS: Final = 5


def value_bars(rows: Sequence[tuple[str, float]]) -> str:
    """Draws (name, value) as an HTML list, all bars from one zero; "" for none that can be drawn."""
    kept = [(name, value) for name, value in rows if drawable(value)]
    if not kept:
        return ""
    low, high = min(0.0, *(value for _, value in kept)), max(0.0, *(value for _, value in kept))
    span = high - low or 1.0
    return f'<ol class="value-bars" data-chart="">{"".join(_row(*row, low, span) for row in kept)}</ol>'


def _row(name: str, value: float, low: float, span: float) -> str:
    text = format.parameter(int(value) if float(value).is_integer() else value, DIGITS)
    begin, width = (min(value, 0.0) - low) / span, abs(value) / span
    bar = f'<rect class="value-bar" x="{begin:.2%}" y="{(HEIGHT - BAR_HEIGHT) / 2:g}" width="{width:.2%}"'
    return (
        f'<li{told(name, [("", text)])}><span title="{escape(name)}">{escape(name)}</span>'
        f'<svg class="plot" width="100%" height="{HEIGHT}" aria-hidden="true">{bar} height="{BAR_HEIGHT}"/></svg>'
        f"<b>{text}</b></li>"
    )
