"""The best value so far as a small line without axes, for a row of a table."""

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 112, 28, 4


def steps(improvements: Sequence[tuple[int, float]], last: int, goal: str) -> str:
    """Draws how the best value came about.

    Args:
        improvements: (number of the run, its value) of each run that was better than all before it, in order.
        last: number of the last run; the line ends there.
        goal: "maximize" or "minimize"; only for the words, values always grow upwards.

    Returns:
        SVG of `WIDTH` x `HEIGHT`; "" if there is no value yet.
    """
    if not improvements:
        return ""
    corners = _corners(improvements, last)
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    x, y = corners[-1]
    label = f"best so far, {len(improvements)} times {'raised' if goal == 'maximize' else 'lowered'} in {last} runs"
    return (
        f'<svg class="steps" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">'
        f'<polyline points="{places}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/></svg>'
    )


def _corners(improvements: Sequence[tuple[int, float]], last: int) -> list[tuple[float, float]]:
    values = [value for _, value in improvements]
    low, spread = min(values), max(values) - min(values)

    def x(number: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (number - 1) / max(last - 1, 1)

    def y(value: float) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * ((value - low) / spread if spread else 0.5)

    corners = [(x(improvements[0][0]), y(values[0]))]
    for number, value in improvements[1:]:
        corners += [(x(number), corners[-1][1]), (x(number), y(value))]
    return [*corners, (x(last), corners[-1][1])]
