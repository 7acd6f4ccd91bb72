"""Which of a sweep's models is the best, whatever order its trials end in; no model is trained here."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.commands import best
from tests.app.programs import ROOT
from tests.server.real_client import script
from tests.server.real_server import RunningServer

TRIALS = """
import json, pathlib, threading, wandb
from app.training import best_model, kept_model

SWEEP = {
    "method": "random",
    "metric": {"name": "score", "goal": "minimize"},
    "parameters": {"x": {"values": [1]}},
}

def started(sweep, id, score):
    settings = wandb.Settings(sweep_id=sweep)
    run = wandb.init(project="kept", id=id, reinit="create_new", settings=settings)
    run.log({"score": score})
    return run

def keep(run):
    path = pathlib.Path(run.dir) / "model.keras"
    path.write_text(run.id)
    kept_model.keep(path, run)

def ended(sweep, id, score):
    with started(sweep, id, score) as run:
        keep(run)

def best():
    return api.artifact(f"kept/model-{sweep}:best").metadata["run"]

sweep, api, said = wandb.sweep(SWEEP, project="kept"), wandb.Api(), {}
ended(sweep, "no-number", float("nan"))
said["after NaN"] = api.artifact_exists(f"kept/model-{sweep}:best")

racing = [started(sweep, f"racing-{score}", score) for score in (5, 3, 1, 2, 4)]
threads = [threading.Thread(target=keep, args=[run]) for run in racing]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
said["of five at once"] = best()

class Early(wandb.Api):
    '''Looks for the first time before the others' models are there, and gives the alias away after they all have.'''

    looks = [[each for each in api.artifacts("model", f"kept/model-{sweep}") if each.metadata["run"] == "racing-5"]]

    def artifacts(self, *which):
        return self.looks.pop() if self.looks else super().artifacts(*which)

wandb.Api = Early
best_model.settle(racing[0], {"score": 5})
said["given away late"] = best()
wandb.Api = Early.__base__
for run in racing:
    run.finish()

ended(sweep, "as-good", 1)
said["of equals"] = best()
failing = started(sweep, "failing", 0.25)
metadata = {"run": "failing", "metrics": {"score": 0.25}}
failing.log_artifact(wandb.Artifact(f"model-{sweep}", "model", metadata=metadata)).wait()
failing.finish(exit_code=1)
ended(sweep, "better", 0.5)
said["at the end"] = best()

refusing = wandb.sweep(SWEEP, project="kept")
with started(refusing, "refused", 1) as run:
    run.log_artifact(wandb.Artifact(f"model-{refusing}", "text")).wait()
    keep(run)
print("\\n" + json.dumps(said | {"sweep": sweep, "refusing": refusing}))
"""


@pytest.fixture(scope="module")
def stdout(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return script(server, tmp_path_factory.mktemp("kept"), TRIALS, plain=True, PYTHONPATH=str(ROOT))


@pytest.fixture(scope="module")
def said(stdout: str) -> dict[str, Any]:
    return dict(json.loads(stdout.splitlines()[-1]))


def test_the_best_of_trials_that_end_at_once_is_the_best(said: dict[str, Any]) -> None:
    assert said["of five at once"] == "racing-1"


def test_a_trial_that_gave_the_alias_away_late_looks_again_and_mends_it(said: dict[str, Any]) -> None:
    assert said["given away late"] == "racing-1"


def test_a_better_model_becomes_the_best_and_an_equal_one_does_not(said: dict[str, Any]) -> None:
    assert said["of equals"] == "racing-1"
    assert said["at the end"] == "better"


def test_no_model_of_a_run_whose_metric_is_no_number_or_that_failed_is_the_best(said: dict[str, Any]) -> None:
    assert said["after NaN"] is False
    assert said["at the end"] == "better"  # than any but the failed one


def test_the_best_says_of_what_metric(said: dict[str, Any], server: RunningServer) -> None:
    version = server.api().artifact(f"local/kept/model-{said['sweep']}:best")

    assert version.metadata["best_by"] == {"name": "score", "goal": "minimize"}
    assert version.metadata["metrics"] == {"score": 0.5}


def test_a_model_is_fetched_anew_over_another_file_of_its_size(
    said: dict[str, Any], server: RunningServer, tmp_path: Path
) -> None:
    (tmp_path / "model.keras").write_text("BETTER")

    model = best.fetch(server.api().run("local/kept/better"), said["sweep"], tmp_path)

    assert model.read_text() == "better"


def test_a_model_that_is_refused_as_an_artifact_is_kept_as_a_file_of_its_run_and_fetched_from_there(
    stdout: str, said: dict[str, Any], server: RunningServer, tmp_path: Path
) -> None:
    run = server.api().run("local/kept/refused")

    model = best.fetch(run, said["refusing"], tmp_path)

    assert model.read_text() == "refused"
    assert "The model is kept as a file of the run, not as an artifact: ValueError: " in stdout
