"""What the runs to come of a sweep are asked for, where that is decided already."""

from functools import lru_cache
from itertools import islice
from typing import Final

from search import suggest
from search.config import ConfigError, SweepConfig, parse
from server.store.rows import Sweep

FORESEEN: Final = ("grid", "random")
# To look further ahead costs time, and changes little.
MOST_FORESEEN: Final = 500
EPOCHS: Final = "epochs"


def epochs(sweep: Sweep, waiting: int) -> tuple[float, ...]:
    """Of each run that waits, in their order; () where its search has not decided, or none is asked for any."""
    if sweep.method not in FORESEEN or sweep.engine is not None or not 0 < waiting <= MOST_FORESEEN:
        return ()
    return _epochs(sweep.config, sweep.seed, sweep.next_index, waiting)


@lru_cache(maxsize=256)
def _epochs(config: str, seed: int, first: int, count: int) -> tuple[float, ...]:
    space = _parsed(config)
    if space is None or (EPOCHS,) not in space.searched:
        return ()
    points = (suggest.suggest(space, index, seed) for index in range(first, first + count))
    asked = (point.get(EPOCHS) for point in points if point is not None)
    return tuple(islice((float(each) for each in asked if isinstance(each, int | float)), count))


@lru_cache(maxsize=64)
def _parsed(config: str) -> SweepConfig | None:
    try:
        return parse(config)
    except ConfigError:
        return None
