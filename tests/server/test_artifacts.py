"""The whole way of artifacts through the unmodified client: logged by one run, used and read back by another."""

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.real_client import script
from tests.server.real_server import RunningServer

MAKE = """
import json, pathlib, wandb
folder = pathlib.Path("made")
(folder / "sub dir").mkdir(parents=True)
(folder / "a.txt").write_bytes(b"alpha")
(folder / "empty").write_bytes(b"")
(folder / "sub dir" / "ü #%x.bin").write_bytes(bytes(range(256)) * 400)
pathlib.Path("elsewhere.txt").write_text("not uploaded")

def whole():
    artifact = wandb.Artifact("data", "dataset", description="all of it", metadata={"rows": 3})
    artifact.add_dir("made")
    artifact.add_reference(f"file://{pathlib.Path('elsewhere.txt').absolute()}", name="ref/elsewhere.txt")
    return artifact

def told(artifact):
    return [artifact.version, sorted(artifact.aliases), artifact.id]

said = {}
with wandb.init(project="artifacts", id="maker") as run:
    first = run.log_artifact(whole(), aliases=["best"], tags=["small"]).wait()
    said["whole"] = [*told(first), first.state, first.size, first.file_count, first.digest, first.description]
    said["whole"] += [first.metadata, first.tags, first.ttl]
    said["again"] = told(run.log_artifact(whole(), aliases=["again"]).wait())
    part = wandb.Artifact("data", "dataset")
    part.add_file("made/a.txt")
    said["part"] = told(run.log_artifact(part).wait())
    said["old content"] = told(run.log_artifact(whole()).wait())
    try:
        run.log_artifact(wandb.Artifact("data", "model")).wait()
    except ValueError as error:
        said["other type"] = str(error)
print(json.dumps(said))
"""
TAKE = """
import hashlib, json, pathlib, sys, wandb
known = json.loads(sys.argv[1])
said = {}
with wandb.init(project="elsewhere", id="taker") as run:
    names = ["best", "v0", "latest", known["whole"][6]]
    found = [run.use_artifact(f"artifacts/data:{name}") for name in names]
    said["ids"] = [artifact.id for artifact in found]
    artifact = found[0]
    root = pathlib.Path(artifact.download(root="taken"))
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
    said["files"] = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    one = artifact.get_entry("sub dir/ü #%x.bin").download(root="one", skip_cache=True)
    said["one"] = hashlib.sha256(pathlib.Path(one).read_bytes()).hexdigest()
    artifact.verify("taken")
    said["listed"] = [[file.name, file.size] for file in artifact.files()]
    said["count"] = len(artifact.files())
    said["some"] = [file.name for file in artifact.files(names=["empty", "nothing"])]
    try:
        run.use_artifact("artifacts/data:v9")
    except Exception as error:
        said["missing"] = f"{type(error).__name__}: {error}"
api = wandb.Api()
said["url"] = api.artifact("artifacts/data:best").url
artifact = api.artifact("artifacts/data:best")
said["logged by"] = artifact.logged_by().id
said["used by"] = [run.id for run in artifact.used_by()]
said["logged"] = [each.name for each in api.run("artifacts/maker").logged_artifacts()]
said["used"] = [each.name for each in api.run("elsewhere/taker").used_artifacts()]
said["exists"] = [api.artifact_exists(name) for name in ("artifacts/data:v1", "artifacts/data:v7", "nowhere/data:v0")]
said["types"] = [type.name for type in api.artifact_types("artifacts")]
said["collections"] = [each.name for each in api.artifact_collections("artifacts", "dataset")]
said["named"] = [each.name for each in api.artifact_type("dataset", "artifacts").collections(filters={"name": "other"})]
said["versions"] = [each.name for each in api.artifacts("dataset", "artifacts/data", per_page=1)]
said["ordered"] = [each.version for each in api.artifacts("dataset", "artifacts/data", order="+version_index")]
said["aliases"] = sorted(api.artifact_collection("dataset", "artifacts/data").aliases)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def way(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two programs, one after the other with nothing in common but the server, say of their artifacts."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("maker", "taker"))
    made = said(script(server, first, MAKE))
    return made | said(script(server, second, TAKE, json.dumps(made)))


def said(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


@pytest.mark.feature("log_artifact: files, folders, aliases, tags, description, metadata; wait")
def test_a_logged_artifact_is_a_version_with_all_that_was_said_of_it(way: dict[str, Any]) -> None:
    version, aliases, _, state, size, files, digest, description, metadata, tags, ttl = way["whole"]

    assert (version, aliases, state) == ("v0", ["best", "latest"], "COMMITTED")
    assert (size, files, len(digest)) == (5 + 256 * 400 + 12, 4, 32)
    assert (description, metadata, tags, ttl) == ("all of it", {"rows": 3}, ["small"], None)


@pytest.mark.feature("download whole and by path, files, verify", "references: file://")
def test_what_was_logged_is_read_back_byte_for_byte(way: dict[str, Any]) -> None:
    contents = {
        "a.txt": b"alpha",
        "empty": b"",
        "ref/elsewhere.txt": b"not uploaded",
        "sub dir/ü #%x.bin": bytes(range(256)) * 400,
    }

    assert way["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    assert way["one"] == way["files"]["sub dir/ü #%x.bin"]
    assert way["listed"] == [[name, len(content)] for name, content in contents.items()]
    assert (way["count"], way["some"]) == (4, ["empty"])


@pytest.mark.feature("the same content again")
def test_the_same_content_is_the_same_version_and_takes_the_aliases(way: dict[str, Any]) -> None:
    id = way["whole"][2]

    assert way["again"] == ["v0", ["again", "best", "latest"], id]
    assert way["part"][:2] == ["v1", ["latest"]]
    assert way["old content"] == ["v0", ["again", "best", "latest"], id]


def test_a_name_keeps_its_type(way: dict[str, Any]) -> None:
    assert "already exists with type" in way["other type"]


@pytest.mark.feature("use_artifact by alias, version and digest, from another run and project; artifact_exists")
def test_a_version_is_found_by_alias_number_and_digest_from_another_project(way: dict[str, Any]) -> None:
    assert way["ids"] == [way["whole"][2]] * 4
    assert "data:v9" in way["missing"]
    assert way["exists"] == [True, False, False]


@pytest.mark.feature("logged_artifacts, used_artifacts, logged_by, used_by")
def test_versions_and_runs_know_each_other(way: dict[str, Any]) -> None:
    assert (way["logged by"], way["used by"]) == ("maker", ["taker"])
    assert (way["logged"], way["used"]) == (["data:v0", "data:v1"], ["data:v0"])


@pytest.mark.feature("an artifact's address")
def test_the_address_that_the_client_gives_a_version_opens_its_page(server: RunningServer, way: dict[str, Any]) -> None:
    answer = httpx2.get(way["url"], auth=("api", server.api_key))

    assert answer.status_code == 200
    assert '<h1 class="whole">data:v0</h1>' in answer.text


@pytest.mark.feature("Api.artifacts, artifact_types, artifact_collections")
def test_types_collections_and_versions_are_listed(way: dict[str, Any]) -> None:
    assert (way["types"], way["collections"], way["named"]) == (["dataset"], ["data"], [])
    assert (way["versions"], way["ordered"]) == (["data:v1", "data:v0"], ["v0", "v1"])
    assert way["aliases"] == ["again", "best", "latest"]


def test_what_was_logged_is_there_after_a_kill(own_server: RunningServer, tmp_path: Path) -> None:
    script(own_server, tmp_path, MAKE)

    own_server.kill()
    own_server.start()

    assert [own_server.api().artifact(f"local/artifacts/data:{name}").size for name in ("v0", "v1")] == [102417, 5]
