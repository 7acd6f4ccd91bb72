"""A bare Debian that boots with what `make vm` wrote: to the table of the sweep, through a spot notice and power cuts.

The trials train nothing; the VM's engine has the images from the tests' own.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.vm import ROOT, Vm, run, save_images

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

SECRET = "kept-in-the-store-alone"
SIZES = [1, 2]
SWEEP = {
    "name": "vm",
    "method": "grid",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"size": {"values": SIZES}, "epochs": {"value": 60}},
    "command": ["${env}", "${interpreter}", "-I", "-S", "app/trial.py", "sweeps/preemptible_trial.py", "${args}"],
}
CLOUD_PORT = "8169"
EPOCHS = "/var/lib/docker/volumes/tf-sweeps_data/_data/epoch-*"  # the checkpoints of SWEEP's trials


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (
        os.geteuid()
        or not shutil.which("docker")
        or subprocess.run(["docker", "version"], capture_output=True).returncode
    ):
        pytest.skip("a VM of a container needs root and Docker: tests/compose/engine.sh up")
    made = tmp_path_factory.mktemp("vm")
    for name in ("project", "seed", "images"):
        (made / name).mkdir()
    return made


@pytest.fixture(scope="module")
def user_data(folder: Path) -> str:
    """What `make vm` writes in a checkout whose sweep file was never committed."""
    project = folder / "project"
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, project / name)
    shutil.copy(ROOT / "tests/deploy/preemptible_trial.py", project / "sweeps")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    run(*git, "init", "--quiet", "--initial-branch=main", cwd=project)
    run(*git, "add", "--all", cwd=project)
    run(*git, "commit", "--quiet", "--message=all", cwd=project)
    (project / "sweeps/own.yaml").write_text(yaml.safe_dump(SWEEP))
    (folder / "secret.env").write_text(f"AGENTS=2\nDATA_TOKEN={SECRET}\n")
    said = run(
        "make", "vm", "SWEEP=sweeps/own.yaml", f"REPO=file://{project}", "REF=main", "WARM=0", "SHUTDOWN=1",
        f"ENV_FROM=cat {folder}/secret.env", f"METADATA_URL=http://127.0.0.1:{CLOUD_PORT}",
        cwd=project, REPORT_TO='cp -r "$1" /root/uploaded',
    )  # fmt: skip
    assert "at main of file://" in said
    return (project / "dist/vm/cloud-init.yaml").read_text()


@pytest.fixture(scope="module")
def vm(folder: Path, user_data: str) -> Iterator[Vm]:
    (folder / "seed/user-data").write_text(user_data)
    (folder / "seed/meta-data").write_text("instance-id: a-vm\n")
    shutil.copy(ROOT / "tests/vm/clouds.py", folder)
    run("docker", "compose", "build", "--quiet", cwd=folder / "project")
    save_images(folder / "images")
    made = Vm(f"tf-sweeps-test-vm-{os.getpid()}", folder)
    try:
        made.shell("mkdir /run/cloud")
        made.background("python3", f"{folder}/clouds.py", "gcp", "/run/cloud", CLOUD_PORT)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def seen(vm: Vm) -> dict[str, Any]:
    """What a VM does from its first boot to the power-off that it gives itself, and when it is turned on once more."""
    facts: dict[str, Any] = {
        "schema": vm.shell("cloud-init schema --config-file /var/lib/cloud/seed/nocloud/user-data")
    }
    vm.wait(lambda: len(vm.shell(f"ls {EPOCHS} 2> /dev/null || true").split()) == 2, "two trials with a checkpoint")
    vm.shell("touch /run/cloud/notice")
    vm.wait(lambda: vm.shell("systemctl is-active tf-sweeps || true").strip() == "inactive", "stopped by the notice")
    facts["codes"] = vm.shell("docker inspect -f {{.State.ExitCode}} $(docker ps -aq -f name=agent)").split()
    facts["left running"] = vm.shell("docker ps --quiet")
    facts["watcher"] = vm.journal("tf-sweeps-spot")
    facts["env mode"] = vm.shell("stat -c %a /opt/tf-sweeps/.env").strip()
    vm.off()
    vm.on()  # the notice went with the VM that had it
    vm.wait_until_off()
    vm.on()
    vm.wait(lambda: "The sweep is done." in vm.journal(), "the word that the sweep is done")
    vm.wait(lambda: "(healthy)" in vm.compose("ps server"), "the dashboard's server")
    facts["services on"] = vm.compose("ps --services").split()
    facts["state"] = vm.shell("systemctl is-system-running || true; systemctl is-active tf-sweeps")
    facts["journal"] = vm.shell("journalctl --no-pager --output cat --unit 'tf-sweeps*'")
    facts["logs"] = vm.shell("cat /var/log/cloud-init*.log; journalctl --no-pager")
    facts["verdict"] = vm.compose("exec -T server python -m server verify --data /data/server")
    facts["key"] = vm.compose("exec -T server cat /data/server/api-key").strip()
    facts["results"] = json.loads(vm.shell("cat /root/uploaded/vm-*/results.json"))
    return facts


def test_the_user_data_holds_to_cloud_inits_schema(seen: dict[str, Any]) -> None:
    assert "Valid schema" in seen["schema"]


def test_a_bare_debian_boots_to_the_table_of_the_sweep_and_uploads_the_report(seen: dict[str, Any]) -> None:
    runs = seen["results"]["runs"]

    assert "Best runs of vm" in seen["journal"]
    assert "2 of 2 runs finished" in seen["journal"]
    assert [run["state"] for run in runs] == ["finished"] * len(SIZES)


def test_a_spot_notice_stops_trials_in_order_and_their_runs_go_on_when_the_vm_is_back(seen: dict[str, Any]) -> None:
    assert "Notice: this VM will be taken back" in seen["watcher"]
    assert seen["codes"] == ["143", "143"]
    assert seen["left running"] == ""
    assert len(seen["results"]["runs"]) == len(SIZES)
    assert "2 points: 2 finished" in seen["verdict"]
    assert "The ledger holds." in seen["verdict"]


def test_a_sweep_that_is_done_is_not_begun_again_and_does_not_turn_the_vm_off_again(seen: dict[str, Any]) -> None:
    assert seen["services on"] == ["server"]
    assert seen["state"].split()[-1] == "active"
    assert seen["journal"].count("Best runs of vm") == 1


def test_the_env_comes_from_the_store_and_no_key_is_in_user_data_or_log(seen: dict[str, Any], user_data: str) -> None:
    assert seen["env mode"] == "600"
    assert len(seen["codes"]) == 2  # agents, as the .env said
    for secret in (SECRET, seen["key"]):
        assert len(secret) > 20
        assert secret not in user_data
        assert secret not in seen["logs"]
