"""W&B's Keras callbacks that write artifacts, unchanged, in the trials of a sweep, which are started warm."""

import subprocess
from pathlib import Path

import pytest

from app import trial
from tests.app import late_imports
from tests.patience import HANG_S
from tests.server.real_client import WANDB, cli
from tests.server.real_server import RunningServer

TRIAL = """
import keras, numpy as np, wandb
from wandb.integration.keras import WandbEvalCallback, WandbModelCheckpoint

class Evaluation(WandbEvalCallback):
    def __init__(self):
        super().__init__(["index"], ["epoch", "index", "predicted"])

    def add_ground_truth(self, logs=None):
        for index in range(3):
            self.data_table.add_data(index)

    def add_model_predictions(self, epoch, logs=None):
        for index in self.data_table_ref.get_index():
            self.pred_table.add_data(epoch, self.data_table_ref.data[index][0], 0.5)

with wandb.init() as run:
    x = np.zeros((8, 2), "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(run.config.units), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    checkpoint = WandbModelCheckpoint("models/model.keras", save_freq="epoch")
    model.fit(x, x[:, 0], epochs=2, verbose=0, callbacks=[checkpoint, Evaluation()])
    run.log({"whole": 1, "image": wandb.Image(np.zeros((2, 2), "uint8"))})
"""
SWEEP = """
program: trial.py
command: ["${env}", "${interpreter}", -I, -S, PARENT, LATE_IMPORTS, late, "${program}", "${args}"]
method: grid
metric: {name: whole, goal: maximize}
parameters:
  units: {values: [2, 3]}
"""


@pytest.mark.slow
@pytest.mark.feature("WandbModelCheckpoint, WandbEvalCallback")
def test_checkpoints_and_evaluations_of_a_sweeps_trials_are_kept_and_their_modules_were_there_already(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_environment: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where the client puts what it downloads
    (tmp_path / "trial.py").write_text(TRIAL)
    (tmp_path / "sweep.yaml").write_text(
        SWEEP.replace("PARENT", trial.__file__).replace("LATE_IMPORTS", late_imports.__file__)
    )
    path = cli(server, tmp_path, "sweep", "--project", "keras", "sweep.yaml").split("wandb agent ")[1].split()[0]

    environment = warm_environment | {**server.env(tmp_path), "HOME": warm_environment["HOME"]}
    subprocess.run([WANDB, "agent", path], cwd=tmp_path, env=environment, check=True, timeout=HANG_S)

    api = server.api()
    runs = list(api.sweep(path).runs)
    assert (tmp_path / "late").read_text() == "", (tmp_path / "late").read_text()
    assert [(run.state, run.summary.get("whole")) for run in runs] == [("finished", 1)] * 2
    for run in runs:
        logged = {(each.type, each.name): each for each in run.logged_artifacts()}
        assert {("model", f"run_{run.id}_model:v{epoch}") for epoch in (0, 1)} <= set(logged)
        assert set(logged["model", f"run_{run.id}_model:v1"].aliases) == {"latest", "epoch_1"}
        predicted = logged["evaluation", f"run_{run.id}_pred:v1"].get("eval_data")
        assert [row[0] for row in predicted.data] == [1, 1, 1]
        assert [each.type for each in run.used_artifacts()] == ["dataset"]
