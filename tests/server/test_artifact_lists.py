"""What is listed and found of artifacts, page by page and by every name, and the words where a question is wrong."""

import json
from typing import Any

import pytest

from tests.server.maker import Maker, refusal

PROJECT = """query ($type: String!, $name: String!, $filters: JSONString, $order: String, $first: Int, $after: String) {
    project(name: "p") {
        artifactTypes { edges { node { name createdAt } } }
        artifactType(name: $type) {
            artifactCollection(name: $name) { id name }
            artifactCollections(filters: $filters, order: $order, first: $first, after: $after) {
                totalCount pageInfo { endCursor hasNextPage } edges { node { name } } } }
        artifactCollections(order: $order) { totalCount }
        artifactCollection(name: $name) { artifacts(order: "+version_index") { edges { version } } }
        artifact(name: $name) { id } } }"""
VERSION = """query ($id: ID!, $client: ID!) {
    clientIDMapping(clientID: $client) { serverID }
    artifact(id: $id) {
        createdBy { ... on Run { name } } usedBy { edges { node { name } } } metadata historyStep commitHash
        artifactSequence { id latestArtifact { id } aliases { edges { node { alias } } } }
        artifactMemberships { edges { node { versionIndex artifactCollection { name } artifact { id } } } }
        files(names: ["b"]) { edges { node { name sizeBytes directUrl storagePath } } } } }"""
RUN = "outputArtifacts { edges { node { id } } } inputArtifacts { totalCount }"


@pytest.fixture
def maker(wb: Any) -> Maker:
    wb.begin("r")
    return Maker(wb)


def listed(maker: Maker, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = maker.wb.ask(PROJECT, **{"type": "dataset", "name": "data"} | asked)["project"]
    return found


def named(maker: Maker, name: str) -> str | None:
    """The id of what a name means."""
    document = 'query ($name: String!) { project(name: "p") { artifact(name: $name) { id } } }'
    found = maker.wb.ask(document, name=name)["project"]["artifact"]
    return found and str(found["id"])


def test_types_and_collections_are_listed_in_pages_and_in_order(maker: Maker) -> None:
    for name in ("data", "b", "a"):
        Maker(maker.wb, name).log({"a": b"1"})
    maker.log({"a": b"2"})

    page = listed(maker, order="+name", first=2)["artifactType"]["artifactCollections"]
    rest = listed(maker, order="+name", first=2, after=page["pageInfo"]["endCursor"])["artifactType"]

    assert [edge["node"]["name"] for edge in page["edges"]] == ["a", "b"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    assert [edge["node"]["name"] for edge in rest["artifactCollections"]["edges"]] == ["data"]
    found = listed(maker)
    assert [edge["node"]["name"] for edge in found["artifactTypes"]["edges"]] == ["dataset"]
    assert [edge["version"] for edge in found["artifactCollection"]["artifacts"]["edges"]] == ["v0", "v1"]
    assert (found["artifactCollections"]["totalCount"], found["artifactType"]["artifactCollection"]["name"]) == (
        3,
        "data",
    )
    assert listed(maker, type="none")["artifactType"] is None


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"name": "a"}, ["a"]),
        ({"name": {"$in": ["a", "c"]}}, ["a"]),
        ({"name": {"$regex": "^d"}, "tags": {"$exists": True}}, ["data"]),
        ({"$or": [{"type": "x"}, {"description": "none"}, {"updated_at": {"$lt": 0}}]}, []),
    ],
)
def test_collections_are_filtered(maker: Maker, filters: dict[str, Any], names: list[str]) -> None:
    for name in ("data", "a"):
        Maker(maker.wb, name).log({"a": b"1"})

    found = listed(maker, filters=json.dumps(filters))["artifactType"]["artifactCollections"]["edges"]

    assert [edge["node"]["name"] for edge in found] == names


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"filters": '{"size": 1}'}, "artifacts cannot be filtered or ordered by 'size'; allowed: name, type"),
        ({"filters": '{"name": {"$near": 1}}'}, "unknown operator '$near'; allowed"),
        ({"order": "+size"}, "artifacts cannot be filtered or ordered by 'size'; allowed: name"),
    ],
)
def test_a_filter_or_order_that_is_not_known_is_refused(maker: Maker, asked: dict[str, str], message: str) -> None:
    maker.log({"a": b"1"})

    assert message in refusal(maker.wb.post(PROJECT, type="dataset", name="data", **asked))


