import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import wandb

import app
from app import callbacks, data, model
from app.config import LOGGED, TrialConfig
from app.machine import capacity
from app.machine.capacity import Capacity
from app.train import ending, train
from app.training import fit, reproduce
from app.values import ConfigError
from tests.training.test_fit import Poison

EPOCH_METRICS = {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}


class RecordedRun:
    """Stands in for a W&B run and keeps what it is told."""

    def __init__(self, suggested: dict[str, Any]) -> None:
        self.config = RecordedConfig(suggested)
        self.summary: dict[str, Any] = {}
        self.rows: list[dict[str, Any]] = []
        self.exit_codes: list[int] = []
        self.disabled, self.resumed = True, False

    def log(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def finish(self, exit_code: int = 0) -> None:
        self.exit_codes.append(exit_code)


class RecordedConfig(dict[str, Any]):
    def update(self, values: dict[str, Any], allow_val_change: bool = False) -> None:  # type: ignore[override]
        assert allow_val_change or not self.keys() & values, "W&B refuses a second value"
        super().update(values)


@pytest.fixture
def places(fewer_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared data, no `.env`, and W&B's files in a folder of the test's own."""
    env_file = tmp_path / ".env"
    env_file.touch()
    for name, value in {"DATA_DIR": fewer_images.parent, "ENV_FILE": env_file, "WANDB_DIR": tmp_path}.items():
        monkeypatch.setenv(name, str(value))


def recorded(
    monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str] = (), suggested: dict[str, Any] | None = None
) -> RecordedRun:
    """Runs one trial as an agent's function does, and returns what it told its run."""
    run = RecordedRun(suggested or {})
    monkeypatch.setattr(wandb, "init", lambda **_: run)
    train(arguments)
    return run


@pytest.mark.usefixtures("places")
def test_a_trial_logs_every_epoch_and_the_test_set_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded(monkeypatch, ["--layer1_size=32", "--learning_rate=0.005", "--epochs=2", "--batch_size=50"])

    assert [set(row) for row in run.rows] == [EPOCH_METRICS, EPOCH_METRICS, {"test_loss", "test_accuracy"}]
    assert set().union(*run.rows) == set(LOGGED)  # by which sweep files are checked
    assert [row.get("epoch") for row in run.rows] == [1, 2, None]
    assert run.rows[1]["val_accuracy"] > 0.8
    assert run.rows[2]["test_accuracy"] > 0.8
    assert run.exit_codes == [0]
    assert "_cause" not in run.summary


@pytest.mark.usefixtures("places")
def test_a_run_records_all_that_decided_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded(monkeypatch, ["--layer1_size=8", "--epochs=1", "--batch_size=500"], {"seed": 3})

    provenance = run.config.pop("provenance")
    assert run.config == TrialConfig(layer1_size=8, epochs=1, batch_size=500, seed=3).model_dump()
    assert provenance["seed"] == 3
    assert provenance["code_sha256"] == reproduce.code_sha256()
    assert provenance["data_sha256"] == data.load(TrialConfig()).sha256
    assert provenance["packages"] == {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "wandb": wandb.__version__,
    }
    assert provenance["loop"] == "whole epochs"
    assert re.fullmatch("[0-9a-f]{64}", run.summary["weights_sha256"])
    assert {"git_commit", "git_dirty", "python", "threads", "device", "TF_ENABLE_ONEDNN_OPTS"} < provenance.keys()


@pytest.mark.usefixtures("places")
def test_a_run_whose_data_the_memory_does_not_take_twice_records_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "measure", lambda *_: Capacity(1, free_mib=4))

    run = recorded(monkeypatch, ["--layer1_size=8", "--epochs=1", "--batch_size=500"])

    assert run.config["provenance"]["loop"] == "batch by batch: its inputs take 7 MiB, more than 2"


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("arguments", "suggested", "cause"),
    [
        (["--optimizer=adamm"], {}, "`optimizer` is 'adamm'. Did you mean `adam`? Allowed: adam, rmsprop."),
        ([], {"optimizer": "adamm"}, "`optimizer` is 'adamm'. Did you mean `adam`? Allowed: adam, rmsprop."),
        (["adam"], {}, "`adam` is not a flag. Allowed: --name=value or --name value."),
        ([], {"layers": 2}, "unknown key `layers`. Did you mean `layer1_size`? Allowed: layer1_size, "),
    ],
)
def test_a_wrong_value_is_recorded_with_its_run(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], suggested: dict[str, Any], cause: str
) -> None:
    run = RecordedRun(suggested)
    monkeypatch.setattr(wandb, "init", lambda **_: run)

    with pytest.raises(ConfigError):
        train(arguments)

    assert run.summary["_cause"].startswith(cause)
    assert run.exit_codes == [2]
    assert run.config.items() >= suggested.items()


