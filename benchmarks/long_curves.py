"""A made-up sweep of runs that have logged each of their batches: long histories, in which validations are few."""

import json
import math
import random
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.made_up import PROJECT, new_id
from server.ledger import agents, points, runs, stream, sweeps
from server.ledger.chunk import Chunk, Lines
from server.ledger.runs import RunFields
from server.settings import Settings
from server.store import queries
from server.store.database import Database
from server.store.rows import Sweep

RUNS: Final = 50
ROWS: Final = 10_000
# Rows of batches before each row of an epoch.
BATCHES: Final = 99
AT_ONCE: Final = 1000
CONFIG: Final = {
    "name": "long curves",
    "method": "random",
    "metric": {"name": "val_loss", "goal": "minimize"},
    "parameters": {"learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 0.3}},
    "run_cap": RUNS,
}


def fill(data: Path, now_s: float) -> str:
    """Adds the sweep to a folder that no server uses; its name."""
    settings, chance = Settings(data=data), random.Random(50)
    database, named = Database(settings.database), partial(new_id, chance)
    with database.write() as tx:
        project = sweeps.project_named(tx, settings.entity, PROJECT, now_s)
        made, _ = sweeps.register(tx, project, json.dumps(CONFIG), sweeps.SweepFields(), 7, now_s - 9000, named)
        agent = agents.create_agent(tx, made, "host-a", now_s - 8999, named)
    for number in range(RUNS):
        with database.write() as tx:
            at_s = now_s - 8990 + 150 * number
            handed = points.hand_out(tx, queries.by_id(tx, Sweep, made.id), agent, at_s, named)
            if handed is None:
                raise LookupError("no point is left")
            given = RunFields(host="host-a", program="train.py")
            runs.begin(tx, project, made, handed.run.name, given, None, "anew", at_s)
            log(tx, handed.run.name, project.id, chance, at_s)
    database.close()
    return made.name


def log(tx: Any, name: str, project_id: int, chance: random.Random, at_s: float) -> None:
    rate = chance.uniform(0.3, 3)
    rows = [row(step, rate, chance) for step in range(ROWS)]
    for first in range(0, ROWS, AT_ONCE):
        part = rows[first : first + AT_ONCE]
        lines = Lines(first, [json.dumps(each) for each in part])
        run = queries.run(tx, project_id, name)
        if run is None:
            raise LookupError(f"run {name} is gone")
        last = first + AT_ONCE >= ROWS
        summary = json.dumps({**rows[-2], **rows[-1]}) if last else None
        steps = tuple(each["_step"] for each in part)
        chunk = Chunk(history=lines, steps=steps, summary=summary, exit_code=0 if last else None)
        stream.take(tx, run, chunk, at_s + first / 100)


def row(step: int, rate: float, chance: random.Random) -> dict[str, Any]:
    """Of a batch, or of an epoch after so many batches."""
    done = rate * step / ROWS
    loss = 2.3 * math.exp(-3 * done) + 0.05
    if step % (BATCHES + 1) < BATCHES:
        noisy = loss * chance.uniform(0.8, 1.25)
        return {"_step": step, "_runtime": step / 90, "batch/loss": noisy, "batch/learning_rate": 1e-3 / (1 + step)}
    epoch = step // (BATCHES + 1) + 1
    return {"_step": step, "_runtime": step / 90, "epoch": epoch, "val_loss": loss * 1.1, "loss": loss}
