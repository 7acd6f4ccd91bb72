"""Another Compose than the one that Docker comes with: from Debian's next release, 2.40 when this was written."""

import subprocess

import pytest

from tests import known_environment
from tests.compose.conftest import Clone
from tests.compose.deployment import ROOT, Deployment

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def newer(clone: Clone) -> Deployment:
    command = [str(ROOT / "tests/compose/engine.sh"), "compose", "forky"]
    done = subprocess.run(command, env=known_environment.shell, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no other Compose can be had here: {done.stderr.strip()}")
    deployment = clone("newer")
    deployment.program = [done.stdout.strip()]
    return deployment


def test_a_sweep_is_run_scaled_and_reported(newer: Deployment) -> None:
    newer.write_quick_sweep(sizes=3, epochs=5)
    newer.hold()
    newer.compose("up", "-d", "--scale", "agent=1")
    newer.wait_until_running(1)
    (first,) = newer.containers("agent")

    newer.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", "agent=3", "agent")
    scaled = newer.containers("agent")
    newer.hold(False)
    done = newer.compose("run", "--rm", "--no-deps", "report")
    again = newer.compose("run", "--rm", "report")

    assert first["State"]["StartedAt"] in {each["State"]["StartedAt"] for each in scaled}
    assert len(scaled) == 3
    assert done.stdout.splitlines()[-1] == again.stdout.splitlines()[-1] == "3 of 3 runs finished"
    assert newer.finished("size") == [1, 2, 3]
    assert len(newer.sweeps()) == 1
