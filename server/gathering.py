"""Small writes that wait together are carried out together: one change of threads, one transaction, one sync.

W&B's clients send many small requests. Each by itself would take the lock, a thread and a sync of the disk; how long
threads take to hand one lock on is what bounds their number, not the disk. So requests queue while others are carried
out, and the next transaction takes what has queued. Each is a part, undone alone if it fails; each is answered when all
are on the disk.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread

from server.store.database import Database

Outcome = TypeVar("Outcome")
# So long other writers wait for a transaction, and what has queued behind it for the next.
HOLD_S: Final = 0.1
MOST: Final = 64


@dataclass(frozen=True)
class _Job:
    """One request's work, in the context of its request."""

    work: Callable[[], Any]
    context: Context
    done: "asyncio.Future[Any]"

    def carry_out(self) -> Any:
        """What comes of it: a result, or the error."""
        try:
            return self.context.run(self.work)
        except Exception as error:
            return error

    def tell(self, outcome: Any) -> None:
        if self.done.done():  # whoever waited has been cancelled
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


@dataclass
class Gathering:
    """The queue of one server; its event loop is the only one that knows it."""

    database: Database
    _waiting: deque[_Job] = field(default_factory=deque)
    _running: "asyncio.Task[None] | None" = None

    async def run(self, work: Callable[..., Outcome], *arguments: Any) -> Outcome:
        """Carries out what writes by `database.write()`, and returns when it is stored.

        Raises:
            sqlite3.Error: the transaction is lost, whosever fault that was; none of it is stored.
        """
        job = _Job(partial(work, *arguments), copy_context(), asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._running is None:
            self._running = asyncio.create_task(self._carry_out_all())
        outcome: Outcome = await job.done
        return outcome

    async def _carry_out_all(self) -> None:
        own_thread = CapacityLimiter(1)  # no one that reads for long can keep it
        try:
            while self._waiting:
                jobs = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                outcomes = await to_thread.run_sync(self._together, jobs, limiter=own_thread)
                self._waiting.extendleft(reversed(jobs[len(outcomes) :]))
                for job, outcome in zip(jobs, outcomes, strict=False):
                    job.tell(outcome)
        finally:
            self._running = None

    def _together(self, jobs: list[_Job]) -> list[Any]:
        """Carries out the first of them, as many as fit into the time."""
        outcomes: list[Any] = []
        end_s = time.monotonic() + HOLD_S
        try:
            with self.database.together():
                for job in jobs:
                    outcomes.append(job.carry_out())
                    if time.monotonic() > end_s:
                        break
        except Exception as error:
            return [each if isinstance(each, Exception) else error for each in outcomes] or [error]
        return outcomes
