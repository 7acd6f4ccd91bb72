"""The data is prepared where there is a network, by a command of its own or by registering; nodes download nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.programs import ROOT, Workplace, runs
from tests.server.real_server import RunningServer

TRAINER = ["-m", "app.train"]
SENTENCE = "There is no sound copy of the data in {}, and trials download none. Run `python -m app prepare` once"

# A machine without the distribution's package; `--net` makes it one without a network.
WITHOUT_DATA = """
if [ -d /usr/share/datasets ]; then mount -t tmpfs none /usr/share/datasets; fi
exec "$@"
"""


def elsewhere(*flags: str) -> tuple[str, ...]:
    """Begins a command on a machine where nobody has the data."""
    unshare = ("unshare", "--map-root-user", "--mount", *flags)
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("namespaces can be made neither here nor by this user")
    return (*unshare, "sh", "-c", WITHOUT_DATA, "-")


@pytest.fixture
def bare(workplace: Workplace) -> Workplace:
    """A workplace into which nobody has brought the data."""
    (workplace.data / "fashion-mnist").unlink()
    workplace.variables["KERAS_HOME"] = str(workplace.folder / "keras")
    return workplace


@pytest.mark.slow
def test_registering_prepares_the_data_and_an_agent_without_it_takes_no_point(
    bare: Workplace, server: RunningServer, request: pytest.FixtureRequest
) -> None:
    project = request.node.name[:100]
    bare.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\nWANDB_PROJECT={project}\n")
    bare.write_sweep(TRAINER, {"layer1_size": {"values": [8]}})

    refused, why = bare.run("register", FASHION_MNIST_DIR="/nowhere")
    registered, output = bare.run("register")
    other = bare.folder / "another node"
    code, told = bare.run("agent", wrapper=elsewhere(), DATA_DIR=str(other))

    assert refused == 66
    assert "no /nowhere/train-images-idx3-ubyte" in why
    assert registered == 0
    assert "registered." in output  # it was not by the one that was refused
    assert f"prepared in {bare.data}/fashion-mnist\nSweep sweep #" in output  # before it is there for others to take
    assert code == 2
    assert SENTENCE.format(other / "fashion-mnist") in told.splitlines()[-1]
    assert runs(server, project) == []


def test_a_trial_downloads_nothing(bare: Workplace) -> None:
    program = "from app import data; from app.config import TrialConfig; data.load(TrialConfig())"

    done = subprocess.run(
        [*elsewhere(), sys.executable, "-c", program],
        cwd=ROOT,
        env=bare.environment(),
        capture_output=True,
        text=True,
    )

    assert SENTENCE.format(bare.data / "fashion-mnist") in done.stderr.splitlines()[-1]
    assert files(bare.data) == []


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("[!.]*") if path.is_file()]
