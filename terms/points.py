"""What becomes of a sweep's points, as people are told it: in counts, in bars and in sentences."""

from collections.abc import Mapping
from typing import Final

from terms import states

WAITING: Final = "waiting"
# What a line of a sweep's description begins with while its agents wait in vain; the reason follows.
NO_SUGGESTION: Final = "no suggestion can be found"
# In the order in which they are told.
KINDS: Final = (states.FINISHED, states.STOPPED_EARLY, states.FAILED, states.KILLED, states.RUNNING, WAITING)


def sentence(counts: Mapping[str, int], failures: Mapping[str, int] | None = None) -> str:
    """What became of them in words: "125 finished, 6 failed (5 exception, 1 signal), 66 waiting".

    Args:
        failures: how many failed by the kind of their cause; None where that is not told.
    """
    of = {states.FAILED: f" ({_by_kind(failures)})"} if failures else {}
    named = [f"{counts[kind]:,} {kind}{of.get(kind, '')}" for kind in KINDS if counts.get(kind)]
    return ", ".join(named) or "nothing yet"


def _by_kind(failures: Mapping[str, int]) -> str:
    """The most frequent kind first; one alone needs no number."""
    if len(failures) == 1:
        return next(iter(failures))
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {kind}" for kind, count in ordered)
