"""How many steps one call into TensorFlow takes."""

import time
from collections.abc import Callable, Iterator

# Python answers signals, and so a request to stop, only between calls.
CALL_S = 0.5


class Stretches:
    """Cuts the steps of an epoch or an evaluation into calls of about `CALL_S`, which changes no result.

    Args:
        first_steps: of the first call: nobody knows yet what a step takes.
        clock: seconds.
    """

    def __init__(self, first_steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._size = first_steps

    def of(self, steps: int) -> Iterator[tuple[int, int]]:
        """Yields the first step of each call and the one after its last."""
        first = 0
        while first < steps:
            end, began_s = min(first + self._size, steps), self._clock()
            yield first, end
            took_s = max(self._clock() - began_s, 1e-6)
            self._size = max(1, int((end - first) * CALL_S / took_s))
            first = end
