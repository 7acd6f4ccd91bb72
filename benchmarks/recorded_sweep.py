"""Writes down when the runs of a sweep began, how far they were when, and when they ended.

Of a sweep that goes on these are its first runs, up to the first that has not ended.

`python -m benchmarks.recorded_sweep ENTITY/PROJECT/ID >tests/search/recorded/NAME.json`, with the lines that
`python -m server env` prints in the environment; `tests/search/test_time_left.py` reads it.
"""

import json
import sys
from datetime import UTC, datetime
from itertools import accumulate, takewhile
from typing import Any

import wandb

from terms import states


def main(path: str) -> None:
    """Prints it as JSON, a run a line; times in seconds since the first run began."""
    sweep = wandb.Api().sweep(path)
    in_order = sorted(sweep.runs, key=lambda run: str(run.created_at))
    runs = [recorded(run) for run in takewhile(lambda run: run.state in states.ENDED, in_order)]
    first_s = runs[0]["begin_s"]
    lines = [json.dumps(moved(run, first_s)) for run in runs]
    agents = max(at_once(runs, run["begin_s"]) for run in runs)
    print(f'{{"agents": {agents}, "runs": [\n' + ",\n".join(lines) + "\n]}")


def at_once(runs: list[dict[str, Any]], at_s: float) -> int:
    """How many of the runs were under way at a moment."""
    return sum(run["begin_s"] <= at_s < run["end_s"] for run in runs)


def recorded(run: Any) -> dict[str, Any]:
    """One of its runs: what it was asked for, and when each of its epochs was done."""
    rows = list(run.scan_history(keys=["epoch", "_timestamp"]))
    highest = accumulate((int(row["epoch"]) for row in rows), max)
    done = {epoch: float(row["_timestamp"]) for epoch, row in zip(highest, rows, strict=True)}
    begin_s, end_s = (instant(text) for text in (run.created_at, run.heartbeat_at))
    return {"begin_s": begin_s, "end_s": end_s, "asked": run.config.get("epochs"), "epochs_s": list(done.values())}


def moved(run: dict[str, Any], first_s: float) -> dict[str, Any]:
    """The same by a clock that begins at `first_s`."""
    begin_s, end_s = (round(run[name] - first_s, 1) for name in ("begin_s", "end_s"))
    return {**run, "begin_s": begin_s, "end_s": end_s, "epochs_s": [round(at - first_s, 1) for at in run["epochs_s"]]}


def instant(text: str) -> float:
    """Seconds since 1970 of a time as W&B writes it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


if __name__ == "__main__":
    main(sys.argv[1])
