"""How long a run took, and how far it came."""

from charts import format
from server.pages.words.sent import config_values, read_object
from server.pages.words.times import Now
from server.run_values import number
from server.store.rows import Run
from terms import states


def run_time(run: Run, now: Now) -> str:
    """How long a run took, or has taken so far."""
    if run.started_at_s is None:
        return format.ABSENT
    live = run.state in states.LIVE
    ended_at_s = now.now_s if live or run.ended_at_s is None else run.ended_at_s
    return format.duration(ended_at_s - run.started_at_s)


def epochs(run: Run) -> str:
    """Epochs done, "3 of 5" where the config tells how many were asked for."""
    done = number(read_object(run.summary).get("epoch"))
    if done is None or done != done // 1:
        return format.ABSENT
    asked = config_values(run.config).get("epochs")
    of = f" of {asked}" if isinstance(asked, int) and not isinstance(asked, bool) else ""
    return f"{int(done)}{of}"
