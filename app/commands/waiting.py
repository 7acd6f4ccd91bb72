"""Waits for what has no answer yet: a backend that is away, a sweep that is not registered. Not for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

import click

from app.commands.client import BackendError, Refused
from terms.record import NO_ANSWER_EXIT_CODE

PAUSE_S = 2.0
# A single one may be a slip of a proxy, or of a server at its start.
REFUSALS = 2

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
                raise _given_up(error.message, limit_s) from None
            tell(f"Waiting: {error.message}")
        sleep(PAUSE_S)


class Looks:
    """Looks at a backend now and then while others work with it, and tells errors that pass from those that do not.

    Args:
        limit_s: of WAIT_S.

    Attributes:
        trouble: why the last look found nothing; None if it did.
    """

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.trouble: str | None = None
        self._limit_s, self._clock = limit_s, clock
        self._refusals = 0
        self._heard_s = clock()

    def look(self, ask: Callable[[], T], at_work: Callable[[], bool]) -> T | None:
        """Asks once; None if there is no answer now.

        Args:
            at_work: whether anything goes on that is worth its time without an answer.

        Raises:
            Refused: if the backend has refused several times in a row.
            GivenUp: if it has given no answer for too long, and nothing is at work.
        """
        try:
            found = ask()
        except BackendError as error:
            self._note(error, at_work)
            return None
        self._refusals, self._heard_s, self.trouble = 0, self._clock(), None
        return found

    def _note(self, error: BackendError, at_work: Callable[[], bool]) -> None:
        self.trouble = error.message
        self._refusals = self._refusals + 1 if isinstance(error, Refused) else 0
        if self._refusals >= REFUSALS:
            raise error
        if self._clock() - self._heard_s > self._limit_s and not at_work():
            raise _given_up(error.message, self._limit_s)


def _given_up(reason: str, limit_s: float) -> GivenUp:
    waited = f"Waited for {limit_s:g} s, as WAIT_S says" if limit_s else "WAIT_S=0 waits for nothing"
    return GivenUp(f"{reason.rstrip('.')}. {waited}.")
