"""What a reader takes hold of on the axes of parallel coordinates: boxes of chosen ranges, areas to draw them in."""

from collections.abc import Callable
from html import escape

from charts import format
from charts.axis import Pick, Range

BOX_WIDTH = 18
GRIP = (12, 5)
AREA_WIDTH = 36
DIGITS = 4


def brushes(
    pick: Pick, ends: tuple[float, float], at: Callable[[float], float], log: bool, x: str, height: int
) -> list[str]:
    """Draws the chosen ranges of a continuous axis and, over them, the area that a pointer can brush.

    Args:
        ends: the values at the foot and at the top.
        at: gives the place of a value, 0 at the foot and 1 at the top.
        log: whether places follow the logarithm of values.
        x: of the axis, with its unit.
        height: of the axis in CSS pixels.
    """
    scale = f'data-foot="{ends[0]!r}" data-top="{ends[1]!r}"{" data-log" if log else ""}'
    place = f'x="{x}" y="0" width="{AREA_WIDTH}" height="{height}" transform="translate({-AREA_WIDTH / 2:.0f})"'
    area = f'<rect class="brush-area" data-field="{escape(pick.field)}" {scale} {place}/>'
    return [*(box(chosen, ends, at, x, height) for chosen in pick.ranges), area]


def box(chosen: Range, ends: tuple[float, float], at: Callable[[float], float], x: str, height: int) -> str:
    """One range, with a grip and the value at each end that it has."""
    places = [
        end if value is None else min(max(at(value), 0.0), 1.0) for value, end in zip(chosen, _free(ends), strict=True)
    ]
    top, bottom = (height * (1 - place) for place in (max(places), min(places)))
    parts = [
        f'<rect class="brush" x="{x}" y="{top:.1f}" width="{BOX_WIDTH}" height="{max(bottom - top, 1):.1f}" rx="4" '
        f'transform="translate({-BOX_WIDTH / 2:.0f})"/>'
    ]
    for value, place in zip(chosen, places, strict=True):
        if value is not None:
            y = height * (1 - place)
            parts.append(_grip(x, y))
            parts.append(_value(x, y, format.parameter(value, DIGITS)))
    return f'<g class="range">{"".join(parts)}</g>'


def _free(ends: tuple[float, float]) -> tuple[float, float]:
    """The places of a range without a low and without a high end."""
    return (0.0, 1.0) if ends[0] <= ends[1] else (1.0, 0.0)


def _grip(x: str, y: float) -> str:
    width, height = GRIP
    place = f'x="{x}" y="{y - height / 2:.1f}" width="{width}" height="{height}" rx="2"'
    return f'<rect class="grip" {place} transform="translate({-width / 2:.0f})"/>'


def _value(x: str, y: float, text: str) -> str:
    return f'<text class="plate" x="{x}" dx="13" y="{y:.1f}" dy="0.35em">{escape(text)}</text>'
