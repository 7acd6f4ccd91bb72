"""Writes to a run why it failed, through W&B's own client and so on any backend.

The run is the one that the environment names, as for any program that `wandb agent` starts. One that has told its
cause itself is left alone.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import wandb

from terms import states
from terms.record import CAUSE
from terms.told import cause_of

# One that is crashed may go on.
ENDED = (*states.RESULTS, states.FAILED)


def record(code: int, cause: str, environ: Mapping[str, str]) -> None:
    """Sets the run's summary `_cause` and closes it, if it is still open, with the exit code.

    Args:
        code: the trial's exit code, not 0.
        cause: one line.
        environ: WANDB_RUN_ID, and WANDB_ENTITY and WANDB_PROJECT where the agent was given them.

    Raises:
        wandb.Error: if the backend refuses, or cannot be reached.
    """
    known = _find(environ)
    if known is None or known.state not in ENDED:
        _close(code, cause)
    elif not cause_of(known.summary_metrics or {}):
        known.summary.update({CAUSE: cause})


def _find(environ: Mapping[str, str]) -> Any:
    """Returns the run as the backend has it, or None: a trial may end before its run is made."""
    names = (environ.get(name) for name in ("WANDB_ENTITY", "WANDB_PROJECT", "WANDB_RUN_ID"))
    try:
        return wandb.Api().run("/".join(filter(None, names)))
    except (ValueError, wandb.errors.CommError):
        return None


def _close(code: int, cause: str) -> None:
    settings = wandb.Settings(
        console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True
    )
    run = wandb.init(resume="allow", settings=settings)
    if not run.summary.get(CAUSE):
        run.summary[CAUSE] = cause
    run.finish(exit_code=code)


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Writes a cause; the arguments are the trial's exit code and the cause.

    Returns:
        0, or 1 if it could not be written, and says why in one line.
    """
    code, cause = arguments
    try:
        record(int(code), cause, environ)
    except Exception as error:
        print(f"trial: the cause could not be written to the run: {error}", file=sys.stderr)
        return 1
    return 0
