"""Data folders of made-up sweeps of every size, written by the ledger's own functions with a clock that runs ahead.

Days of work take seconds, since nothing is trained. Results follow a formula with noise, so that some parameters
matter and others do not; runs fail for several causes, are tried again, killed, lost, and stopped early.
"""

import heapq
import json
import math
import random
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from search import early_termination
from server.clock import Moment
from server.ledger import agents, points, runs, stream, sweeps
from server.ledger.chunk import Chunk, Lines
from server.ledger.runs import RunFields
from server.settings import Settings
from server.store import queries, writes
from server.store.database import Database
from server.store.rows import Agent, Project, Run, Sweep
from terms.record import CAUSE

PROJECT: Final = "made-up"
METRIC: Final = "val_accuracy"
EPOCHS: Final = 5
# Rivals at a bracket; all of thousands would take minutes to compare.
MOST_RIVALS: Final = 60
HOSTS: Final = ("host-a", "host-b")
NAN: Final = "NaN metric: loss is nan in epoch 1"
MEMORY: Final = "ResourceExhaustedError: OOM when allocating tensor with shape[256,4096] on device:GPU:0"
EXCEPTION: Final = "ValueError: the last batch has 7 images, 8 are needed"

GRID: Final = {
    "learning_rate": {"values": [0.1, 0.03, 0.01, 0.003, 0.001]},
    "units": {"values": [32, 64, 128, 256, 512]},
    "dropout": {"values": [0.1, 0.2, 0.3, 0.4]},
    "optimizer": {"values": ["adam", "rmsprop", "sgd"]},
}
SPACE: Final = {
    "learning_rate": {"distribution": "log_uniform_values", "min": 0.0001, "max": 0.3},
    "units": {"values": [32, 64, 128, 256, 512]},
    "dropout": {"min": 0.0, "max": 0.6},
    "optimizer": {"values": ["adam", "rmsprop", "sgd"]},
    "batch_size": {"values": [32, 64, 128, 256]},
}


@dataclass(frozen=True)
class Plan:
    """A sweep to make up.

    Attributes:
        ago_s: when it was registered, before the moment at which the folder is filled; what is left then runs.
        starts: runs after which agents ask for no more; None: as many as there are.
        epoch_s: how long an epoch takes, about.
    """

    method: str
    parameters: Mapping[str, Any]
    ago_s: float
    agents: int
    starts: int | None = None
    run_cap: int | None = None
    brackets: bool = True
    epoch_s: float = 8.0

    def text(self, name: str) -> str:
        """The sweep's file."""
        document: dict[str, Any] = {
            "name": name,
            "method": self.method,
            "metric": {"name": METRIC, "goal": "maximize"},
            "parameters": {**self.parameters, "epochs": {"value": EPOCHS}},
            "x-sweep": {"retries": 1, "seed": 7},
        }
        if self.brackets:
            document["early_terminate"] = {"type": "hyperband", "min_iter": 2, "eta": 2}
        if self.run_cap is not None:
            document["run_cap"] = self.run_cap
        return json.dumps(document, indent=2)


LIVE: Final = "100 live runs"
PLANS: Final = {
    "5,000 runs": Plan("random", SPACE, 4 * 86400.0, agents=12, run_cap=5000),
    "300 runs": Plan("grid", GRID, 26 * 3600.0, agents=4),
    "5 runs": Plan("grid", {"units": GRID["units"]}, 3600.0, agents=1, brackets=False),
    "1 run": Plan("grid", GRID, 90.0, agents=1, starts=1),
    "0 runs": Plan("grid", GRID, 60.0, agents=0),
    LIVE: Plan("random", SPACE, 1500.0, agents=100, run_cap=2000, brackets=False, epoch_s=60.0),
}


@dataclass(frozen=True)
class Filled:
    """What a folder holds: W&B's ids of the sweeps by the names of their plans, and of the runs that run."""

    sweeps: dict[str, str]
    live: list[str]


@dataclass
class Work:
    """A run under way: what it will log, how it will end, and when."""

    run: str
    curve: list[float]
    exit_code: int
    cause: str
    start_s: float
    end_s: float
    early: dict[str, Any] | None = None


