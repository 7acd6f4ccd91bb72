"""Waits for what has no answer yet: a backend that is away, a sweep that is not registered. Not for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

import click

from app.commands.client import BackendError, Refused
from terms.record import NO_ANSWER_EXIT_CODE

PAUSE_S = 2.0

T = TypeVar("T")


class GivenUp(click.ClickException):
    """There was no answer for as long as WAIT_S allows; a later try may have one."""

    exit_code = NO_ANSWER_EXIT_CODE


def for_answer(
    ask: Callable[[], T],
    limit_s: float,
    tell: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Asks until there is an answer.

    Args:
        ask: raises BackendError while there is none.
        limit_s: of WAIT_S; 0 asks once. The last question may outlast it: W&B's client tries each for 19 s.
        tell: is told each time why there is none.

    Raises:
        Refused: at once, for what waiting does not change.
        GivenUp: after the limit, with the last reason.
    """
    deadline_s = clock() + limit_s
    while True:
        try:
            return ask()
        except Refused:
            raise
        except BackendError as error:
            if clock() + PAUSE_S > deadline_s:
                waited = f"Waited for {limit_s:g} s, as WAIT_S says" if limit_s else "WAIT_S=0 waits for nothing"
                raise GivenUp(f"{error.message.rstrip('.')}. {waited}.") from None
            tell(f"Waiting: {error.message}")
        sleep(PAUSE_S)
