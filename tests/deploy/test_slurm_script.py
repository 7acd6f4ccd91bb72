"""When a task of deploy/slurm/agents.sbatch comes back, and when it stays away; a shell stands for the agent."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.programs import ROOT
from tests.deploy.cluster import Cluster, missing
from tests.patience import HANG_S

LACK, LACK_CGROUP = missing(), missing("cgroup")
CGROUP = pytest.param("cgroup", marks=pytest.mark.skipif(LACK_CGROUP != "", reason=LACK_CGROUP))
pytestmark = [pytest.mark.deploy, pytest.mark.slow, pytest.mark.skipif(LACK != "", reason=LACK)]

AGENT = """#!/bin/sh
[ -z "$ENDS_WITH" ] || exit "$ENDS_WITH"
trap 'exit 143' TERM
echo ready
while :; do sleep 0.1; done
"""


RUNNING = ("preempted", "alone", "array-7", "array-8", "cancelled")


class Jobs:
    """Jobs of the script on a cluster, by names that the test gives them."""

    def __init__(self, folder: Path, proctrack: str) -> None:
        self.folder = folder
        program = folder / ".venv/bin/python"
        program.parent.mkdir(parents=True)
        program.write_text(AGENT)
        program.chmod(0o755)
        shutil.copy(ROOT / "deploy/slurm/agents.sbatch", folder)
        self.cluster = Cluster(folder, proctrack)
        self.ids: dict[str, str] = {}

    def submit(self, name: str, *options: str, ends_with: str = "") -> None:
        command = ["sbatch", "--parsable", f"--output={self.folder}/{name}", *options, "agents.sbatch"]
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ENDS_WITH": ends_with}
        self.ids[name] = self.cluster.run("env", f"--chdir={self.folder}", *command, environ=environ).strip()

    def log(self, name: str) -> str:
        log = self.folder / name
        return log.read_text() if log.exists() else ""

    def wait_for(self, name: str, said: str) -> None:
        self.cluster.wait_for(lambda: said in self.log(name))

    def state(self, name: str) -> str:
        return self.cluster.run("squeue", "--states=all", "-h", "-j", self.ids[name], "-o", "%T").strip()


@pytest.fixture(scope="module", params=[CGROUP, "linuxproc"])
def jobs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Jobs]:
    """All that may befall a task has befallen one, and each that comes back is there again."""
    made = Jobs(tmp_path_factory.mktemp("script"), request.param)
    try:
        befall(made)
        yield made
    finally:
        made.cluster.close()


def befall(jobs: Jobs) -> None:
    cluster = jobs.cluster
    jobs.submit("preempted")
    jobs.wait_for("preempted", "ready")
    node = cluster.node(jobs.ids["preempted"])
    elsewhere = f"--exclude=n{node}"
    jobs.submit("alone", elsewhere)
    jobs.submit("array-%a", elsewhere, "--array=7-8")
    jobs.submit("cancelled", elsewhere)
    jobs.submit("done", elsewhere, ends_with="0")
    jobs.submit("wrong", elsewhere, ends_with="2")
    for name in RUNNING:
        jobs.wait_for(name, "ready")
    for name in ("done", "wrong"):
        jobs.wait_for(name, "ended")
    cluster.preempt(node)
    cluster.run("scancel", jobs.ids["cancelled"])
    cluster.tell(jobs.ids["alone"])
    cluster.tell(f"{jobs.ids['array-%a']}_8")  # whose job number is the array's, too
    for name in ("preempted", "alone", "array-8"):
        jobs.wait_for(name, "restart 1")


@pytest.mark.parametrize("name", ["preempted", "alone", "array-8"])
def test_a_task_whose_time_or_place_is_taken_comes_back_once_its_agent_has_ended(jobs: Jobs, name: str) -> None:
    first, second = jobs.log(name).split("restart 0\n")[1].split("restart 1\n")

    assert "the agent ended with 143" in first
    assert "ended" not in second


def test_a_task_of_an_array_comes_back_without_the_others(jobs: Jobs) -> None:
    assert "restart 1" in jobs.log("array-8")
    assert "restart 1" not in jobs.log("array-7")


def test_a_cancelled_task_stays_away(jobs: Jobs) -> None:
    assert "the agent ended with 143" in jobs.log("cancelled")
    assert jobs.state("cancelled") == "CANCELLED"


@pytest.mark.parametrize(("name", "state"), [("done", "COMPLETED"), ("wrong", "FAILED")])
def test_a_task_whose_agent_ends_by_itself_stays_away(jobs: Jobs, name: str, state: str) -> None:
    assert jobs.state(name) == state


# Stand for Slurm's: the time limit is told while the script asks where it is.
PROGRAMS = {
    "hostname": "kill -TERM $PPID; echo n1",
    "squeue": "echo RUNNING",
    "scontrol": 'echo "$@"',
}


def test_a_task_that_is_told_before_it_has_an_agent_comes_back_too(tmp_path: Path) -> None:
    programs = {name: f"#!/bin/sh\n{lines}\n" for name, lines in PROGRAMS.items()} | {".venv/bin/python": AGENT}
    for name, text in programs.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_JOB_ID": "7"}

    task = subprocess.run(
        ["bash", ROOT / "deploy/slurm/agents.sbatch"], env=environ, capture_output=True, text=True, timeout=HANG_S
    )

    assert "requeue 7" in task.stdout
    assert task.returncode == 128 + signal.SIGTERM
