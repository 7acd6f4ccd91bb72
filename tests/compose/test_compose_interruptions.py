"""What people do to a sweep in containers, and what it must survive: one result a point, whatever happens."""

import subprocess
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.compose.conftest import Clone
from tests.compose.deployment import Deployment
from tests.patience import HANG_S

pytestmark = [pytest.mark.docker, pytest.mark.slow]

GRACE_S = 75
EPOCHS = 30


@pytest.fixture(scope="module")
def killed(clone: Clone) -> Deployment:
    """A sweep whose only agent was killed in a trial, and that was told to go on.

    It is the first of these, since the server waits a minute for an agent that says nothing.
    """
    deployment = clone("killed")
    deployment.write_quick_sweep(sizes=2, epochs=5)
    deployment.hold()
    deployment.variables["AGENTS"] = "1"
    deployment.compose("up", "-d")
    deployment.wait_until_running(1)
    deployment.compose("kill", "agent")
    assert deployment.exit_codes("agent") == [137]
    deployment.hold(False)
    deployment.compose("up", "-d")
    return deployment


@pytest.fixture(scope="module")
def deserted(clone: Clone) -> Iterator[subprocess.Popen[str]]:
    """The report of a sweep that no agent works for; it takes a minute and a half to be sure."""
    deployment = clone("deserted")
    deployment.write_quick_sweep(sizes=1, epochs=1)
    deployment.compose("run", "--rm", "register")
    with deployment.popen("run", "--rm", "--no-deps", "report", stderr=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_scaling_up_and_down_in_mid_sweep_loses_nothing(
    killed: Deployment, deserted: subprocess.Popen[str], clone: Clone
) -> None:
    deployment = clone("scaled")
    deployment.write_quick_sweep(sizes=6, epochs=5)
    deployment.hold()
    deployment.compose("up", "-d", "--scale", "agent=1")
    deployment.wait_until_running(1)
    registered_at, first = started_at(deployment, "register"), started_at(deployment, "agent")

    scale(deployment, 4)
    untouched = first.items() <= started_at(deployment, "agent").items()
    deployment.wait_until_running(3)
    scale(deployment, 1)
    left = len(deployment.containers("agent"))
    scale(deployment, 4)
    deployment.hold(False)
    table = settled(deployment)

    assert untouched
    assert started_at(deployment, "register") == registered_at
    assert left == 1
    assert deployment.finished("size") == [1, 2, 3, 4, 5, 6]
    assert "6 of 6 runs finished" in table
    assert len(deployment.sweeps()) == 1


def test_stop_in_mid_trial_ends_in_time_and_up_finishes_the_sweep(clone: Clone) -> None:
    deployment = clone("stopped")
    deployment.write_quick_sweep(sizes=3, epochs=5)
    deployment.hold()
    deployment.variables["AGENTS"] = "2"
    deployment.compose("up", "-d")
    deployment.wait_until_running(2)

    began_s = time.monotonic()
    deployment.compose("stop")
    took_s = time.monotonic() - began_s
    codes = deployment.exit_codes("agent")
    deployment.hold(False)
    table = deployment.compose("run", "--rm", "report").stdout

    assert took_s < GRACE_S
    assert codes == [143, 143]
    assert "3 of 3 runs finished" in table
    assert deployment.finished("size") == [1, 2, 3]
    assert sum(run.state != "finished" for run in deployment.runs()) == 2
    assert len(deployment.sweeps()) == 1


def test_the_run_of_a_stopped_agent_is_finished_by_another_from_its_last_epoch(clone: Clone) -> None:
    deployment = clone("taken")
    deployment.variables["AGENTS"] = "1"
    fixed = {"epochs": {"value": EPOCHS}, "batch_size": {"value": 100}}
    deployment.write_sweep(["-m", "app.train"], {"layer1_size": {"values": [16]}, **fixed})
    deployment.compose("up", "-d")
    deployment.follow("logs", "--follow", "--no-log-prefix", "agent", until="Epoch 3/")
    deployment.compose("stop", "agent")
    deployment.compose("rm", "--force", "agent")
    (interrupted,) = deployment.runs()

    deployment.compose("up", "-d", "--no-deps", "agent")
    table = settled(deployment)

    (run,) = deployment.runs()
    assert interrupted.state == "preempted"
    assert (run.id, run.state) == (interrupted.id, "finished")
    assert f"Going on after epoch {interrupted.summary['epoch']}." in deployment.logs("agent")
    assert [row["epoch"] for row in run.scan_history(keys=["epoch"])] == list(range(1, EPOCHS + 1))
    assert "1 of 1 runs finished" in table


def test_a_killed_server_comes_back_by_up_and_nothing_is_lost(clone: Clone) -> None:
    deployment = clone("server")
    deployment.write_quick_sweep(sizes=2, epochs=5)
    deployment.hold()
    deployment.variables["AGENTS"] = "2"
    deployment.compose("up", "-d")
    deployment.wait_until_running(2)

    deployment.compose("kill", "server")
    deployment.compose("up", "-d", "--wait", "--no-deps", "server")
    deployment.hold(False)
    table = settled(deployment)

    assert "2 of 2 runs finished" in table
    assert deployment.finished("size") == [1, 2]
    assert len(deployment.runs()) == 2


def test_a_failing_sweep_ends_the_report_with_1_and_the_causes(clone: Clone) -> None:
    deployment = clone("failing")
    unchecked = "import sys, app.train; sys.exit(app.train.main(sys.argv[1:]))"  # no program that `check` knows
    deployment.write_sweep(["-c", unchecked], {"layer1_size": {"values": [0]}})

    done = deployment.compose("run", "--rm", "report", code=1, AGENTS="1")

    assert "0 of 1 runs finished, 1 failed" in done.stdout
    assert "trial 1 failed (layer1_size=0): `layer1_size` is 0. Allowed:" in done.stdout


def test_a_wrong_sweep_file_stops_it_before_an_agent_starts(clone: Clone) -> None:
    deployment = clone("wrong")
    deployment.variables["SWEEP"] = "sweeps/layersize.yaml"

    done = deployment.compose("up", "-d", code=1)

    assert 'service "register" didn\'t complete successfully: exit 2' in done.stderr
    assert "Did you mean sweeps/layer_size.yaml?" in deployment.logs("register")
    assert {each["State"]["Status"] for each in deployment.containers("agent")} <= {"created"}


def test_a_sweep_without_agents_ends_the_report_with_one_clear_line(deserted: subprocess.Popen[str]) -> None:
    table, told = deserted.communicate(timeout=HANG_S)

    assert deserted.returncode == 1
    assert "Error: no agent works for the sweep: no run is under way, and nothing has changed for 90 s." in told
    assert "Traceback" not in told
    assert table == ""


def test_the_point_of_a_killed_agent_is_given_to_the_next(killed: Deployment) -> None:
    table = settled(killed)

    assert "2 of 2 runs finished" in table
    assert killed.finished("size") == [1, 2]
    assert len(killed.sweeps()) == 1


def scale(deployment: Deployment, agents: int) -> None:
    """The one command that leaves running agents alone; docs/containers.md tells it."""
    deployment.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", f"agent={agents}", "agent")


def started_at(deployment: Deployment, service: str) -> dict[str, datetime]:
    """When the containers of a service were started, by their ids."""
    return {
        each["Id"]: datetime.fromisoformat(each["State"]["StartedAt"][:26]) for each in deployment.containers(service)
    }


def settled(deployment: Deployment) -> str:
    """Waits for the end of a sweep that agents work for; what is printed of it."""
    return deployment.compose("run", "--rm", "--no-deps", "report").stdout
