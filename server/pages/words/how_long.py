"""How long a run took, and how far it came."""

from functools import lru_cache
from typing import Final

from charts import format
from server.pages.words.sent import config_values, read_object
from server.pages.words.times import Now
from server.run_values import number
from server.store.rows import Run
from terms import states

# Of configs, a kilobyte each.
MOST_KEPT: Final = 1024


def run_time(run: Run, now: Now) -> str:
    """How long a run took, or has taken so far."""
    if run.started_at_s is None:
        return format.ABSENT
    live = run.state in states.LIVE
    ended_at_s = now.now_s if live or run.ended_at_s is None else run.ended_at_s
    return format.duration(ended_at_s - run.started_at_s)


def epochs(run: Run, from_zero: bool = False) -> str:
    """Epochs done, "3 of 5" where the config tells how many were asked for.

    Args:
        from_zero: whether its program calls the first one 0.
    """
    done, asked = epochs_done(run), epochs_asked(run)
    if done is None:
        return format.ABSENT
    return f"{done + from_zero}{'' if asked is None else f' of {asked}'}"


def epochs_done(run: Run) -> int | None:
    """As the run logged them last; None where it counts none."""
    done = number(read_object(run.summary).get("epoch"))
    return None if done is None or done != done // 1 else int(done)


def epochs_asked(run: Run) -> int | None:
    """How many it does if nothing stops it; None where its config does not tell."""
    return _asked_in(run.config)


@lru_cache(maxsize=MOST_KEPT)
def _asked_in(config: str) -> int | None:
    """Kept: a page of live runs asks some hundred of them every second."""
    asked = config_values(config).get("epochs")
    return asked if isinstance(asked, int) and not isinstance(asked, bool) else None
