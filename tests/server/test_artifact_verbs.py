"""What else of the unmodified client makes artifacts: tables, code, several writers, offline runs, the command line."""

from pathlib import Path
from typing import Any

import pytest

from tests.server import hanging
from tests.server.real_client import cli, python, script, start
from tests.server.real_server import RunningServer
from tests.server.test_artifacts import said

VERBS = """
import json, pathlib, wandb

def text_artifact(name, **texts):
    artifact = wandb.Artifact(name, "text")
    for path, text in texts.items():
        with artifact.new_file(path) as file:
            file.write(text)
    return artifact

def read(artifact):
    root = pathlib.Path(artifact.download())
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}

said, api = {}, wandb.Api()
pathlib.Path("main.py").write_text("print(1)")
with wandb.init(project="verbs", id="writer", group="together") as run:
    run.log({"t": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])})
    table = wandb.Artifact("tables", "table")
    table.add(wandb.Table(columns=["a"], data=[[7]]), "t")
    run.log_artifact(table).wait()
    said["code"] = run.log_code(".", name="code").wait().type
    run.log_artifact(text_artifact("grows", a="1")).wait()
    draft = wandb.Artifact("grows", "text", incremental=True)
    with draft.new_file("b") as file:
        file.write("2")
    said["increment"] = read(run.log_artifact(draft).wait())
    draft = api.artifact("verbs/grows:latest").new_draft()
    draft.remove("a")
    said["draft"] = read(run.log_artifact(draft).wait())
    reference = wandb.Artifact("refers", "text")
    reference.add_reference(api.artifact("verbs/grows:v0").get_entry("a"), "there")
    reference.add_reference("https://bucket.invalid/key", "far", checksum=False)
    run.log_artifact(reference).wait()
    said["far"] = api.artifact("verbs/refers:v0").get_entry("far").ref
    said["there"] = pathlib.Path(api.artifact("verbs/refers:v0").get_entry("there").download()).read_text()
    used = run.use_artifact(text_artifact("drafted", a="used"))
    said["drafted"] = [used.wait().version, used.logged_by()]
    for part in ("x", "y"):
        run.upsert_artifact(text_artifact("parts", **{part: part}), distributed_id="d")
    said["unfinished"] = api.artifact_exists("verbs/parts:latest")
    said["parts"] = read(run.finish_artifact(text_artifact("parts", z="z"), distributed_id="d").wait())
said["table"] = api.artifact("verbs/tables:latest").get("t").data
logged = api.artifact("verbs/run-writer-t:latest")
said["logged table"] = [logged.type, logged.get("t").data]
said["used"] = [each.name for each in api.run("verbs/writer").used_artifacts()]
print(json.dumps(said))
"""
MANY = """
import sys, wandb
with wandb.init(project="many") as run:
    for number in range(2):
        artifact = wandb.Artifact("raced", "text")
        with artifact.new_file("a") as file:
            file.write(f"{sys.argv[1]} {number}")
        run.log_artifact(artifact, aliases=[sys.argv[1]]).wait()
    alike = wandb.Artifact("alike", "text")
    with alike.new_file("a") as file:
        file.write("the same")
    assert run.log_artifact(alike, aliases=[sys.argv[1]]).wait().version == "v0"
"""
OFFLINE = """
import wandb
with wandb.init(project="offline", id="away", mode="offline") as run:
    artifact = wandb.Artifact("made", "text")
    with artifact.new_file("a") as file:
        file.write("offline")
    run.log_artifact(artifact)
"""


@pytest.fixture(scope="module")
def verbs(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return said(script(server, tmp_path_factory.mktemp("verbs"), VERBS))


@pytest.mark.feature("get of a table")
def test_tables_are_read_back_from_artifacts(verbs: dict[str, Any]) -> None:
    assert verbs["table"] == [[7]]
    assert verbs["logged table"] == ["run_table", [[1, "x"], [2, "y"]]]


@pytest.mark.feature("log_code")
def test_code_is_logged(verbs: dict[str, Any]) -> None:
    assert verbs["code"] == "code"


@pytest.mark.feature("incremental, new_draft")
def test_an_increment_stands_on_the_latest_version_and_a_draft_on_its_own(verbs: dict[str, Any]) -> None:
    assert verbs["increment"] == {"a": "1", "b": "2"}
    assert verbs["draft"] == {"b": "2"}


@pytest.mark.feature("references: http(s)://, s3://, into other artifacts")
def test_references_lead_into_other_artifacts_and_elsewhere(verbs: dict[str, Any]) -> None:
    assert (verbs["there"], verbs["far"]) == ("1", "https://bucket.invalid/key")


@pytest.mark.feature("an artifact that is used before it is logged")
def test_a_draft_that_is_used_is_logged_by_nobody(verbs: dict[str, Any]) -> None:
    assert verbs["drafted"] == ["v0", None]
    assert verbs["used"] == ["drafted:v0"]


@pytest.mark.feature("upsert_artifact, finish_artifact")
def test_what_several_write_together_is_one_version_when_it_is_finished(verbs: dict[str, Any]) -> None:
    assert verbs["unfinished"] is False
    assert verbs["parts"] == {"x": "x", "y": "y", "z": "z"}


def test_versions_that_are_logged_at_once_have_numbers_without_a_gap(server: RunningServer, tmp_path: Path) -> None:
    names = ("one", "two", "three")
    for name in names:
        (tmp_path / name).mkdir()
    writers = [start(server, tmp_path / name, *python(), "-c", MANY, name) for name in names]

    for writer, name in zip(writers, names, strict=True):
        stderr = hanging.output(writer, tmp_path / name)[1]
        assert writer.returncode == 0, stderr

    found = list(server.api().artifacts("text", "local/many/raced"))
    assert [each.version for each in found] == ["v5", "v4", "v3", "v2", "v1", "v0"]
    assert "latest" in found[0].aliases
    assert sorted(alias for each in found for alias in each.aliases) == ["latest", *sorted(names)]
    (alike,) = server.api().artifacts("text", "local/many/alike")
    assert sorted(alike.aliases) == ["latest", *sorted(names)]


@pytest.mark.slow
@pytest.mark.feature("offline runs with artifacts")
def test_an_offline_run_brings_its_artifacts_once_however_often_it_is_synced(
    server: RunningServer, tmp_path: Path
) -> None:
    script(server, tmp_path, OFFLINE)
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")

    for _ in range(2):
        cli(server, tmp_path, "sync", str(folder))
        for mark in folder.glob("*.synced"):
            mark.unlink()

    assert [each.version for each in server.api().artifacts("text", "local/offline/made")] == ["v0"]
    assert [each.name for each in server.api().run("local/offline/away").logged_artifacts()] == ["made:v0"]


@pytest.mark.slow
@pytest.mark.feature("wandb artifact put, get, ls")
def test_the_command_line_puts_lists_and_gets(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("by hand")

    cli(server, tmp_path, "artifact", "put", "--name", "hand/put", "--type", "text", "file.txt")
    listed = cli(server, tmp_path, "artifact", "ls", "local/hand")
    cli(server, tmp_path, "artifact", "get", "--root", "got", "local/hand/put:latest")

    assert "put:v0" in listed
    assert (tmp_path / "got" / "file.txt").read_text() == "by hand"
