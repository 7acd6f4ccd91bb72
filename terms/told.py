"""What the embedded server tells of a run beside what its program sent, and where programs find it.

It stands where W&B keeps its own accounts, in the entry `_wandb` of the run's summary: `run.summary_metrics["_wandb"]`
has it as `server`. So a data frame of summaries has no column more than with W&B. What is sent back is not kept.
"""

from collections.abc import Mapping
from typing import Any, Final

from terms.record import CAUSE, OLDER_CAUSE

INTERNAL: Final = "_wandb"
SERVER: Final = "server"

# One line on why the run failed or was stopped, and which of `server.causes.KINDS` that is.
WHY: Final = "cause"
CAUSE_KIND: Final = "cause_kind"
# The decision that stopped it: `bracket`, `rank`, its own `value` and, best first, the values of its `rivals`.
EARLY_STOP: Final = "early_stop"
# Which point of its sweep it was handed out for, counted from 1.
POINT: Final = "point"


def told(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the server tells of a run with this summary.

    Returns:
        By the names above, those that are known of it; {} on any other backend.
    """
    internal = summary.get(INTERNAL)
    found = internal.get(SERVER) if isinstance(internal, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def with_told(summary: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """A summary that tells what is known of its run, and nothing that was told before."""
    internal = summary.get(INTERNAL)
    own = {name: value for name, value in internal.items() if name != SERVER} if isinstance(internal, Mapping) else {}
    own |= {SERVER: known} if known else {}
    rest = {name: value for name, value in summary.items() if name != INTERNAL}
    return {**rest, INTERNAL: own} if own else rest


def cause_of(summary: Mapping[str, Any]) -> str | None:
    """Why a run failed or was stopped: as the embedded server tells it; on other backends, as its program wrote it."""
    known = told(summary)
    if known:
        return known.get(WHY)
    return next((text for name in (CAUSE, OLDER_CAUSE) if isinstance(text := summary.get(name), str) and text), None)
