"""Which buttons a sweep and a run have, and what each asks before it acts. Pure; what they do is in `actions`."""

from dataclasses import dataclass
from typing import Final

from charts import format
from server.store.queries import Progress
from server.store.rows import Run, Sweep
from terms import states

PAUSE: Final = "pause"
RESUME: Final = "resume"
STOP: Final = "stop"
CANCEL: Final = "cancel"
RETRY: Final = "retry"
SHARE: Final = "share"
BEGIN: Final = "begin"
UNSHARE: Final = "unshare"


@dataclass(frozen=True)
class Button:
    """One button.

    Attributes:
        action: the last part of the address that it posts to.
        warning: what it will do, said before it does it; "" for one that acts at once.
    """

    action: str
    word: str
    warning: str = ""


def sweep_buttons(sweep: Sweep, progress: Progress, with_retry: bool = True) -> list[Button]:
    """What a person can do to a sweep as it stands.

    Args:
        with_retry: whether there is room for the button that tries all failed points again.
    """
    if sweep.state in states.SWEEP_OVER:
        retry = [retry_button(progress)] if with_retry and progress.failed else []
        open_ended = sweep.expected is None or progress.settled < sweep.expected
        # Where no point is lost for good, to go on is to try those that failed again.
        same = bool(retry) and not progress.outcomes.get(states.FAILED)
        return [*retry, Button(RESUME, "Resume")] if open_ended and not same else retry
    first = Button(RESUME, "Resume") if sweep.state == states.SWEEP_PAUSED else Button(PAUSE, "Pause")
    dropped = _dropped(progress)
    return [
        first,
        Button(STOP, "Stop", f"{dropped}{_under_way(progress, 'goes on to its end', 'go on to their end')}"),
        Button(CANCEL, "Cancel", f"{dropped}{_under_way(progress, 'is ended now', 'are ended now')}"),
    ]


def retry_button(progress: Progress) -> Button:
    """For a sweep that is over; `progress.failed` is not 0."""
    return Button(RETRY, f"Retry {format.count(progress.failed)}, go on")


def share_buttons(shared: bool) -> list[Button]:
    """What can be done about the link that shows a sweep to others."""
    return [Button(SHARE, "New link"), Button(UNSHARE, "End sharing")] if shared else [Button(SHARE, "Share")]


def run_buttons(run: Run, lost_point: bool) -> list[Button]:
    """What a person can do to a run.

    Args:
        lost_point: its failure is what its point was settled with.
    """
    if run.state in states.LIVE and run.stop_requested_at_s is None:
        counts = "It is ended at its next word to the server; "
        settled = "its trial counts as killed and is not run again." if run.trial_id else "what it logged is kept."
        return [Button(STOP, "Stop", counts + settled)]
    return [Button(RETRY, "Retry")] if lost_point else []


def _dropped(progress: Progress) -> str:
    if progress.waiting is None:
        return "No more runs are started. "
    if progress.waiting <= 0:
        return ""
    number = format.count(progress.waiting)
    return f"{number} waiting {'run is' if progress.waiting == 1 else 'runs are'} not started. "


def _under_way(progress: Progress, one: str, many: str) -> str:
    if not progress.running:
        return "No run is under way."
    return f"The {format.counted(progress.running, 'run')} under way {one if progress.running == 1 else many}."
