"""Users of one server, with things of their own that nobody else may see: all of these hold the word SECRET."""

import base64
import copy
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from server.__main__ import main
from tests.server.maker import Maker
from tests.server.speaker import GRID, Speaker

SECRET = "alices-own-matter"


def command(data: Path, *words: str) -> Result:
    """`python -m server` with these words, in this process."""
    return CliRunner().invoke(main, [*words, "--data", str(data)])


def add_user(wb: Speaker, name: str, role: str = "run") -> Speaker:
    """Adds a user; a client with the key."""
    added = command(wb.settings.data, "user", "add", name, "--role", role)
    assert added.exit_code == 0, added.output
    return with_key(wb, added.output.splitlines()[-1])


def with_key(wb: Speaker, key: str) -> Speaker:
    own = copy.copy(wb)
    own.headers = {"Authorization": f"Basic {base64.b64encode(f'api:{key}'.encode()).decode()}"}
    return own


@dataclass(frozen=True)
class Things:
    """What a user has, by the names and ids that W&B's protocol gives them."""

    sweep: str
    agent: str
    run: str
    loose: str
    project_id: str
    sweep_id: str
    run_id: str
    run_number: int
    file_id: str
    artifact_id: str
    pending_id: str
    sequence_id: str
    portfolio_id: str
    manifest_id: str
    queued_id: str
    client_name: str
    digest: str
    md5: str


NODES = """query ($run: String!, $sweep: String!) { project(name: "p") { id
    run(name: $run) { id files { edges { node { id } } } }
    sweep(sweepName: $sweep) { id } artifactCollection(name: "data") { id } } }"""
LINK = """mutation ($id: ID!) { linkArtifact(input: {artifactID: $id, artifactPortfolioName: "shelf",
    projectName: "p"}) { artifactMembership { artifactCollection { id } } } }"""
MANIFEST = """mutation ($id: ID!) { createArtifactManifest(input: {artifactID: $id, name: "m", digest: "x",
    entityName: "", projectName: "", runName: "", type: FULL}) { artifactManifest { id } } }"""
QUEUED = """mutation ($id: ID!) { enqueueSweepRun(input: {id: $id, config: "{}"}) { id } }"""
CONTENT = SECRET.encode()


def fill(wb: Speaker, entity: str) -> Things:
    """Lets a user make one of each kind of thing."""
    sweep = wb.register(GRID | {"description": SECRET})
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    for name, of in ((run, sweep), ("loose", None)):
        wb.begin(name, of, notes=SECRET, displayName=SECRET, config=json.dumps({"a": {"value": SECRET}}))
        files = {
            name: {"offset": 0, "content": [json.dumps({"_step": 0, "x": SECRET})]}
            for name in ("wandb-history.jsonl", "wandb-summary.json", "wandb-events.jsonl", "output.log")
        }
        address = f"/files/{entity}/p/{name}/file_stream"
        assert wb.http.post(address, json={"files": files}, headers=wb.headers).status_code == 200
    upload(wb, entity, run, "own.txt")
    maker = Maker(wb)
    artifact = maker.log({"own.txt": CONTENT}, entityName=entity, description=SECRET, clientID=f"client-{entity}")
    pending = maker.begin("1" * 32, entityName=entity)["id"]
    nodes = wb.ask(NODES, run=run, sweep=sweep)["project"]
    waiting = wb.register({"method": "custom", "scheduler": {"engine": "optuna"}, "parameters": GRID["parameters"]})
    queued = wb.ask(QUEUED, id=wb.sweep(waiting)["id"])["enqueueSweepRun"]["id"]
    member = wb.ask(LINK, id=artifact)["linkArtifact"]["artifactMembership"]
    return Things(
        sweep=sweep,
        agent=agent,
        run=run,
        loose="loose",
        project_id=nodes["id"],
        sweep_id=nodes["sweep"]["id"],
        run_id=nodes["run"]["id"],
        run_number=int(base64.b64decode(nodes["run"]["id"]).decode().rsplit(":", 1)[1]),
        file_id=nodes["run"]["files"]["edges"][0]["node"]["id"],
        artifact_id=artifact,
        pending_id=pending,
        sequence_id=nodes["artifactCollection"]["id"],
        portfolio_id=member["artifactCollection"]["id"],
        manifest_id=wb.ask(MANIFEST, id=pending)["createArtifactManifest"]["artifactManifest"]["id"],
        queued_id=wb.field(queued, "id"),
        client_name=f"client-{entity}",
        digest=base64.b64encode(hashlib.md5(CONTENT).digest()).decode(),
        md5=hashlib.md5(CONTENT).hexdigest(),
    )


def upload(wb: Speaker, entity: str, run: str, name: str) -> None:
    document = """mutation ($entity: String!, $run: String!, $name: String!) { createRunFiles(input: {
        entityName: $entity, projectName: "p", runName: $run, files: [$name]}) { files { uploadUrl } } }"""
    (file,) = wb.ask(document, entity=entity, run=run, name=name)["createRunFiles"]["files"]
    assert wb.http.put(file["uploadUrl"], content=CONTENT).status_code == 200


def key_of(output: str) -> str:
    """The key that a command has printed: its last line alone."""
    last = output.splitlines()[-1]
    assert re.fullmatch("[0-9a-f]{40}", last), output
    return last


def error(reply: Any) -> str:
    return str(reply.json()["errors"][0]["message"])
