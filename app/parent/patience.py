"""How long a trial may do nothing. Standard library only: every trial's thin parent pays for it.

A trial that gets ahead renews the file that TRIAL_PROGRESS_FILE names. One that never does is left alone, since a
program that knows nothing of this file may well be at work; only this project's own trainer is known to.
"""

import os
from collections.abc import Mapping, Sequence

from app.parent.own_file import own_file
from terms.record import NO_PROGRESS

PROGRESS_FILE = "TRIAL_PROGRESS_FILE"
LIMIT_MIN = "NO_PROGRESS_MIN"
DEFAULT_MIN = "30"  # as in app/settings.py, for trials of an agent that was not started by this project
TRAINER = ("-m", "app.train")
LOOKS = 10  # within the limit: it is overrun by a tenth at most
LONGEST_LOOK_S = 10.0
LATE_LOOKS = 5  # a look that comes so many times too late tells that the machine slept


class Patience:
    """Watches the file that one trial renews.

    Args:
        path: of the file, which is there.
        limit_min: minutes.
        renews: whether the trial is known to renew it, and so is waited for from its start on.
        now_s: of any clock that does not jump.
    """

    def __init__(self, path: str, limit_min: float, renews: bool, now_s: float) -> None:
        self.path = path
        self.look_every_s = min(limit_min * 60 / LOOKS, LONGEST_LOOK_S)
        self.cause: str | None = None
        self._limit_min, self._renews = limit_min, renews
        self._started_s = self._renewed_s = self._looked_s = now_s
        self._frozen_s = 0.0  # since the last renewal, in which neither this process nor the trial can have run
        self._last_ns = _changed_ns(path)

    def is_over(self, now_s: float) -> bool:
        """Looks at the file; once the limit is passed, `cause` says so in one line."""
        gap_s, self._looked_s = now_s - self._looked_s, now_s
        if gap_s > LATE_LOOKS * self.look_every_s:
            self._frozen_s += gap_s
        changed_ns = _changed_ns(self.path)
        if changed_ns != self._last_ns:
            self._last_ns, self._renewed_s, self._frozen_s, self._renews = changed_ns, now_s, 0.0, True
        if not self._renews or now_s - self._renewed_s - self._frozen_s < self._limit_min * 60:
            return False
        after_s = self._renewed_s - self._started_s
        known = f"the last was {after_s:.0f} s after its start" if after_s else "none since its start"
        self.cause = f"{NO_PROGRESS} for {self._limit_min:g} min: {known}"
        return True

    def end(self) -> None:
        """Removes the file."""
        try:
            os.unlink(self.path)
        except OSError:
            return  # the trial has done so


def watch(arguments: Sequence[str], environ: Mapping[str, str], now_s: float) -> Patience | None:
    """Makes the file for a trial; None where it may take for ever, or where no file can be made.

    Args:
        arguments: of the trial's Python.
        environ: NO_PROGRESS_MIN in minutes, 0 for ever; TMPDIR. What is wrong with a value the trainer tells.
    """
    try:
        limit_min = float(environ.get(LIMIT_MIN) or DEFAULT_MIN)
        if not limit_min > 0:
            return None
        path = own_file(environ, "progress")
        if os.path.lexists(path):
            os.unlink(path)  # of a trial that was killed, and whose number this process has now
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except (OSError, ValueError):
        return None
    return Patience(path, limit_min, is_trainer(arguments), now_s)


def is_trainer(arguments: Sequence[str]) -> bool:
    """Whether they are those of this project's own trainer, which renews the file, and whose runs can be resumed."""
    return tuple(arguments[:2]) == TRAINER


def _changed_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
