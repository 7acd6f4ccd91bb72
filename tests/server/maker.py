"""Logs artifacts request by request, so that a test can break off between any two."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from tests.server.speaker import Speaker

CREATE = """mutation ($input: CreateArtifactInput!) { createArtifact(input: $input) {
    artifact { id state versionIndex aliases { alias } artifactSequence { latestArtifact { id } } } } }"""
MANIFEST = """mutation ($input: CreateArtifactManifestInput!) { createArtifactManifest(input: $input) {
    artifactManifest { id file { uploadUrl } } } }"""
FILES = """mutation ($input: CreateArtifactFilesInput!) { createArtifactFiles(input: $input) {
    files { edges { node { uploadUrl storagePath artifact { id } } } } } }"""
COMMIT = "mutation ($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id digest versionIndex } } }"
DELETE = """mutation ($id: ID!, $aliases: Boolean) { deleteArtifact(input: {artifactID: $id, deleteAliases: $aliases}) {
    artifact { id state } } }"""
READ = """query ($id: ID!) { artifact(id: $id) { id state size digest versionIndex aliases { alias }
    currentManifest { file { directUrl } }
    files { edges { node { name directUrl sizeBytes } } } } }"""


def digest_of(content: bytes) -> str:
    """Base64 of the MD5, as W&B writes it."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


class Maker:
    """Logs artifacts of one name."""

    def __init__(self, wb: Speaker, name: str = "data") -> None:
        self.wb = wb
        self.name = name

    def begin(self, digest: str = "0" * 32, **given: Any) -> dict[str, Any]:
        """Begins a version."""
        project = {"entityName": "local", "projectName": "p", "artifactTypeName": "dataset"}
        aliases = [{"artifactCollectionName": self.name, "alias": "latest"}]
        told = project | {"artifactCollectionName": self.name, "digest": digest, "aliases": aliases} | given
        found: dict[str, Any] = self.wb.ask(CREATE, input=told)["createArtifact"]["artifact"]
        return found

    def addresses(self, id: str, contents: dict[str, bytes]) -> list[str | None]:
        """Where the files' bytes are to go; None for those that are there."""
        specs = [{"artifactID": id, "name": name, "md5": digest_of(body)} for name, body in contents.items()]
        found = self.wb.ask(FILES, input={"artifactFiles": specs, "storageLayout": "V2"})
        return [edge["node"]["uploadUrl"] for edge in found["createArtifactFiles"]["files"]["edges"]]

    def send(self, id: str, contents: dict[str, bytes]) -> None:
        """Sends those bytes that are needed."""
        for address, content in zip(self.addresses(id, contents), contents.values(), strict=True):
            if address is not None:
                assert self.wb.http.put(address, content=content).status_code == 200

    def describe(self, id: str, contents: dict[str, Any], kind: str = "FULL", base: str | None = None) -> None:
        """Sends a manifest, which must be taken; a content may be an entry as a whole."""
        assert self.manifest(id, contents, kind, base).status_code == 200

    def manifest(self, id: str, contents: dict[str, Any], kind: str = "FULL", base: str | None = None) -> Any:
        """The reply to a manifest."""
        body = json.dumps({"version": 1, "contents": {name: _entry(told) for name, told in contents.items()}}).encode()
        names = {"entityName": "local", "projectName": "p", "runName": "r", "name": "wandb_manifest.json"}
        told = names | {"artifactID": id, "type": kind, "baseArtifactID": base, "digest": digest_of(body)}
        made = self.wb.ask(MANIFEST, input=told)["createArtifactManifest"]["artifactManifest"]
        return self.wb.http.put(made["file"]["uploadUrl"], content=body)

    def commit(self, id: str) -> Any:
        """The reply to the commit."""
        return self.wb.post(COMMIT, id=id)

    def log(self, contents: dict[str, bytes], **given: Any) -> str:
        """The whole way; the version's id."""
        id: str = self.begin(**{"digest": hashlib.md5(repr(contents).encode()).hexdigest()} | given)["id"]
        self.send(id, contents)
        self.describe(id, contents)
        assert self.commit(id).status_code == 200
        return id

    def refer_to(self, id: str, other: "Maker") -> str:
        """Lets a version of another name refer to the file `a` of this one; the other version's id."""
        ref = f"wandb-artifact://{base64.b64decode(id).hex()}/a"
        referring: str = other.begin()["id"]
        other.describe(referring, {"a": {"digest": digest_of(b"a"), "ref": ref, "size": 1}})
        assert other.commit(referring).status_code == 200
        return referring

    def read(self, id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.wb.ask(READ, id=id)["artifact"]
        return found

    def delete(self, id: str, aliases: bool = True) -> Any:
        return self.wb.post(DELETE, id=id, aliases=aliases)

    def download(self, id: str) -> dict[str, bytes]:
        """A version's files."""
        found = self.read(id)
        assert found is not None
        nodes = [edge["node"] for edge in found["files"]["edges"]]
        return {node["name"]: self.wb.http.get(node["directUrl"]).content for node in nodes}

    def bytes_stored(self) -> list[Path]:
        """Where bytes of artifacts lie."""
        return sorted(path for path in self.wb.settings.artifacts.rglob("*") if path.is_file())


def _entry(told: Any) -> Any:
    return {"digest": digest_of(told), "size": len(told)} if isinstance(told, bytes) else told


def refusal(reply: Any) -> str:
    """Why a request was refused, which must be a 4xx."""
    assert 400 <= reply.status_code < 500, reply.text
    return str(reply.json()["errors"][0]["message"])
