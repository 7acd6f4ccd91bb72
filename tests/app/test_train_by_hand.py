"""`python -m app.train` typed by hand, and what signals do to it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import app
from app.config import TrialConfig
from tests.app.test_trial import command
from tests.patience import HANG_S


@pytest.fixture
def places(fewer_images: Path, tmp_path: Path) -> dict[str, str]:
    """Prepared data, no `.env`, and W&B's files in a folder of the test's own."""
    env_file = tmp_path / ".env"
    env_file.touch()
    return {"DATA_DIR": str(fewer_images.parent), "ENV_FILE": str(env_file), "WANDB_DIR": str(tmp_path)}


def by_hand(*flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    typed = [sys.executable, "-m", "app.train", *flags]
    return subprocess.run(typed, env=os.environ | variables, capture_output=True, text=True, timeout=HANG_S)


def test_a_trial_by_hand_sends_nothing_for_an_exported_key(places: dict[str, str]) -> None:
    flags = ("--layer1_size", "8", "--epochs", "1", "--batch_size", "500")

    done = by_hand(*flags, **places, WANDB_API_KEY="0" * 40)

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "W&B is off: neither .env nor WANDB_BASE_URL names a server."
    assert lines[-1].startswith("test_accuracy 0.")


def test_a_wrong_flag_is_one_line_and_exit_code_2(places: dict[str, str]) -> None:
    done = by_hand("--optimizer", "adamm", **places)

    assert done.returncode == 2
    own = [line for line in done.stderr.splitlines() if not line.startswith("wandb:")]
    assert own == ["`optimizer` is 'adamm'. Did you mean `adam`? Allowed: adam, rmsprop."]


def test_help_needs_nothing_but_the_settings() -> None:
    output = by_hand("--help").stdout

    assert all(f"--{name} " in output for name in TrialConfig.model_fields)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_run_in_order(
    places: dict[str, str], warm_environment: dict[str, str], signum: signal.Signals
) -> None:
    process = subprocess.Popen(
        command("-m", "app.train", "--layer1_size=8", "--epochs=9999"),
        env=warm_environment | places | {"WANDB_MODE": "offline"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any(line.startswith("Epoch 2/") for line in process.stdout)

    process.send_signal(signum)

    _, errors = process.communicate(timeout=HANG_S)
    assert process.returncode == 128 + signum
    # W&B's closing words show that the history was kept, its own file that the cause was recorded.
    (recorded,) = Path(places["WANDB_DIR"]).glob("**/offline-run-*/run-*.wandb")
    assert b"interrupted (SIG" in recorded.read_bytes()
    assert any(line.split()[:2] == ["wandb:", "val_accuracy"] for line in errors.splitlines())
    assert "Traceback" not in errors


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_in_a_destructor_still_ends_the_trial(
    places: dict[str, str], warm_environment: dict[str, str], tmp_path: Path, signum: signal.Signals
) -> None:
    # What is raised in `__del__` is printed and forgotten.
    (tmp_path / "unlucky.py").write_text(
        "import os, sys\n"
        "from app import callbacks, train\n"
        "class Unlucky:\n"
        f"    def __del__(self): os.kill(os.getpid(), {int(signum)})\n"
        "real = callbacks.LogMetrics.on_epoch_end\n"
        "def once(self, epoch, logs=None):\n"
        "    real(self, epoch, logs)\n"
        "    if epoch == 1: Unlucky()\n"
        "callbacks.LogMetrics.on_epoch_end = once\n"
        "sys.exit(train.main(['--layer1_size=8', '--epochs=9999']))\n"
    )
    environment = warm_environment | places | {"WANDB_MODE": "offline"}

    done = subprocess.run(
        command(str(tmp_path / "unlucky.py")), env=environment, capture_output=True, text=True, timeout=HANG_S
    )

    assert done.returncode == 128 + signum
    assert "Traceback" not in done.stderr


def test_a_client_that_waits_for_its_service_for_ever_does_not_hold_the_trial() -> None:
    program = (
        "import sys, threading, types\n"
        "from app import train\n"
        "train.TEARDOWN_S = 0.2\n"
        "sys.modules['wandb'] = types.SimpleNamespace(teardown=lambda code: threading.Event().wait())\n"
        "train._leave(3)\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], cwd=Path(app.__file__).parents[1], timeout=HANG_S)

    assert ended.returncode == 3
