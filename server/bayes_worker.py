"""Finds the suggestions of Bayesian sweeps outside of any request, in a process of its own.

A heartbeat is answered in milliseconds; a Gaussian process over hundreds of runs takes longer, and would hold up every
other request while it does. So suggestions are found ahead: one for each idle agent and one more, anew whenever a run
has ended. An agent that finds none is told to ask again.
"""

import asyncio
import json
import logging
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from search import evidence, suggest
from server.ledger import points, prior, sweeps
from server.ledger.curves import Curves
from server.ledger.runs import metric_of
from server.store import queries, suggestion_queries, sweep_queries
from server.store.database import Database
from server.store.rows import Run, Sweep
from server.store.suggestion_queries import Seen, Want
from terms import states

log = logging.getLogger(__name__)

LOOK_S = 0.2
# Agents beyond so many wait for the next ones.
MOST_READY = 16
# A sweep whose search failed rests so long: what failed once mostly does again.
REST_S = 10.0
REASON_LENGTH = 300
# An agent asks every 5 s; one that has missed two is not waiting.
WAITING_AGENT_S = 12.0
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Question:
    """What the search is asked: suggestions from `index` on, with the runs that it may see.

    Attributes:
        results: how many runs of the sweep have ended.
    """

    sweep: Sweep
    index: int
    count: int
    results: int
    runs: tuple[evidence.Run, ...]


def runs_of(connection: sqlite3.Connection, curves: Curves, sweep: Sweep) -> tuple[evidence.Run, ...]:
    """A sweep's runs as its search sees them, those that it began with first; rows are read where they matter."""
    config = points.parsed(sweep.config)

    def seen(run: Run | Seen, params: dict[str, Any], value: float | None) -> evidence.Run:
        needed = config.metric is not None and evidence.needs_history(config.metric, run.state)
        rows = curves.of(connection, run, sweep.metric_name) if needed else ()
        return evidence.Run(params, run.state, rows, value)

    before = sweep_queries.prior_runs(connection, sweep.id)
    own = suggestion_queries.seen(connection, sweep.id)
    return (
        *(seen(run, prior.params_of(run, config), metric_of(json.loads(run.summary), sweep)) for run in before),
        *(seen(run, json.loads(run.params), run.metric) for run in own),
    )


def answers(question: Question) -> list[dict[str, Any]]:
    """The suggestions, each with those before it in flight; a pure function of the question."""
    config, runs = points.parsed(question.sweep.config), list(question.runs)
    found: list[dict[str, Any]] = []
    for index in range(question.index, question.index + question.count):
        params = suggest.suggest(config, index, question.sweep.seed, runs)
        if params is not None:
            found.append(params)
            runs.append(evidence.Run(params, states.PENDING))
    return found


async def find_suggestions(database: Database, clock: Callable[[], float]) -> None:
    """Looks for what idle agents wait for and finds it, until cancelled."""
    search, changes = _Search(database), -1
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            if changes == database.changes and not search.rests:
                continue
            try:
                changes = database.changes
                for want in await run_in_threadpool(_waiting, database, clock()):
                    await search.serve(want)
            except Exception:
                log.exception("looking for suggestions failed; trying again in %s s", LOOK_S)
    finally:
        search.end()


class _Search:
    """The searching process, started for the first sweep that waits, and the sweeps that it could not serve."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._curves = Curves()
        self._pool: ProcessPoolExecutor | None = None
        self._rests_until_s: dict[int, float] = {}

    @property
    def rests(self) -> bool:
        """Whether there is a sweep that is to be tried again."""
        return bool(self._rests_until_s)

    async def serve(self, want: Want) -> None:
        """Finds a sweep's next suggestions, or keeps why there is none: no sweep stands in the way of the others."""
        now_s, sweep = time.monotonic(), want.sweep
        if now_s < self._rests_until_s.get(sweep.id, 0.0):
            return
        try:
            question = await run_in_threadpool(_question, self._database, self._curves, want)
            await run_in_threadpool(_keep, self._database, question, await self._ask(question))
            self._rests_until_s.pop(sweep.id, None)
        except Exception as error:
            self._rests_until_s[sweep.id] = now_s + REST_S
            await run_in_threadpool(_tell, self._database, sweep, error)

    async def _ask(self, question: Question) -> list[dict[str, Any]]:
        self._pool = self._pool or _pool()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, answers, question)
        except BrokenProcessPool:
            self._pool = None
            raise ChildProcessError("the searching process died, perhaps for lack of memory") from None

    def end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _waiting(database: Database, now_s: float) -> list[Want]:
    with database.read() as connection:
        return suggestion_queries.wants(connection, now_s - WAITING_AGENT_S, MOST_READY)


def _question(database: Database, curves: Curves, want: Want) -> Question:
    with database.read() as connection:
        sweep = queries.by_id(connection, Sweep, want.sweep.id)
        results = suggestion_queries.results(connection, sweep.id)
        runs = runs_of(connection, curves, sweep)
        return Question(sweep, sweep.next_index, want.proposals, results, runs)


def _keep(database: Database, question: Question, found: list[dict[str, Any]]) -> None:
    with database.write() as tx:
        sweeps.note_search(tx, question.sweep.id, None)
        points.propose(tx, question.sweep, question.index, found, question.results)


def _tell(database: Database, sweep: Sweep, error: Exception) -> None:
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:REASON_LENGTH]
    with database.write() as tx:
        is_news = sweeps.note_search(tx, sweep.id, reason)
    if is_news:
        log.error("no suggestion can be found for sweep %s; trying again", sweep.name, exc_info=error)


def _pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of this process' threads
    return ProcessPoolExecutor(1, context, initializer=_begin)


def _begin() -> None:
    """Prepares the searching process: one thread, deaf to Ctrl-C, gone when its parent is."""
    os.environ.update(dict.fromkeys(BLAS_THREADS, "1"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
