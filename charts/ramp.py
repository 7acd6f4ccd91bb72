"""The metric's ramp: the better a value, the more it stands out from the paper."""

from collections.abc import Sequence
from typing import Final

from charts.scale import Scale

COLOURS: Final = 6
POWER: Final = 2.2

Point = tuple[float, float]


def ends(scale: Scale, values: Sequence[float], goal: str) -> tuple[float, float]:
    """The places on an axis of the worst that it holds and of the best of all values, for `colour` of places."""
    if goal == "minimize":
        return 1.0, scale.at(min(values))
    return 0.0, scale.at(max(values))


def colour(value: float, worst: float, best: float) -> int:
    """Number of a value's colour, 1 for the worst to `COLOURS` for the best; stylesheets call them ramp-1 and so on."""
    goodness = min(max((value - worst) / (best - worst), 0.0), 1.0) if best != worst else 1.0
    return min(int(goodness**POWER * COLOURS), COLOURS - 1) + 1


def coloured(points: Sequence[Point], worst: float, best: float) -> dict[str, list[Point]]:
    """Points by the class of the colour of their second value, the worst first, so that the best are drawn last."""
    groups: dict[str, list[Point]] = {f"ramp-{number}": [] for number in range(1, COLOURS + 1)}
    for point in points:
        groups[f"ramp-{colour(point[1], worst, best)}"].append(point)
    return {css: group for css, group in groups.items() if group}
