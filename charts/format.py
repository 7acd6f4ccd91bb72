"""How numbers and times are written, on pages and in reports alike. The present moment comes in as an argument."""

import json
import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

ABSENT: Final = "–"
MINUS: Final = "−"

# Beyond these a metric is written as a power of ten: its column would be mostly zeros.
MAX_DECIMALS: Final = 6
MAX_PLAIN_METRIC: Final = 1e6


def metric_decimals(best: Sequence[float]) -> int:
    """How many decimals a column of metric values needs.

    Args:
        best: the best values, finite and different from one another; the first two count.

    Returns:
        Decimals for 3 significant digits where they say all, for 5 where 4 cannot tell the two best apart, else for 4.
    """
    if not best:
        return 4
    pair = list(best[:2])
    for digits in (3, 4, 5):
        decimals = _decimals(pair[0], digits)
        written = [round(value, decimals) for value in pair]
        exact = all(math.isclose(value, short, rel_tol=1e-9) for value, short in zip(pair, written, strict=True))
        if exact or (digits == 4 and len(set(written)) == len(pair)):
            break
    return decimals


def metric(value: float | None, decimals: int) -> str:
    """A metric's value, 0.8853; "–" where there is none, "NaN" or "∞" where it is no number."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return _not_finite(value)
    if abs(value) >= MAX_PLAIN_METRIC or decimals > MAX_DECIMALS:
        return _signed(_power(Decimal(f"{value:.3e}")))
    return _signed(f"{value:.{max(decimals, 0)}f}")


def difference(value: float, decimals: int) -> str:
    """A difference between two metric values, always with its sign: −0.0036, +0.0012, same."""
    text = metric(abs(value), decimals)
    if not any(digit in text for digit in "123456789"):
        return "same"
    return f"{'+' if value > 0 else MINUS}{text}"


def parameter(value: object, digits: int = 17) -> str:
    """A parameter's value as a sweep file would have it: adam, 512, 0.01, 1e-3, true.

    Args:
        digits: significant digits of a float; 17 keep every bit of it.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool | None):
        return json.dumps(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _float(value, digits)
    return json.dumps(value, ensure_ascii=False, default=str)


def column(values: Sequence[object], digits: int = 4) -> list[str]:
    """Values that stand under one another: floats with the same decimals, `digits` significant in the largest.

    What is no number is written as by `parameter`.
    """
    floats = [abs(value) for value in values if isinstance(value, float) and math.isfinite(value)]
    decimals = min(max(_decimals(max(floats, default=0.0), digits), 0), MAX_DECIMALS)
    small = max(floats, default=1.0) < 10.0**-MAX_DECIMALS
    return [
        parameter(value, digits) if small or not isinstance(value, float) else metric(value, decimals)
        for value in values
    ]


def count(number: int) -> str:
    """A count, with commas from 1,000."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """A count with its noun: 1 run, 3 runs."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """A duration in two units at most: 25 s, 2 m 14 s, 1 h 09 m, 3 d 4 h."""
    minutes, s = divmod(max(round(seconds), 0), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days} d {h} h"
    if hours:
        return f"{hours} h {m:02} m"
    return f"{minutes} m {s:02} s" if minutes else f"{s} s"


def time_left(seconds: float) -> str:
    """An estimate in whole minutes: 7 m left, 1 h 05 m left."""
    minutes = round(seconds / 60)
    return "under 1 m left" if minutes < 1 else f"{_minutes(minutes)} left"


def moment(at: datetime, now: datetime) -> str:
    """How long ago, up to a day; then the day: 25 m ago, 3 h ago, Fri 20 Nov. Both times in one zone."""
    age_s = (now - at).total_seconds()
    if age_s >= 24 * 3600:
        return f"{at:%a} {at.day} {at:%b}" + (f" {at.year}" if at.year != now.year else "")
    if age_s < 60:
        return f"{max(round(age_s), 0)} s ago"
    minutes = int(age_s // 60)
    return f"{minutes // 60} h ago" if minutes >= 180 else f"{_minutes(minutes)} ago"


def full_time(at: datetime) -> str:
    """The whole of a moment, with its zone: Fri 20 Nov 2026, 14:05:09 CET."""
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M:%S} {at.tzname() or ''}".rstrip()


def clock(at: datetime) -> str:
    """The time of day: 14:38."""
    return f"{at:%H:%M}"


def size(size_bytes: int) -> str:
    """A size in decimal units, one decimal under 10: 412 B, 6.1 kB, 318 kB, 1.3 GB."""
    value, unit = float(size_bytes), "B"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, bigger
    return f"{value:.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:.0f} {unit}"


def _decimals(value: float, digits: int) -> int:
    magnitude = math.floor(math.log10(abs(value))) if value else -1
    return digits - 1 - magnitude


def _minutes(minutes: int) -> str:
    hours, m = divmod(minutes, 60)
    return f"{hours} h {m:02} m" if hours else f"{m} m"


def _integer(value: int) -> str:
    power = _power(Decimal(value))
    # 131072 is no clearer as 1.31072e5.
    return power if abs(value) >= 1e5 and len(power) < len(str(value)) else str(value)


def _float(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return _not_finite(value)
    if value == 0 or 0.01 <= abs(value) < 1e5:
        decimals = _decimals(value, digits)
        return repr(round(value, decimals)) if decimals > 0 else f"{value:.0f}"
    rounded = f"{value:.{digits}g}"
    # Rounded up, the largest float is none any more.
    return _power(Decimal(repr(float(rounded)) if math.isfinite(float(rounded)) else rounded))


def _power(number: Decimal) -> str:
    """1e-3, 2.5e-4: no padding of the exponent, no zeros at the mantissa's end."""
    mantissa, _, exponent = f"{number.normalize():e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{MINUS if value < 0 else ''}∞"


def _signed(text: str) -> str:
    return text.replace("-", MINUS, 1) if text.startswith("-") else text