@dataclass
class Maker:
    """Makes up one sweep inside one transaction."""

    tx: sqlite3.Connection
    project: Project
    sweep: Sweep
    plan: Plan
    settings: Settings
    chance: random.Random
    curves: list[list[float]] = field(default_factory=list)
    started: int = 0

    def carry_out(self, now_s: float) -> list[str]:
        """Lets agents work until nothing is left or until now; the runs that run then."""
        queue: list[tuple[float, int, Agent, Work | None]] = []
        for number in range(self.plan.agents):
            begin_s = self.sweep.created_at_s + 5 + 0.7 * number
            host = HOSTS[number % len(HOSTS)]
            queue.append((begin_s, number, agents.create_agent(self.tx, self.sweep, host, begin_s, self.id), None))
        while queue and queue[0][0] < now_s:
            at_s, number, agent, work = heapq.heappop(queue)
            if work is not None:
                self.end(work, at_s)
            work = self.begin(agent, at_s + 0.5)
            if work is not None:
                heapq.heappush(queue, (work.end_s, number, agent, work))
        for _, _, agent, work in queue:
            if work is not None:
                self.log(work, now_s, "")
                agents.heartbeat(self.tx, agent, frozenset([work.run]), self.settings, Moment(now_s, 0.0), self.id)
        return [work.run for *_, work in queue if work is not None]

    def begin(self, agent: Agent, at_s: float) -> Work | None:
        """Takes the next run, if there is one."""
        if self.plan.starts is not None and self.started >= self.plan.starts:
            return None
        # A whole heartbeat looks through all that the agent has ever done.
        handed = points.hand_out(self.tx, queries.by_id(self.tx, Sweep, self.sweep.id), agent, at_s, self.id)
        if handed is None:
            agents.heartbeat(self.tx, agent, frozenset(), self.settings, Moment(at_s, 0.0), self.id)
            return None
        self.started += 1
        given = RunFields(host=agent.host, program="app/trial.py")
        runs.begin(self.tx, self.project, self.sweep, handed.run.name, given, None, "anew", at_s + 1)
        return self.work(handed.run, at_s + 1)

    def work(self, run: Run, at_s: float) -> Work:
        """Decides what comes of a run."""
        values = {name: each["value"] for name, each in json.loads(run.config).items()}
        curve = learning_curve(values, self.chance)
        epoch_s = self.plan.epoch_s * (0.5 + values["units"] / 400) * self.chance.uniform(0.85, 1.2)
        exit_code, cause, epochs = fate(values, self.chance)
        curve = curve[:epochs]
        early = None if cause or exit_code else self.stopped(curve)
        if early is not None:
            curve, exit_code = curve[: early["bracket"]], 255
        end_s = at_s + 1.5 + epoch_s * max(len(curve), 0.4)
        return Work(run.name, curve, exit_code, cause, at_s, end_s, early)

    def stopped(self, curve: list[float]) -> dict[str, Any] | None:
        """The decision that ends the run at its first bracket where it is too bad."""
        config = points.parsed(self.sweep.config)
        rivals = self.curves[-MOST_RIVALS:]
        self.curves.append(curve)
        for bracket in early_termination.brackets(config):
            there = [rival[bracket - 1] for rival in rivals if len(rival) >= bracket]
            decision = early_termination.decide(config, curve[:bracket], there) if bracket <= len(curve) else None
            if decision is not None and decision.stop:
                return {**asdict(decision), "value": curve[bracket - 1]}
        return None

    def log(self, work: Work, now_s: float, cause: str) -> Run:
        """Stores what a run has logged by now, and its summary."""
        run = self.run(work.run)
        epoch_s = (work.end_s - work.start_s - 1.5) / max(len(work.curve), 1)
        done = min(len(work.curve), int((now_s - work.start_s - 1) / epoch_s))
        rows = [row(epoch, value, epoch_s) for epoch, value in enumerate(work.curve[:done], start=1)]
        writes.put_history(self.tx, run.id, 0, [(each["_step"], json.dumps(each)) for each in rows])
        events = [json.dumps(system(number, self.chance)) for number in range(2 * done)]
        console = [said(each, work.start_s + 1 + each["epoch"] * epoch_s) for each in rows]
        summary = {**(rows[-1] if rows else {}), **({CAUSE: cause} if cause else {})}
        chunk = Chunk(events=Lines(0, events), logs=(Lines(0, console),), summary=json.dumps(summary))
        stream.take(self.tx, run, chunk, now_s)
        return self.run(work.run)

    def end(self, work: Work, at_s: float) -> None:
        """Stores all of a run, and its end."""
        run = self.log(work, at_s, work.cause)
        if work.early is not None:
            writes.update(self.tx, "run", run.id, bracket=work.early["bracket"])
            runs.stop_early(self.tx, run, work.early, at_s)
        elif work.exit_code == 255:
            runs.request_stop(self.tx, run, at_s)
        if work.cause.startswith("lost"):
            runs.give_up(self.tx, run, work.cause.removeprefix("lost: "), at_s)
        else:
            stream.take(self.tx, self.run(work.run), Chunk(exit_code=work.exit_code), at_s)

    def run(self, name: str) -> Run:
        found = queries.run(self.tx, self.project.id, name)
        if found is None:
            raise LookupError(f"run {name} is gone")
        return found

    def id(self) -> str:
        return new_id(self.chance)


