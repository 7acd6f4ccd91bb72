"""What becomes of a trial whose machine is taken away: the same run goes on, and ends as if nothing had been."""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.app.programs import ROOT, lines_until
from tests.app.test_trial import command
from tests.patience import HANG_S
from tests.server.real_server import RunningServer

PROJECT = "local/wandb-sweep-practice"
EPOCHS = 5


class Trials:
    """Trials of the command line on one server, by a copy of the program; those with the same id are the same run."""

    def __init__(self, server: RunningServer, folder: Path, data: Path, warm: dict[str, str]) -> None:
        self.server, self.data, self.program = server, folder / "data", folder / "program"
        for package in ("app", "charts", "search", "terms"):
            shutil.copytree(ROOT / package, self.program / package, ignore=shutil.ignore_patterns("__pycache__"))
        self.data.mkdir()
        (self.data / "fashion-mnist").symlink_to(data)
        self.environment = server.env(folder) | warm | {"DATA_DIR": str(self.data), "WANDB_DIR": str(folder)}

    def start(self, run_id: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command("-m", "app.train", "--layer1_size=16", f"--epochs={EPOCHS}", "--batch_size=13"),
            env=self.environment | {"WANDB_RUN_ID": run_id} | variables,
            cwd=self.program,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def interrupt(self, run_id: str, **variables: str) -> str:
        """Starts a trial and ends it by SIGTERM in its third epoch; returns what it said until then."""
        process = self.start(run_id, **variables)
        said = lines_until(process, "Epoch 3/")
        process.terminate()
        process.communicate(timeout=HANG_S)
        assert process.returncode == 143
        return "".join(said)

    def finish(self, run_id: str) -> str:
        process = self.start(run_id)
        output, _ = process.communicate(timeout=HANG_S)
        assert process.returncode == 0, output
        return output

    def run(self, run_id: str) -> Any:
        return self.server.api().run(f"{PROJECT}/{run_id}")

    def checkpoints(self) -> list[Path]:
        return list(self.data.glob("checkpoints/*/*"))


def epochs(run: Any) -> list[int]:
    return [row["epoch"] for row in run.scan_history(keys=["epoch"])]


def losses(run: Any) -> list[float]:
    return [row["val_loss"] for row in run.scan_history(keys=["val_loss"])]


@pytest.fixture(scope="module")
def trials(
    server: RunningServer,
    tmp_path_factory: pytest.TempPathFactory,
    fewer_images: Path,
    warm_environment: dict[str, str],
) -> Trials:
    return Trials(server, tmp_path_factory.mktemp("trials"), fewer_images, warm_environment)


@pytest.fixture(scope="module")
def whole(trials: Trials) -> Any:
    """A run that nobody interrupts."""
    trials.finish("whole")
    return trials.run("whole")


@pytest.mark.slow
def test_an_interrupted_run_goes_on_after_its_last_epoch_and_ends_the_same_whatever_is_edited_elsewhere(
    trials: Trials, whole: Any
) -> None:
    trials.interrupt("cut", CHECKPOINT_S="0")
    between = trials.run("cut")
    left = sorted(path.name[:11] for path in trials.checkpoints())
    edit(trials.program / "app/commands/report/words.py")
    output = trials.finish("cut")
    after = trials.run("cut")

    assert between.state == "preempted"
    assert between.summary["_cause"] == "interrupted (SIGTERM)"
    assert left == ["epoch-00001", "epoch-00002"]
    assert "Going on after epoch 2." in output
    assert "Epoch 2/" not in output
    assert after.state == "finished"
    assert "_cause" not in after.summary
    assert epochs(after) == list(range(1, EPOCHS + 1))
    assert losses(after) == losses(whole)
    assert after.summary["weights_sha256"] == whole.summary["weights_sha256"]
    assert after.config["provenance"]["loop"] == whole.config["provenance"]["loop"] == "whole epochs"
    assert trials.checkpoints() == []


@pytest.mark.slow
def test_without_its_checkpoint_or_after_an_edit_that_can_decide_its_result_a_run_starts_again_and_logs_no_epoch_twice(
    trials: Trials, whole: Any
) -> None:
    trials.interrupt("moved")
    for path in trials.checkpoints():
        path.unlink()
    moved = trials.interrupt("moved")
    edit(trials.program / "app/model.py")
    edited = trials.finish("moved")
    after = trials.run("moved")

    assert "There is no checkpoint of this run here: it starts again at epoch 1." in moved
    assert "The checkpoint of epoch 2 is not used: code changed since." in edited
    assert epochs(after) == list(range(1, EPOCHS + 1))
    assert after.summary["weights_sha256"] == whole.summary["weights_sha256"]


def edit(source: Path) -> None:
    source.write_text(f"{source.read_text()}# An edit.\n")


INTERRUPTED = """
import os, signal, sys, threading, time
import tensorflow as tf
from app import data, model, train
from app.training import stopping

def come(seconds=0.0):
    threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGTERM]).start()

def load(*_):
    come()
    time.sleep(600)

def build(config, build=model.build):
    network = build(config)
    step = network.train_step
    def wait_and_step(batch):
        with tf.control_dependencies([tf.py_function(lambda: come(0.1) or time.sleep(600), [], [])]):
            return step(batch)
    network.train_step = wait_and_step
    return network

stopping.CLOSE_AFTER_S = 1
if sys.argv[1] == "data":
    data.load = load
else:
    model.build = build
train._leave(train.main(["--layer1_size=8", "--epochs=2"]))
"""


@pytest.mark.parametrize("busy_with", ["data", "step"])
def test_it_ends_in_time_whatever_it_is_busy_with(
    busy_with: str, tmp_path: Path, fewer_images: Path, warm_environment: dict[str, str]
) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    variables = {"DATA_DIR": str(fewer_images.parent), "WANDB_DIR": str(tmp_path), "WANDB_RUN_ID": "abc"}

    done = subprocess.run(
        command(str(tmp_path / "interrupted.py"), busy_with),
        env=warm_environment | variables | {"WANDB_MODE": "offline"},
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )

    assert done.returncode == 128 + signal.SIGTERM
    (recorded,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert b"interrupted (SIGTERM)" in recorded.read_bytes()
    assert "Traceback" not in done.stderr
    assert not (fewer_images.parent / "checkpoints" / "abc").exists()
