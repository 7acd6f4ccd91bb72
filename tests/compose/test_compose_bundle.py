"""`make bundle`: loaded and run by an engine that has none of the images and no network."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import known_environment
from tests.compose.deployment import ROOT, Deployment, docker
from tests.patience import HANG_S

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def lonely_engine(tmp_path: Path) -> Iterator[str]:
    """The address of an engine of its own, without images and without a network."""
    if os.geteuid():
        pytest.skip("only root can start a second engine")
    log = (tmp_path / "log").open("w")
    command = [str(ROOT / "tests/compose/engine.sh"), "alone", str(tmp_path / "engine")]
    process = subprocess.Popen(command, env=known_environment.shell, stdout=log, stderr=log)
    address = f"unix://{tmp_path}/engine/sock"
    try:
        wait_for(address, process, tmp_path / "log")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=HANG_S)
        log.close()


def test_a_bundle_runs_where_there_is_nothing_but_an_engine(
    images: Deployment, lonely_engine: str, tmp_path: Path
) -> None:
    subprocess.run(["make", "bundle", "TRAINER=trainer-cpu"], cwd=images.folder, check=True, capture_output=True)
    subprocess.run(["tar", "-xf", images.folder / "dist/tf-sweeps.tar"], cwd=tmp_path, check=True)
    there = Deployment(tmp_path / "tf-sweeps", fresh=False)
    there.variables |= {"DOCKER_HOST": lonely_engine, "AGENTS": "1"}
    there.write_sweep(["-m", "app.train"], {"layer1_size": {"values": [32]}, "epochs": {"value": 1}})

    before = docker("--host", lonely_engine, "images", "--quiet")
    docker("--host", lonely_engine, "load", "--input", str(there.folder / "images.tar.gz"))
    done = there.compose("run", "--rm", "report")
    there.close()

    assert before == ""
    assert "1 of 1 runs finished" in done.stdout
    assert "Backend: the embedded server" in done.stderr
    assert "was edited after this image was built" not in done.stderr


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path, limit_s: float = HANG_S) -> None:
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s and process.poll() is None:
        if subprocess.run(["docker", "--host", address, "version"], capture_output=True).returncode == 0:
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())