def fill(data: Path, now_s: float) -> Filled:
    """Fills an empty folder as if everything had happened up to now, in UTC seconds."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = Settings(data=data)
    database = Database(settings.database)
    made, live = {}, []
    for number, (name, plan) in enumerate(PLANS.items()):
        chance, begin_s = random.Random(number), now_s - plan.ago_s
        with database.write() as tx:
            project = sweeps.project_named(tx, settings.entity, PROJECT, begin_s)
            text, nothing = plan.text(name), sweeps.SweepFields()
            sweep, _ = sweeps.register(tx, project, text, nothing, 7, begin_s, partial(new_id, chance))
            live += Maker(tx, project, sweep, plan, settings, chance).carry_out(now_s)
            made[name] = sweep.name
    database.close()
    return Filled(made, live)


def new_id(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=8))


def accuracy(values: Mapping[str, Any], chance: random.Random) -> float:
    """The last value of a run that goes well: the learning rate decides most, the optimizer moves its best place."""
    best_rate = {"adam": -2.7, "rmsprop": -3.0, "sgd": -1.3}[values.get("optimizer", "adam")]
    off: float = math.log10(values.get("learning_rate", 0.002)) - best_rate
    if off > 1.6:
        return 0.1 + 0.02 * chance.random()
    dropout = values.get("dropout", 0.2)
    doubled: float = math.log2(values["units"] / 32)
    setting = 0.02 * doubled - 0.004 * doubled**2 - 0.25 * float(dropout - 0.22) ** 2
    return 0.875 - 0.045 * off**2 + setting + chance.gauss(0, 0.004)


def learning_curve(values: Mapping[str, Any], chance: random.Random) -> list[float]:
    last = accuracy(values, chance)
    return [last - (last - 0.1) * 0.55 * math.exp(-0.9 * epoch) + chance.gauss(0, 0.003) for epoch in range(EPOCHS)]


def fate(values: Mapping[str, Any], chance: random.Random) -> tuple[int, str, int]:
    """How a run ends: its exit code, its cause, "" for none, and its epochs until then."""
    if values["units"] == 512 and values.get("batch_size") == 256:
        return 1, MEMORY, 0
    if values.get("learning_rate", 0) >= 0.1 and values.get("optimizer") == "rmsprop" and chance.random() < 0.5:
        return 1, NAN, 1
    for share, exit_code, cause, epochs in (
        (0.006, 1, EXCEPTION, 2),
        (0.006, 137, "killed by SIGKILL: the machine was out of memory", 3),
        (0.004, 0, "lost: its agent was not heard of for 60 s", 2),
        (0.008, 255, "", 3),
    ):
        if chance.random() < share:
            return exit_code, cause, epochs
    return 0, "", EPOCHS


def row(epoch: int, value: float, epoch_s: float) -> dict[str, Any]:
    """A history row as the trainer logs it."""
    loss = -math.log(max(value, 0.01))
    return {
        "_step": epoch - 1,
        "epoch": epoch,
        "loss": round(loss * 0.93, 5),
        "accuracy": round(min(value + 0.01, 1.0), 5),
        "val_loss": round(loss, 5),
        METRIC: round(value, 5),
        "epoch_s": round(epoch_s, 2),
    }


def said(row: Mapping[str, Any], at_s: float) -> str:
    """A line of the console as W&B's client sends it."""
    at = datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None).isoformat()
    return f"{at} {METRIC} {row[METRIC]:.4f} after epoch {row['epoch']} of {EPOCHS}"


def system(number: int, chance: random.Random) -> dict[str, Any]:
    """A row of system metrics as W&B's client sends them."""
    return {
        "_runtime": 15.0 * (number + 1),
        "system.cpu": round(chance.uniform(70, 99), 1),
        "system.memory": round(chance.uniform(31, 36), 1),
        "system.proc.memory.rssMB": round(chance.uniform(600, 680), 1),
        "system.gpu.0.gpu": round(chance.uniform(40, 80), 1),
    }