@pytest.mark.parametrize(
    ("filters", "order", "versions"),
    [
        ({"state": "COMMITTED"}, None, ["v2", "v1", "v0"]),
        ({"state": "PENDING"}, None, []),
        ({"tags": "good"}, None, ["v1"]),
        ({"aliases": "latest"}, None, ["v2"]),
        ({"version_index": {"$lt": 2}}, "+created_at,+versionIndex", ["v0", "v1"]),
        ({"description": "second", "digest": {"$ne": ""}, "updated_at": {"$gt": 0}}, None, ["v1"]),
    ],
)
def test_versions_are_filtered_and_ordered(
    maker: Maker, filters: dict[str, Any], order: str | None, versions: list[str]
) -> None:
    for text, tags in (("first", []), ("second", [{"tagName": "good"}]), ("third", [])):
        maker.log({"a": text.encode()}, description=text, tags=tags)

    assert filtered(maker, filters, order) == versions


def test_a_filter_of_versions_that_is_not_known_is_refused(maker: Maker) -> None:
    maker.log({"a": b"1"})

    with pytest.raises(AssertionError, match="versions cannot be filtered or ordered by 'size'; allowed: state, "):
        filtered(maker, {"size": 1}, None)


def filtered(maker: Maker, filters: dict[str, Any], order: str | None) -> list[str]:
    document = """query ($filters: JSONString, $order: String) { project(name: "p") {
        artifactCollection(name: "data") { artifacts(filters: $filters, order: $order) { edges { version } } } } }"""
    found = maker.wb.ask(document, filters=json.dumps(filters), order=order)["project"]["artifactCollection"]
    return [edge["version"] for edge in found["artifacts"]["edges"]]


def test_a_version_is_found_by_each_of_its_names(maker: Maker) -> None:
    first, second = maker.log({"a": b"1"}), maker.log({"a": b"2"})
    digest = (maker.read(first) or {})["digest"]

    assert named(maker, "data") == named(maker, "data:latest") == named(maker, "data:v1") == second
    assert named(maker, f"data:{digest}") == named(maker, "data:v0") == first
    assert [named(maker, name) for name in ("data:v2", "data:none", "none:v0", "data:v01")] == [None] * 4


@pytest.mark.parametrize("id", ["", "no base64", "UnVuOnYxOjE=", "QXJ0aWZhY3Q6djE6eA==", "QXJ0aWZhY3Q6djE6OTk5"])
def test_what_is_no_id_of_an_artifact_finds_nothing(maker: Maker, id: str) -> None:
    assert maker.read(id) is None
    assert maker.wb.ask("query ($id: ID!) { artifactCollection(id: $id) { id } }", id=id) == {
        "artifactCollection": None
    }
    assert "there is no artifact with the id" in refusal(maker.delete(id))


def test_a_version_tells_of_its_run_its_places_and_its_files(maker: Maker) -> None:
    told = {"runName": "r", "clientID": "c" * 128, "metadata": '{"a": 1}', "historyStep": 3}
    id = maker.log({"a": b"1", "b": b"22"}, **told)

    found = maker.wb.ask(VERSION, id=id, client="c" * 128)

    assert found["clientIDMapping"] == {"serverID": id}
    version = found["artifact"]
    assert (version["createdBy"], version["usedBy"]["edges"]) == ({"name": "r"}, [])
    assert (version["metadata"], version["historyStep"]) == ('{"a": 1}', 3)
    assert version["artifactSequence"]["latestArtifact"] == {"id": id}
    place = {"versionIndex": 0, "artifactCollection": {"name": "data"}, "artifact": {"id": id}}
    assert version["artifactMemberships"]["edges"] == [{"node": place}]
    (file,) = version["files"]["edges"]
    assert (file["node"]["name"], file["node"]["sizeBytes"]) == ("b", 2)
    assert maker.wb.http.get(file["node"]["directUrl"]).content == b"22"
    assert maker.wb.ask(VERSION, id=id, client="unknown")["clientIDMapping"] is None


def test_a_run_lists_what_it_made_once_it_is_committed(maker: Maker) -> None:
    maker.begin(runName="r")
    id = maker.log({"a": b"1"}, runName="r")

    found = maker.wb.ask(f'{{ project(name: "p") {{ run(name: "r") {{ {RUN} }} }} }}')["project"]["run"]

    assert found == {"outputArtifacts": {"edges": [{"node": {"id": id}}]}, "inputArtifacts": {"totalCount": 0}}


def test_the_manifest_that_is_read_leaves_out_the_users_own_paths(maker: Maker) -> None:
    id = maker.begin()["id"]
    far = {"digest": "etag", "ref": "s3://bucket/key", "size": 3, "extra": {"etag": "e"}, "local_path": "/home/me/x"}
    maker.describe(id, {"far": far})
    assert maker.commit(id).status_code == 200

    manifest = maker.wb.http.get((maker.read(id) or {})["currentManifest"]["file"]["directUrl"]).json()

    kept = {"digest": "etag", "size": 3, "ref": "s3://bucket/key", "extra": {"etag": "e"}}
    assert manifest["contents"] == {"far": kept}
    assert manifest["storagePolicyConfig"] == {"storageLayout": "V2"}
