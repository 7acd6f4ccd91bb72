"""What programs do with runs through the unmodified client beside logging numbers, and find again through its Api."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.real_client import cli, script
from tests.server.real_server import RunningServer

PROGRAM = """
import json, sys, wandb
from wandb.apis.public import Run

said, api = {}, wandb.Api()
sys.path.append(".")
quiet = {"silent": True}
with wandb.init(project="verbs2", id="metrics", config={"lr": 1}, settings=quiet) as run:
    run.define_metric("loss", summary="min")
    run.define_metric("val/*", step_metric="epoch")
    for epoch, loss in enumerate([3, 1, 2]):
        run.log({"loss": loss, "val/acc": -loss, "epoch": epoch})
    run.config.update({"lr": 2}, allow_val_change=True)
    run.summary["mine"] = "s"
    run.write_logs("a line of its own")
    run.log({"html": wandb.Html("<b>x</b>"), "points": wandb.Object3D(__import__("numpy").zeros((4, 3)))})
    run.log({"line": wandb.plot.line(wandb.Table(columns=["x", "y"], data=[[1, 2]]), "x", "y")})
    open("a.gif", "wb").write(b"GIF89a")
    run.log({"video": wandb.Video("a.gif")})
found = api.run("verbs2/metrics")
said["summary"] = {name: dict(value) if name == "loss" else value for name, value in found.summary.items()
                   if name in ("loss", "mine", "val/acc")}
said["config"] = dict(found.config)
said["console"] = [line.content for line in found.console_logs()]
said["media"] = sorted({name.split("/")[1] for name in (file.name for file in found.files()) if "media/" in name})
said["measured"] = [any(name.startswith("system.") for name in found.system_metrics), found.metadata["python"][:7]]
said["last"] = found.lastHistoryStep
said["scanned"] = [row["loss"] for row in found.beta_scan_history() if "loss" in row]
try:
    found.download_history_exports("exports")
except Exception as error:
    said["exported"] = type(error).__name__
said["by name"] = api.from_path("local/verbs2/metrics").id

one = wandb.init(project="verbs2", id="one", reinit="create_new", settings=quiet)
two = wandb.init(project="verbs2", id="two", reinit="create_new", settings=quiet)
one.log({"x": 1}); two.log({"x": 2}); one.log({"x": 3})
two.finish(); one.finish()
said["at once"] = [[row["x"] for row in api.run(f"verbs2/{name}").scan_history()] for name in ("one", "two")]
first = wandb.init(project="verbs2", id="first", reinit="finish_previous", settings=quiet)
wandb.init(project="verbs2", id="second", reinit="finish_previous", settings=quiet).finish()
said["ended"] = api.run("verbs2/first").state

Run.create(api, "waiting", "verbs2", "local", state="pending").update_state("failed")
said["by hand"] = api.run("verbs2/waiting").state
open("up.txt", "w").write("kept")
found.upload_file("up.txt")
there = {file.name: file for file in api.run("verbs2/metrics").files()}
there["up.txt"].delete()
said["files"] = ["up.txt" in there, "up.txt" in {file.name for file in api.run("verbs2/metrics").files()}]
found.wait_until_finished()
said["who"] = [api.default_entity, api.viewer.username, api.user("local").username]
said["who"] += [user.name for user in api.users("local")]
said["team"] = api.team("local").name
with wandb.init(project="verbs2", id="off", mode="disabled") as run:
    run.log({"x": 1})
said["runs"] = sorted(run.id for run in api.runs("verbs2"))
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def verbs(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    said = script(server, tmp_path_factory.mktemp("verbs2"), PROGRAM)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


@pytest.mark.feature("run.define_metric")
def test_a_metric_is_summed_up_as_its_program_says(verbs: dict[str, Any]) -> None:
    assert verbs["summary"] == {"loss": {"min": 1}, "mine": "s", "val/acc": -2}


@pytest.mark.feature("run.config while the run goes on")
def test_a_config_can_be_changed_while_the_run_goes_on(verbs: dict[str, Any]) -> None:
    assert verbs["config"] == {"lr": 2}


@pytest.mark.feature("console, run.write_logs, system metrics, metadata")
def test_the_console_and_the_machine_of_a_run_are_read_back(verbs: dict[str, Any]) -> None:
    assert "a line of its own" in verbs["console"]
    assert verbs["measured"] == [True, "CPython"]
    assert verbs["last"] == 5


@pytest.mark.feature("beta_scan_history, download_history_exports")
def test_rows_are_read_one_by_one_and_never_exported_in_silence(verbs: dict[str, Any]) -> None:
    assert verbs["scanned"] == [3, 1, 2]
    assert verbs["exported"] == "IncompleteRunHistoryError"


@pytest.mark.feature("Html, Object3D, Video, wandb.plot")
def test_pages_points_films_and_plots_arrive(verbs: dict[str, Any]) -> None:
    assert verbs["media"] == ["html", "object3D", "table", "videos"]


@pytest.mark.feature("reinit: runs of one program at once, or one after the other")
def test_two_runs_of_one_program_go_on_at_once_or_one_after_the_other(verbs: dict[str, Any]) -> None:
    assert verbs["at once"] == [[1, 3], [2]]
    assert verbs["ended"] == "finished"


@pytest.mark.feature("Run.create, update_state")
def test_a_run_is_made_and_moved_by_hand(verbs: dict[str, Any]) -> None:
    assert verbs["by hand"] == "failed"


@pytest.mark.feature("upload_file, File.delete")
def test_a_file_is_added_to_a_run_and_taken_away(verbs: dict[str, Any]) -> None:
    assert verbs["files"] == [True, False]


@pytest.mark.feature("viewer, user, users, team")
def test_there_is_one_user_and_no_team(verbs: dict[str, Any]) -> None:
    assert verbs["who"] == ["local"] * 4
    assert verbs["team"] == "local"


@pytest.mark.feature('mode="disabled"')
def test_what_is_disabled_sends_nothing(verbs: dict[str, Any]) -> None:
    assert verbs["runs"] == ["first", "metrics", "one", "second", "two", "waiting"]
    assert verbs["by name"] == "metrics"


@pytest.mark.usefixtures("verbs")
@pytest.mark.feature("wandb pull")
def test_the_command_line_pulls_a_runs_files_and_its_settings(server: RunningServer, tmp_path: Path) -> None:
    cli(server, tmp_path, "pull", "local/verbs2/metrics")

    assert "lr:" in next(tmp_path.rglob("config.yaml")).read_text()
