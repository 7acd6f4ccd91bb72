"""What the runs to come of a sweep are asked for, where that is decided already."""

from functools import lru_cache
from typing import Final

from search import suggest
from server.pages.words.kept_config import parsed
from server.store.rows import Sweep

FORESEEN: Final = ("grid", "random")
# To look further ahead costs time, and changes little.
MOST_FORESEEN: Final = 500
EPOCHS: Final = "epochs"


def epochs(sweep: Sweep, waiting: int) -> tuple[float, ...]:
    """Of each run that waits, in their order; () where its search has not decided, or none is asked for any."""
    if sweep.method not in FORESEEN or sweep.engine is not None or not 0 < waiting <= MOST_FORESEEN:
        return ()
    found = []
    for index in range(sweep.next_index, sweep.next_index + waiting):
        asked = _asked(sweep.config, sweep.seed, index)
        if asked is None:
            break
        found.append(asked)
    return tuple(found)


@lru_cache(maxsize=4096)
def _asked(config: str, seed: int, index: int) -> float | None:
    space = parsed(config)
    point = None if space is None or (EPOCHS,) not in space.searched else suggest.suggest(space, index, seed)
    asked = None if point is None else point[EPOCHS]
    return float(asked) if isinstance(asked, int | float) else None
