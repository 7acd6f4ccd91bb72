"""The database of a lab, of any size: finished sweeps, one of each kind under way, one run that is very long.

All is written by the ledger's own functions; what thousands of runs have logged is alike and copied in SQL.
"""

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from server.clock import Moment
from server.ledger import agents, points, runs, stream, sweeps
from server.ledger.chunk import Chunk, Lines
from server.ledger.runs import RunFields
from server.ledger.sweeps import SweepFields
from server.settings import Settings
from server.store import queries, suggestion_queries
from server.store.database import Database
from server.store.rows import Project, Run, Sweep

PROJECT: Final = "lab"
LONG_RUN: Final = "long"
METHODS: Final = ("grid", "random", "bayes", "hyperband")
METRIC: Final = "loss"
TEMPLATES: Final = 10
CHUNK: Final = 10_000
CONSOLE: Final = 100
EVENTS: Final = 60
RIVAL_ROWS: Final = 9
COPIED: Final = {
    "history": "line, step, row",
    "event": "line, row",
    "log": "line, row",
    "outline": "row_count, in_order, text",
}
SPACE: Final = {
    "lr": {"distribution": "uniform", "min": 0, "max": 1},
    "units": {"values": [32, 64, 128]},
    "dropout": {"distribution": "uniform", "min": 0, "max": 0.9},
}
POINTS: Final = {f"p{place}": {"values": list(range(10))} for place in range(4)}


@dataclass(frozen=True)
class Size:
    """How much there is.

    Attributes:
        sweeps: finished ones; beside them there is one under way of each of `METHODS`.
        runs: of each sweep.
        rows: of history, of each run of a finished sweep and of the Bayesian one.
        long: rows of the one long run, and ten times its console lines.
    """

    sweeps: int
    runs: int
    rows: int
    long: int


FULL: Final = Size(sweeps=9, runs=1_000, rows=900, long=1_000_000)
TENTH: Final = Size(sweeps=9, runs=100, rows=900, long=100_000)


def row(step: int, chance: random.Random) -> str:
    """A row as W&B's client sends it."""
    values = {name: round(chance.random(), 6) for name in (METRIC, "accuracy", "val_loss", "val_accuracy")}
    return json.dumps({"_step": step, "_runtime": step * 1.1, "_timestamp": 1.7e9 + step, "epoch": step, **values})


