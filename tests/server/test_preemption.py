"""A run whose machine is taken away goes on under its own id: the unmodified client and agent, over HTTP."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.real_client import cli, register
from tests.server.real_server import RunningServer

# It finishes by itself: a program that ends within a millisecond of its start is at times kept for ever by W&B's client
# (0.31.0), whose service waits for word of the run while the client waits for its service.
# Its first life ends like a spot machine's notice: two epochs done, a checkpoint, the announcement, exit code 143.
TRIAL = """
import pathlib, sys, wandb
checkpoint = pathlib.Path("checkpoint")
run = wandb.init(resume="allow")
run.config.update({"added": 1})
run.summary["arguments"] = sys.argv[1:]
first = int(checkpoint.read_text()) if checkpoint.exists() else 0
for epoch in range(first, 4):
    run.log({"epoch": epoch + 1, "acc": (epoch + 1) / 10})
    if epoch == 1:
        checkpoint.write_text("2")
        run.summary["_cause"] = "interrupted (SIGTERM)"
        wandb.mark_preempting()
        run.finish(exit_code=143)
        sys.exit(143)
run.finish()
"""
SWEEP = """
program: trial.py
method: grid
metric: {name: acc, goal: maximize}
parameters: {units: {values: [8]}}
"""


@pytest.mark.slow
@pytest.mark.feature("run.mark_preempting")
def test_a_preempted_run_is_resumed_by_the_next_agent_and_settles_its_point_once(
    server: RunningServer, tmp_path: Path
) -> None:
    path = register(server, tmp_path, SWEEP, project="spot", trial=TRIAL)

    cli(server, tmp_path, "agent", path)

    sweep = server.api().sweep(path)
    (resumed,) = sweep.runs
    rows = [(row["_step"], row["epoch"]) for row in resumed.scan_history(keys=["_step", "epoch"])]
    assert (sweep.state, resumed.state, resumed.summary.get("_cause")) == ("FINISHED", "finished", None)
    assert resumed.summary["arguments"] == ["--units=8"]
    assert rows == [(0, 1), (1, 2), (2, 3), (3, 4)]
    subprocess.run([sys.executable, "-m", "server", "verify", "--data", str(server.data)], check=True)
