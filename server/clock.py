"""The time of a server: UTC seconds that never go back, and since when they have passed evenly.

Machines sleep, are suspended, and have their clocks set. Two things must not hang on that: how long others have been
silent, which is time in which this server could have heard of them, and durations that people see.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# A server looks at its clock every few seconds; one that has not for so long was not running.
GAP_S: Final = 10.0
# A clock that is corrected by less is as good as even.
STEP_S: Final = 1.0


@dataclass(frozen=True)
class Moment:
    """A moment of a server's time.

    Attributes:
        now_s: UTC seconds.
        awake_since_s: since when time has passed evenly, with this server listening.
    """

    now_s: float
    awake_since_s: float

    def waited_s(self, since_s: float) -> float:
        """Seconds since then in which this server was awake; all of them, if another clock told a moment to come."""
        return self.now_s - (max(since_s, self.awake_since_s) if since_s <= self.now_s else self.awake_since_s)


class Clock:
    """Reads the time; any thread may.

    A step of the machine's clock to the front is followed, one back is not: time goes on from where it was until the
    server is started again. Either, and any gap between two readings, begins `awake_since_s` anew.

    Args:
        wall: UTC seconds, which may be set.
        steady: seconds of any beginning, which no one sets.
        not_before_s: UTC seconds that have been told before, by an earlier server on the same data.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        not_before_s: float = 0.0,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._lock = threading.Lock()
        self._steady_s = steady()
        self._now_s = max(wall(), not_before_s)
        self._ahead_s = self._now_s - wall()
        self._awake_since_s = self._now_s

    def __call__(self) -> float:
        """UTC seconds."""
        return self.moment().now_s

    def moment(self) -> Moment:
        """The present moment."""
        with self._lock:
            wall_s, steady_s = self._wall(), self._steady()
            passed_s, self._steady_s = steady_s - self._steady_s, steady_s
            ahead_s = self._now_s + passed_s - wall_s
            uneven = abs(ahead_s - self._ahead_s) > STEP_S or passed_s > GAP_S
            self._ahead_s = max(ahead_s, 0.0)
            self._now_s = wall_s + self._ahead_s
            if uneven:
                self._awake_since_s = self._now_s
            return Moment(self._now_s, self._awake_since_s)
