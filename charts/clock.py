"""Times along an axis, counted from its start."""

from typing import Final

MOST_TICKS: Final = 6
TICKS_S: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400)
DAY_S: Final = 86400


def time_ticks(length_s: float) -> list[int]:
    """Round times from 0 to the length of an axis, in seconds."""
    step = next((step for step in TICKS_S if length_s / step <= MOST_TICKS), None)
    if step is None:
        step = DAY_S * round(length_s / DAY_S / MOST_TICKS + 0.5)
    return list(range(0, int(length_s) + 1, step))


def elapsed(time_s: int) -> str:
    """A round time in as few units as it has: 0, 30 s, 5 m, 1 h 20 m, 2 d."""
    parts = ((time_s // DAY_S, "d"), (time_s // 3600 % 24, "h"), (time_s // 60 % 60, "m"), (time_s % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0"
