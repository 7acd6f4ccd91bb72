"""Waits for a sweep that others work for, and shows how it gets on."""

import time
from collections.abc import Callable

import click

from app.commands import agent
from app.commands.client import BackendError, Refused
from app.commands.progress import Progress
from app.commands.results import Reader, Results
from terms import states

# Longer than an agent needs from one trial to the first sign of the next. A run whose agent has died, even before its
# first sign, is under way for a minute more on the embedded server, for five in the cloud.
QUIET_S = 90.0


def until_over(
    reader: Reader,
    progress: Progress,
    look_s: float,
    quiet_s: float = QUIET_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Results:
    """Waits until the sweep is over.

    Args:
        progress: entered; shows each change.
        look_s: seconds from one look to the next.
        quiet_s: gives up after so long without an answer, or without a run under way and any change.

    Raises:
        Refused: at once; looking again changes nothing.
        click.ClickException: if nobody works for the sweep any more, or the backend is away.
    """
    tell = agent.only_news(progress.say)
    last, alive_s = None, clock()
    while True:
        try:
            results, trouble = reader.read(), None
        except Refused:
            raise
        except BackendError as error:
            results, trouble = None, error.message
        if results is not None:
            if results.over:
                return results
            progress.show(results)
            trouble = agent.idle_reason(results, len(results.running))
            if results.under_way or results.state == states.SWEEP_PAUSED or results != last:
                last, alive_s = results, clock()
        tell(trouble)
        if clock() - alive_s > quiet_s:
            raise click.ClickException(trouble or f"{_nobody(quiet_s)} {last.count() if last else ''}.")
        sleep(look_s)


def _nobody(quiet_s: float) -> str:
    silence = f"no run is under way, and nothing has changed for {quiet_s:.0f} s"
    return f"no agent works for the sweep: {silence}. It stands at"
