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
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from search import evidence, suggest
from server.ledger import points
from server.ledger.curves import Curves
from server.store import queries
from server.store.database import Database
from server.store.rows import Sweep

log = logging.getLogger(__name__)

LOOK_S = 1.0
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


def questions(connection: sqlite3.Connection, curves: Curves, now_s: float) -> list[Question]:
    """What idle agents wait for."""
    wanting = queries.sweeps_in_want(connection, now_s - WAITING_AGENT_S)
    return [_question(connection, curves, each) for each in wanting]


def _question(connection: sqlite3.Connection, curves: Curves, sweep: Sweep) -> Question:
    return Question(sweep.id, sweep.config, sweep.next_index, sweep.seed, runs_of(connection, curves, sweep))


def runs_of(connection: sqlite3.Connection, curves: Curves, sweep: Sweep) -> tuple[evidence.Run, ...]:
    """A sweep's runs as its search sees them; of those whose rows make no difference none are read."""
    params = {trial.id: json.loads(trial.params) for trial in queries.trials(connection, sweep.id)}
    metric = points.parsed(sweep.config).metric
    return tuple(
        evidence.Run(
            params[run.trial_id],
            run.state,
            curves.of(connection, run, metric.name) if metric and evidence.needs_history(metric, run.state) else (),
            run.metric,
        )
        for run in queries.runs_of_sweep(connection, sweep.id)
        if run.trial_id in params
    )


def answer(question: Question) -> dict[str, Any] | None:
    """The suggestion; a pure function of the question."""
    return suggest.suggest(points.parsed(question.config), question.index, question.seed, question.runs)


async def find_suggestions(database: Database, clock: Callable[[], float]) -> None:
    """Looks for questions and answers them, until cancelled; the process is started for the first one."""
    pool: ProcessPoolExecutor | None = None
    curves = Curves()
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                for question in await run_in_threadpool(_look, database, curves, clock()):
                    pool = pool or _pool()
                    params = await asyncio.get_running_loop().run_in_executor(pool, answer, question)
                    await run_in_threadpool(_keep, database, question, params)
            except BrokenProcessPool:
                log.error("the searching process died; starting another")
                pool = None
            except Exception:
                log.exception("no suggestion could be found; trying again in %s s", LOOK_S)
    finally:
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def _look(database: Database, curves: Curves, now_s: float) -> list[Question]:
    with database.read() as connection:
        return questions(connection, curves, now_s)


def _keep(database: Database, question: Question, params: dict[str, Any] | None) -> None:
    if params is not None:
        with database.write() as tx:
            points.propose(tx, question.sweep_id, question.index, params)


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
