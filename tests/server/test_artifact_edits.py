"""Versions and collections edited, linked and deleted through the unmodified client's `Api`."""

from typing import Any

import pytest

from tests.server.real_client import script
from tests.server.real_server import RunningServer
from tests.server.test_artifacts import said

EDIT = """
import json, time, wandb
from datetime import timedelta

def logged(run, text, name="model", type="model"):
    artifact = wandb.Artifact(name, type)
    with artifact.new_file("weights.txt") as file:
        file.write(text)
    return run.log_artifact(artifact).wait()

def refused(act):
    try:
        act()
    except Exception as error:
        return f"{error} {error.__cause__ or ''}"

def names(artifact):
    return sorted(artifact.aliases)

said, api = {}, wandb.Api()
with wandb.init(project="edits", id="maker") as run:
    for text in "abcd":
        logged(run, text)
    linked = run.link_artifact(api.artifact("edits/model:v1"), "shelf/chosen", aliases=["good"])
    said["linked"] = [linked.name, names(linked), linked.is_link]
    again = run.link_artifact(api.artifact("edits/model:v1"), "shelf/chosen")
    run.link_artifact(api.artifact("edits/model:v2"), "shelf/chosen")
    run.log_model("made.txt", name="trained") if open("made.txt", "w").write("m") else None
    run.link_model("made.txt", "registered")
    said["model"] = open(run.use_model("trained:latest")).read()
said["linked again"] = again.version
said["portfolio"] = [[each.name, names(each)] for each in api.artifacts("model", "shelf/chosen")]
said["source"] = [api.artifact("shelf/chosen:v0").source_name, len(api.artifact("edits/model:v1").linked_artifacts)]
said["registered"] = api.artifact("model-registry/registered:latest").type

version = api.artifact("edits/model:v0")
version.aliases += ["first", "moved"]
version.description, version.metadata, version.tags = "text", {"acc": 0.5}, ["one", "two"]
version.ttl = timedelta(days=2)
version.save()
version = api.artifact("edits/model:first")
said["edited"] = [version.version, names(version), version.description, version.metadata, sorted(version.tags)]
said["ttl"] = version.ttl.total_seconds()
other = api.artifact("edits/model:v1")
other.aliases.append("moved")
other.save()
said["moved"] = [names(api.artifact(f"edits/model:{name}")) for name in ("v0", "v1")]
version = api.artifact("edits/model:v0")
version.aliases.remove("first")
version.tags = ["two"]
version.ttl = None
version.save()
version = api.artifact("edits/model:v0")
said["taken away"] = [names(version), version.tags, version.ttl]
said["number as alias"] = refused(lambda: (version.aliases.append("v7"), version.save()))

said["with alias"] = refused(lambda: api.artifact("edits/model:v3").delete())
api.artifact("edits/model:v3").delete(delete_aliases=True)
said["deleted"] = [api.artifact_exists("edits/model:v3"), api.artifact("edits/model:latest").version]
with wandb.init(project="edits", id="later") as run:
    said["never again"] = logged(run, "d").version

api.artifact("shelf/chosen:v0").unlink()
said["unlinked"] = [each.name for each in api.artifacts("model", "shelf/chosen")]
said["still there"] = api.artifact("edits/model:v1").state

collection = api.artifact_collection("model", "edits/model")
collection.name, collection.description, collection.tags, collection.type = "renamed", "about", ["t"], "weights"
collection.save()
collection = api.artifact_collection("weights", "edits/renamed")
said["collection"] = [collection.name, collection.description, collection.tags, collection.type]
said["renamed"] = api.artifact("edits/renamed:v0", type="weights").name
collection.delete()
said["gone"] = [api.artifact_exists("edits/renamed:v0"), [len(list(api.artifacts("model", "shelf/chosen")))]]
said["maker"] = [each.name for each in api.run("edits/maker").logged_artifacts()]
api.run("edits/maker").delete(delete_artifacts=True)
said["with its run"] = api.artifact_exists("edits/trained:v0")
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def edits(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return said(script(server, tmp_path_factory.mktemp("edits"), EDIT))


@pytest.mark.feature("save: aliases, tags, description, metadata, TTL")
def test_a_version_takes_aliases_tags_description_metadata_and_ttl(edits: dict[str, Any]) -> None:
    assert edits["edited"] == ["v0", ["first", "moved"], "text", {"acc": 0.5}, ["one", "two"]]
    assert edits["ttl"] == 2 * 24 * 3600
    assert edits["taken away"] == [[], ["two"], None]


@pytest.mark.feature("save: aliases, tags, description, metadata, TTL")
def test_an_alias_names_one_version_at_a_time(edits: dict[str, Any]) -> None:
    assert edits["moved"] == [["first"], ["moved"]]
    assert "it is how a version's own number is written" in edits["number as alias"]


@pytest.mark.feature("delete, with aliases and without")
def test_a_version_with_aliases_is_deleted_with_them_or_not_at_all(edits: dict[str, Any]) -> None:
    assert "this version has the aliases latest" in edits["with alias"]
    assert edits["deleted"] == [False, "v2"]


def test_a_deleted_versions_number_is_never_another_ones(edits: dict[str, Any]) -> None:
    assert edits["never again"] == "v4"


@pytest.mark.feature("link, unlink, linked_artifacts")
def test_a_link_has_its_own_number_and_aliases(edits: dict[str, Any]) -> None:
    assert edits["linked"] == ["chosen:v0", ["good", "latest"], True]
    assert edits["linked again"] == "v0"
    assert edits["portfolio"] == [["chosen:v1", ["latest"]], ["chosen:v0", ["good"]]]
    assert edits["source"] == ["model:v1", 1]
    assert (edits["unlinked"], edits["still there"]) == (["chosen:v1"], "COMMITTED")


@pytest.mark.feature("log_model, use_model, link_model")
def test_models_are_logged_used_and_linked(edits: dict[str, Any]) -> None:
    assert (edits["model"], edits["registered"]) == ("m", "model")


@pytest.mark.feature("collections: name, type, description, tags, delete")
def test_a_collection_is_renamed_retyped_tagged_and_deleted_with_its_links(edits: dict[str, Any]) -> None:
    assert edits["collection"] == ["renamed", "about", ["t"], "weights"]
    assert edits["renamed"] == "renamed:v0"
    assert edits["gone"] == [False, [0]]


@pytest.mark.feature("Run.delete(delete_artifacts=)")
def test_a_run_is_deleted_with_what_it_made_if_asked(edits: dict[str, Any]) -> None:
    assert "trained:v0" in edits["maker"]
    assert edits["with its run"] is False
