"""Finds the suggestions of Bayesian sweeps outside of any request, in a process of its own.

A heartbeat is answered in milliseconds; a Gaussian process over hundreds of runs takes longer, and would hold up every
other request while it does. So an idle agent is told to ask again, and its suggestion is found meanwhile.
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
from server.store import queries, sweep_queries
from server.store.database import Database
from server.store.rows import Run, Sweep

log = logging.getLogger(__name__)

LOOK_S = 1.0
# A sweep whose search failed rests so long: what failed once mostly does again.
REST_S = 10.0
REASON_LENGTH = 300
# An agent asks every 5 s; one that has missed two is not waiting.
WAITING_AGENT_S = 12.0
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Question:
    """What the search is asked: suggestion `index` of a sweep, with the runs that it may see."""

    sweep_id: int
    config: str
    index: int
    seed: int
    runs: tuple[evidence.Run, ...]


def runs_of(connection: sqlite3.Connection, curves: Curves, sweep: Sweep) -> tuple[evidence.Run, ...]:
    """A sweep's runs as its search sees them, those that it began with first; rows are read where they matter."""
    params = {trial.id: json.loads(trial.params) for trial in queries.trials(connection, sweep.id)}
    config = points.parsed(sweep.config)

    def seen(run: Run, params: dict[str, Any], value: float | None) -> evidence.Run:
        needed = config.metric is not None and evidence.needs_history(config.metric, run.state)
        rows = curves.of(connection, run, sweep.metric_name) if needed else ()
        return evidence.Run(params, run.state, rows, value)

    before = sweep_queries.prior_runs(connection, sweep.id)
    own = [run for run in queries.runs_of_sweep(connection, sweep.id) if run.trial_id in params]
    return (
        *(seen(run, prior.params_of(run, config), metric_of(json.loads(run.summary), sweep)) for run in before),
        *(seen(run, params[run.trial_id or 0], run.metric) for run in own),
    )


def answer(question: Question) -> dict[str, Any] | None:
    """The suggestion; a pure function of the question."""
    return suggest.suggest(points.parsed(question.config), question.index, question.seed, question.runs)


async def find_suggestions(database: Database, clock: Callable[[], float]) -> None:
    """Looks for what idle agents wait for and finds it, until cancelled."""
    search = _Search(database)
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                for sweep in await run_in_threadpool(_waiting, database, clock()):
                    await search.serve(sweep)
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

    async def serve(self, sweep: Sweep) -> None:
        """Finds a sweep's next suggestion, or keeps why there is none: no sweep stands in the way of the others."""
        now_s = time.monotonic()
        if now_s < self._rests_until_s.get(sweep.id, 0.0):
            return
        try:
            question = await run_in_threadpool(_question, self._database, self._curves, sweep)
            await run_in_threadpool(_keep, self._database, question, await self._ask(question))
            self._rests_until_s.pop(sweep.id, None)
        except Exception as error:
            self._rests_until_s[sweep.id] = now_s + REST_S
            await run_in_threadpool(_tell, self._database, sweep, error)

    async def _ask(self, question: Question) -> dict[str, Any] | None:
        self._pool = self._pool or _pool()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, answer, question)
        except BrokenProcessPool:
            self._pool = None
            raise ChildProcessError("the searching process died, perhaps for lack of memory") from None

    def end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _waiting(database: Database, now_s: float) -> list[Sweep]:
    with database.read() as connection:
        return queries.sweeps_in_want(connection, now_s - WAITING_AGENT_S)


def _question(database: Database, curves: Curves, sweep: Sweep) -> Question:
    with database.read() as connection:
        return Question(sweep.id, sweep.config, sweep.next_index, sweep.seed, runs_of(connection, curves, sweep))


def _keep(database: Database, question: Question, params: dict[str, Any] | None) -> None:
    with database.write() as tx:
        sweeps.note_search(tx, question.sweep_id, None)
        if params is not None:
            points.propose(tx, question.sweep_id, question.index, params)


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