@pytest.mark.usefixtures("places")
def test_what_a_sweep_suggests_counts_before_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    run = RecordedRun({"epochs": 0, "_wandb": {}, "wandb_version": 1, "provenance": {}})
    monkeypatch.setattr(wandb, "init", lambda **_: run)

    with pytest.raises(ConfigError) as caught:
        train(["--epochs=1", "--seed=-1", "--provenance={}"])

    assert [line.split(".")[0] for line in caught.value.problems] == ["`epochs` is 0", "`seed` is -1"]


@pytest.mark.usefixtures("places")
def test_a_fault_in_the_users_model_is_the_runs_cause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(config: TrialConfig) -> keras.Model:
        raise RuntimeError("no\nsuch layer")

    monkeypatch.setattr(model, "build", build)
    run = RecordedRun({})
    monkeypatch.setattr(wandb, "init", lambda **_: run)

    with pytest.raises(RuntimeError):
        train()

    assert run.summary["_cause"] == "RuntimeError: no such layer"
    assert run.exit_codes == [1]
    assert 'raise RuntimeError("no\\nsuch layer")' in capsys.readouterr().err


@pytest.mark.usefixtures("places")
def test_a_users_model_that_cannot_be_imported_is_the_runs_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(app, "model")
    monkeypatch.setitem(sys.modules, "app.model", None)
    run = RecordedRun({})
    monkeypatch.setattr(wandb, "init", lambda **_: run)

    with pytest.raises(ImportError):
        train()

    assert "app.model" in run.summary["_cause"] or "'model' from 'app'" in run.summary["_cause"]
    assert run.exit_codes == [1]


def with_callback(monkeypatch: pytest.MonkeyPatch, callback: keras.callbacks.Callback) -> None:
    """Adds one to a trial's callbacks, as a user does."""
    own = callbacks.callbacks
    monkeypatch.setattr(callbacks, "callbacks", lambda config, run: [*own(config, run), callback])


@pytest.mark.usefixtures("places")
def test_a_loss_that_is_no_number_ends_a_trial_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with_callback(monkeypatch, Poison())
    run = RecordedRun({"epochs": 9, "layer1_size": 8, "batch_size": 500})
    monkeypatch.setattr(wandb, "init", lambda **_: run)

    with pytest.raises(fit.NotANumber):
        train()

    assert run.summary == {"_cause": "NaN metric: loss is nan in epoch 2"}
    assert run.exit_codes == [1]
    assert [row["epoch"] for row in run.rows] == [1]


@pytest.mark.usefixtures("places")
def test_a_trial_may_be_told_to_go_on_with_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    with_callback(monkeypatch, Poison())
    monkeypatch.setenv("STOP_ON_NAN", "0")

    run = recorded(monkeypatch, ["--epochs=2", "--layer1_size=8", "--batch_size=500"])

    assert np.isnan(run.rows[1]["val_loss"])
    assert run.exit_codes == [0]


class Clockwork(keras.callbacks.Callback):
    """Turns a file's time back at the start of each epoch, and keeps what it was."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.times_s: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.times_s.append(self.path.stat().st_mtime)
        os.utime(self.path, (0, 0))


@pytest.mark.usefixtures("places")
def test_a_trial_renews_its_progress_file_while_it_gets_ahead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clockwork = Clockwork(tmp_path / "progress")
    clockwork.path.touch()
    os.utime(clockwork.path, (0, 0))
    with_callback(monkeypatch, clockwork)
    monkeypatch.setenv("TRIAL_PROGRESS_FILE", str(clockwork.path))

    recorded(monkeypatch, ["--epochs=3", "--layer1_size=8", "--batch_size=500"])

    assert len(clockwork.times_s) == 3
    assert 0 not in clockwork.times_s


@pytest.mark.parametrize(
    ("error", "code", "cause"),
    [
        (KeyboardInterrupt(), 130, "interrupted (SIGINT)"),
        (SystemExit(), 0, "exit code 0"),
        (SystemExit(3), 3, "exit code 3"),
        (SystemExit("no\nGPU"), 1, "no GPU"),
        (MemoryError(), 1, "MemoryError: "),
        (ValueError("x" * 5000), 1, "ValueError: " + "x" * 988),
    ],
)
def test_every_ending_has_a_code_and_a_cause_of_one_line(error: BaseException, code: int, cause: str) -> None:
    assert ending(error) == (code, cause)


@pytest.mark.usefixtures("places")
def test_env_file_names_the_server_of_a_trial_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(f"WANDB_BASE_URL=http://127.0.0.1:9\nWANDB_API_KEY={'k' * 40}\n")
    monkeypatch.setenv("WANDB_API_KEY", "exported")
    for name in ("WANDB_BASE_URL", "WANDB_API_KEY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # taken back after the test
    asked: dict[str, Any] = {}

    def init(**options: Any) -> None:
        asked.update(options, url=os.environ["WANDB_BASE_URL"], key=os.environ["WANDB_API_KEY"])
        raise wandb.Error("enough")

    monkeypatch.setattr(wandb, "init", init)

    with pytest.raises(Exception, match="W&B did not start: enough"):
        train()

    assert asked == {
        "mode": None,
        "resume": None,
        "project": "wandb-sweep-practice",
        "url": "http://127.0.0.1:9",
        "key": "k" * 40,
    }
