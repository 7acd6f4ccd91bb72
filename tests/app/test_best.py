"""The best run of a sweep: which it is, its model, and the way to make it again."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import click
import pytest
from wandb.sdk.lib.service.service_connection import WandbApiFailedError

from app.commands import best
from app.commands.best import Measured
from app.commands.results import Results, RunResult
from app.settings import SettingError
from tests.app.programs import Trained


def run(number: int, state: str = "finished", metric: float | None = None) -> RunResult:
    return RunResult(f"r{number}", f"trial {number}", state, {"size": number}, metric=metric)


def results(*runs: RunResult, metric: str | None = "val_loss", maximize: bool = False) -> Results:
    return Results("me/p/s", "grid #1", "http://x", "RUNNING", metric, maximize, 4, runs)


def test_each_run_keeps_its_model_as_a_version_of_its_sweeps_artifact_and_nothing_twice(trained: Trained) -> None:
    runs = trained.runs()

    logged = [version for run in runs for version in run.logged_artifacts()]
    sweep = runs[0].sweep.id
    assert sorted(version.name for version in logged) == [f"model-{sweep}:v0", f"model-{sweep}:v1"]
    assert {version.type for version in logged} == {"model"}
    for run, version in zip(runs, logged, strict=True):
        assert list(version.manifest.entries) == ["model.keras"]
        assert version.metadata["run"] == run.id
        for name in ("val_accuracy", "test_accuracy"):
            assert version.metadata["metrics"][name] == run.summary[name]
        assert "model.keras" not in [file.name for file in run.files()]


@pytest.mark.feature("a trial's model: a version of its sweep's artifact, best and latest")
def test_the_best_run_of_a_sweep_has_the_alias_and_the_last_one_is_the_latest(trained: Trained) -> None:
    runs = trained.runs()
    chosen = max(runs, key=lambda run: run.summary["val_accuracy"])

    aliases = {run.id: set(version.aliases) - {"latest"} for run in runs for version in run.logged_artifacts()}
    newest = trained.server.api().artifact(f"local/wandb-sweep-practice/model-{chosen.sweep.id}:latest")
    assert aliases == {run.id: {"best"} if run.id == chosen.id else set() for run in runs}
    assert newest.version == "v1"


def test_a_sweep_that_is_not_there_is_named_with_the_nearest(trained: Trained) -> None:
    code, output = trained.workplace.run("best", "smalll")

    assert code == 2
    assert re.search(r"local/wandb-sweep-practice has no sweep smalll\. Did you mean \w+ \(small #\w+\)\?", output)


def test_only_a_finished_run_with_the_metric_can_be_the_best() -> None:
    found = results(run(1, metric=0.5), run(2, "crashed", 0.1), run(3), run(4, metric=0.3), run(5, "killed", 0.2))

    assert best.choose(found).id == "r4"
    with pytest.raises(SettingError, match="has no finished run with a val_loss: 0 of 4 runs finished"):
        best.choose(results(run(1, "failed", 0.1)))
    with pytest.raises(SettingError, match="names no metric"):
        best.choose(results(run(1, metric=0.5), metric=None))


def test_metrics_that_are_not_the_same_are_told_with_every_digit_and_other_data_too() -> None:
    measured = Measured({"test_loss": (0.5, 0.5), "test_accuracy": (0.75, 0.7500000000000001)}, (None, "a1"))

    assert not measured.same
    assert measured.lines() == [
        "test_loss 0.500000, the same as then",
        "test_accuracy 0.75 then, 0.7500000000000001 now",
        "The data is not the same: SHA-256 None then, a1 now.",
    ]


def test_a_backend_without_artifacts_is_asked_for_the_file(tmp_path: Path) -> None:
    def refuse() -> list[Any]:
        raise WandbApiFailedError("Cannot query field 'outputArtifacts' on type 'Run'")

    def download(root: str, replace: bool) -> IO[str]:
        (Path(root) / "model.keras").write_text("kept")
        return (Path(root) / "model.keras").open()

    file = SimpleNamespace(size=4, download=download)
    older = SimpleNamespace(logged_artifacts=refuse, files=lambda names: [file])

    assert best.fetch(older, "s", tmp_path / "best").read_text() == "kept"


def test_a_run_that_kept_no_model_says_how_to_make_it_again(tmp_path: Any) -> None:
    without = SimpleNamespace(
        name="trial 1",
        config={"epochs": 1},
        logged_artifacts=lambda: [],
        files=lambda names: [SimpleNamespace(size=0)],
    )

    with pytest.raises(click.ClickException) as caught:
        best.fetch(without, "s", tmp_path / "best")

    assert "KEEP_WEIGHTS=0" in caught.value.message
    assert caught.value.message.endswith("python -m app.train --epochs=1")
    assert not (tmp_path / "best").exists()
