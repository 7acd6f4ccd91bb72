"""What the kernel does to a trial in a container with a memory limit, and what the run then says."""

import pytest

from terms.told import told
from tests.compose.conftest import Clone

pytestmark = [pytest.mark.docker, pytest.mark.slow]

HOG = """
import wandb
run = wandb.init()
hogged = []
while True:
    hogged.append(bytearray(2**24))
"""


def test_a_trial_that_wants_more_than_the_containers_memory_is_named_so(clone: Clone) -> None:
    deployment = clone("memory")
    deployment.write_sweep(["-c", HOG], {"size": {"values": [1]}})

    done = deployment.compose("run", "--rm", "report", code=1, AGENTS="1", AGENT_MEMORY="900m")
    logs = deployment.logs("agent")

    cause = "out of memory: the kernel killed it (SIGKILL, oom_kill +1)"
    assert "0 of 1 runs finished, 1 failed" in done.stdout
    assert f"failed (size=1): {cause}" in done.stdout
    assert {(run.state, told(run.summary_metrics)["cause"]) for run in deployment.runs()} == {("failed", cause)}
    assert {told(run.summary_metrics)["cause_kind"] for run in deployment.runs()} == {"out of memory (host)"}
    assert "not started warm" not in logs