class Lab:
    """Fills one database; `tx` is open for writing."""

    def __init__(self, tx: sqlite3.Connection, data: Path, size: Size) -> None:
        self._tx, self._size, self._settings = tx, size, Settings(data)
        self._chance, self._ids = random.Random(1), count()
        self._now_s = time.time() - 1e6
        self._project = sweeps.project_named(tx, self._settings.entity, PROJECT, self._now_s)

    def fill(self) -> Iterator[str]:
        """Does it part by part, and tells of each."""
        templates = [self._template(number) for number in range(TEMPLATES)]
        for number in range(self._size.sweeps):
            self._sweep(f"finished {number}", "random", templates, self._size.runs)
            yield f"sweep {number + 1} of {self._size.sweeps}"
        for method in METHODS:
            self._sweep(method, method, templates if method == "bayes" else [], None)
            yield f"sweep under way, {method}"
        self._long()
        yield "the long run"

    def _template(self, number: int) -> Run:
        """A run that others are copied from, in a project of its own."""
        project = sweeps.project_named(self._tx, self._settings.entity, "templates", self._now_s)
        run = self._begun(project, f"template{number}")
        rows = [row(step, self._chance) for step in range(self._size.rows)]
        events = [self._event(place) for place in range(EVENTS)]
        console = [f"2026-11-29T06:33:11.116329 epoch {place} loss 0.1234" for place in range(CONSOLE)]
        steps = tuple(range(len(rows)))
        chunk = Chunk(history=Lines(0, rows), steps=steps, events=Lines(0, events), logs=(Lines(0, console),))
        stream.take(self._tx, run, chunk, self._now_s)
        stream.take(self._tx, self._run(run), Chunk(summary=rows[-1], exit_code=0), self._now_s)
        return self._run(run)

    def _event(self, place: int) -> str:
        names = ("cpu", "memory", "disk.in", "disk.out", "proc.memory.rssMB", "network.sent", "network.recv")
        values = {f"system.{name}": round(self._chance.random() * 100, 4) for name in names}
        return json.dumps({**values, "_wandb": True, "_runtime": place * 15.0, "_timestamp": 1.7e9 + place})

    def _sweep(self, name: str, method: str, templates: list[Run], cap: int | None) -> None:
        sweep, _ = sweeps.register(
            self._tx, self._project, text_of(name, method, cap), SweepFields(), 7, self._now_s, self._id
        )
        agent = agents.create_agent(self._tx, sweep, "host-a", self._now_s, self._id)
        for number in range(self._size.runs):
            self._now_s += 1
            sweep = queries.by_id(self._tx, Sweep, sweep.id)
            if method == "bayes":
                results = suggestion_queries.results(self._tx, sweep.id)
                points.propose(self._tx, sweep, sweep.next_index, [self._drawn()], results)
            moment = Moment(self._now_s, 0.0)
            agents.heartbeat(self._tx, agent, frozenset(), self._settings, moment, self._id)
            self._carry_out(queries.live_runs_of_agent(self._tx, agent.id)[0], method, number, templates)

    def _drawn(self) -> dict[str, Any]:
        return {"lr": self._chance.random(), "units": self._chance.choice([32, 64, 128]), "dropout": 0.5}

    def _carry_out(self, run: Run, method: str, number: int, templates: list[Run]) -> None:
        if templates:
            self._copy(templates[number % len(templates)], run)
        if method == "hyperband":
            rows = [row(step, self._chance) for step in range(RIVAL_ROWS)]
            chunk = Chunk(history=Lines(0, rows), steps=tuple(range(len(rows))))
            stream.take(self._tx, run, chunk, self._now_s)
        summary = json.dumps({METRIC: self._chance.random(), "val_accuracy": self._chance.random(), "_step": 1})
        stream.take(self._tx, self._run(run), Chunk(summary=summary, exit_code=0), self._now_s)

    def _copy(self, template: Run, run: Run) -> None:
        """Lets a run have logged what a template has."""
        for table, columns in COPIED.items():
            sql = f"INSERT INTO main.{table} (run_id, {columns}) SELECT ?, {columns} FROM {table} WHERE run_id = ?"
            self._tx.execute(sql, (run.id, template.id))
        lines = "history_lines = ?, event_lines = ?, log_lines = ?"
        values = (template.history_lines, template.event_lines, template.log_lines, run.id)
        self._tx.execute(f"UPDATE main.run SET {lines} WHERE id = ?", values)

    def _long(self) -> None:
        run = self._begun(self._project, LONG_RUN)
        for first in range(0, self._size.long, CHUNK):
            steps = tuple(range(first, min(first + CHUNK, self._size.long)))
            history = Lines(first, [row(step, self._chance) for step in steps])
            console = Lines(first // 10, [f"2026-11-29T06:33:11.116329 epoch {step} loss 0.1" for step in steps[::10]])
            chunk = Chunk(history=history, steps=steps, logs=(console,), summary=history.rows[-1])
            stream.take(self._tx, self._run(run), chunk, self._now_s)
        stream.take(self._tx, self._run(run), Chunk(exit_code=0), self._now_s)

    def _begun(self, project: Project, name: str) -> Run:
        run, _ = runs.begin(self._tx, project, None, name, RunFields(), None, None, self._now_s)
        return run

    def _run(self, run: Run) -> Run:
        return queries.by_id(self._tx, Run, run.id)

    def _id(self) -> str:
        return f"{next(self._ids):08d}"


def text_of(name: str, method: str, cap: int | None) -> str:
    """A sweep's file; "hyperband" is random search with early termination."""
    document: dict[str, Any] = {
        "name": name,
        "method": "random" if method == "hyperband" else method,
        "metric": {"name": METRIC, "goal": "minimize"},
        "parameters": POINTS if method == "grid" else SPACE,
    }
    if cap is not None:
        document["run_cap"] = cap
    if method == "hyperband":
        # The rivals have passed a bracket at which none of them was stopped.
        document["early_terminate"] = {"type": "hyperband", "min_iter": RIVAL_ROWS, "eta": 3}
    return json.dumps(document)


def fill(data: Path, size: Size) -> None:
    """Fills an empty folder; is not meant to survive a crash half-way."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = Settings(data).database
    Database(path).close()
    tx = sqlite3.connect(path, isolation_level=None)
    tx.executescript("PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;")
    tx.execute("BEGIN")
    for part in Lab(tx, data, size).fill():
        tx.execute("COMMIT")
        print(f"{data.name}: {part}", flush=True)
        tx.execute("BEGIN")
    tx.execute("COMMIT")
    tx.close()
