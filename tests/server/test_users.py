"""A key sees and changes its own entities and teams, whatever it asks for and by whatever way."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from server.protocol.schema import load_schema
from server.store.scope import BEHIND, VIEWS
from tests.server.people import SECRET, Things, add_user, fill
from tests.server.speaker import GRID, Clock, Speaker, speaking

RUN = """id name notes config summaryMetrics historyTail logLines(first: 3) { edges { node { line } } }
    files(first: 3) { edges { node { name directUrl } } } sweep { name } user { name }
    outputArtifacts(first: 3) { edges { node { id } } }"""
PROJECT = f"""id name runs(first: 3) {{ edges {{ node {{ {RUN} }} }} }}
    sweeps(first: 3) {{ edges {{ node {{ name description }} }} }}
    artifactCollections {{ edges {{ node {{ id name }} }} }}"""
# What a stranger asks for; names in < > are Alice's.
QUERIES = {
    "viewer": "viewer { name entity teams { edges { node { name } } } }",
    "serverInfo": "serverInfo { features { name } }",
    "organization": 'organization(name: "alice") { name }',
    "entity": 'entity(name: "alice") { name members { name } }',
    "users": 'users(query: "alice") { edges { node { name } } }',
    "models": 'models(entityName: "alice") { edges { node { name } } }',
    "model": f'model(name: "p", entityName: "alice") {{ {PROJECT} }}',
    "project": f"""project(name: "p", entityName: "alice") {{ {PROJECT} }}
        any: project {{ run(name: "<run>") {{ {RUN} }} sweep(sweepName: "<sweep>") {{ description
            runs(first: 3) {{ edges {{ node {{ {RUN} }} }} }} agents {{ edges {{ node {{ id }} }} }} }} }}
        mine: project(name: "p", entityName: "bob") {{ run(name: "<run>") {{ {RUN} }}
            runs(first: 3, filters: "{{\\"sweep\\": \\"<sweep>\\"}}") {{ edges {{ node {{ {RUN} }} }} }} }}""",
    "artifact": 'artifact(id: "<artifact_id>") { description files { edges { node { directUrl } } } }',
    "artifactCollection": 'artifactCollection(id: "<sequence_id>") { id name }',
    "clientIDMapping": 'clientIDMapping(clientID: "<client_name>") { serverID }',
}
OF_RUN = {"entityName": "alice", "projectName": "p", "runName": "<run>"}
COLLECTION = {"entityName": "alice", "projectName": "p", "artifactCollectionName": "data"}
ALIASES = {"artifactID": "<artifact_id>", "aliases": [{**COLLECTION, "alias": "x"}]}
BEGUN = {"artifactTypeName": "dataset", "artifactCollectionName": "data", "digest": "1" * 32}
MUTATIONS: dict[str, list[dict[str, Any]]] = {
    "upsertBucket": [
        {"id": "<run_id>", "notes": "x"},
        {"name": "<run>", "modelName": "p", "entityName": "alice"},
        {"name": "new", "modelName": "new", "entityName": "alice"},
        {"name": "new", "sweep": "<sweep>"},
    ],
    "upsertSweep": [
        {"id": "<sweep_id>", "state": "CANCELED"},
        {"config": json.dumps(GRID), "entityName": "alice", "projectName": "p"},
    ],
    "createAgent": [{"host": "h", "sweep": "<sweep>"}],
    "agentHeartbeat": [{"id": "<agent>"}],
    "enqueueSweepRun": [{"id": "<sweep_id>", "config": "{}"}],
    "createRunFiles": [{**OF_RUN, "files": ["own.txt"]}],
    "markRunFilesUploaded": [{**OF_RUN, "files": ["own.txt"]}],
    "stopRun": [{"id": "<run_id>"}, {"id": "<queued_id>"}],
    "deleteRun": [{"id": "<run_id>", "deleteArtifacts": True}, {"id": "<queued_id>"}],
    "updateRunState": [{"id": "<run_id>", "state": "failed"}],
    "upsertModel": [{"name": "p", "entityName": "alice"}, {"name": "new", "entityName": "alice"}],
    "notifyScriptableRunAlert": [{**OF_RUN, "title": "t", "text": "t"}],
    "deleteFiles": [{"files": ["<file_id>"]}],
    "rewindRun": [{"runName": "<run>", "entityName": "alice", "projectName": "p", "metricName": "x", "metricValue": 0}],
    "createArtifact": [{**BEGUN, "entityName": "alice", "projectName": "p"}],
    "createArtifactManifest": [{**OF_RUN, "artifactID": "<pending_id>", "name": "m", "digest": "x", "type": "FULL"}],
    "updateArtifactManifest": [{"artifactManifestID": "<manifest_id>", "digest": "y"}],
    "createArtifactFiles": [{"artifactFiles": [{"artifactID": "<pending_id>", "name": "x", "md5": "<digest>"}]}],
    "completeMultipartUploadArtifact": [
        {
            "artifactID": "<pending_id>",
            "storagePath": "x",
            "uploadID": "x",
            "completeMultipartAction": "Complete",
            "completedParts": [],
        }
    ],
    "commitArtifact": [{"artifactID": "<pending_id>"}],
    "updateArtifact": [{"artifactID": "<artifact_id>", "description": "x"}],
    "deleteArtifact": [{"artifactID": "<artifact_id>", "deleteAliases": True}],
    "useArtifact": [{"artifactID": "<artifact_id>", "entityName": "bob", "projectName": "p", "runName": "bobs"}],
    "linkArtifact": [
        {"artifactID": "<artifact_id>", "artifactPortfolioName": "mine", "projectName": "p", "entityName": "bob"},
        {"clientID": "<client_name>", "artifactPortfolioName": "mine", "projectName": "p", "entityName": "bob"},
    ],
    "unlinkArtifact": [{"artifactID": "<artifact_id>", "artifactPortfolioID": "<portfolio_id>"}],
    "addAliases": [ALIASES],
    "deleteAliases": [ALIASES],
    "updateArtifactSequence": [{"artifactSequenceID": "<sequence_id>", "description": "x"}],
    "updateArtifactPortfolio": [{"artifactPortfolioID": "<portfolio_id>", "description": "x"}],
    "moveArtifactSequence": [{"artifactSequenceID": "<sequence_id>", "destinationArtifactTypeName": "x"}],
    "deleteArtifactSequence": [{"artifactSequenceID": "<sequence_id>"}],
    "deleteArtifactPortfolio": [{"artifactPortfolioID": "<portfolio_id>"}],
    "createArtifactCollectionTagAssignments": [{**COLLECTION, "tags": [{"tagName": "x"}]}],
    "deleteArtifactCollectionTagAssignments": [{**COLLECTION, "tags": [{"tagName": "x"}]}],
}
# Answered to everybody, with nothing of anybody's.
OPEN = {
    "/healthz",
    "/ready",
    "/sdk/otel/{rest:path}",
    "/static/{file}",
    "/login",
    "/logout",
    "/scheme",
    "/key",
    "/authorize",
}
# Of the one who asks.
OWN = {"/graphql", "/", "/events", "/login-links", "/settings", "/deleted", "/search", "/projects", "/compare"}
NAMES = {
    "entity": "alice",
    "project": "p",
    "sweep": "<sweep>",
    "run": "<run>",
    "name": "own.txt",
    "type": "dataset",
    "collection": "data",
    "version": "v0",
    "action": "cancel",
    "region": "default",
    "birth": "<artifact_id>",
    "md5": "<md5>",
    "number": "1",
    "artifact": "1",
    "token": "guessed",
    "path": "a/b/c/d/e/f",
    "session": "1",
    "what": "runs.csv",
    "line": "1",
    "tab": "workspace",
}


class House:
    """A server with the users Alice, who has everything, and Bob, who has a run."""

    def __init__(self, wb: Speaker) -> None:
        self.wb = wb
        self.alice, self.bob = add_user(wb, "alice"), add_user(wb, "bob")
        self.things: Things = fill(self.alice, "alice")
        self.bob.begin("bobs")

    def text(self, asked: str) -> str:
        """A request with the names of Alice's things in it."""
        return re.sub(r"<(\w+)>", lambda name: str(getattr(self.things, name[1])), asked)

    def rows(self) -> dict[str, list[Any]]:
        """All that is stored, but what tells who signed in and did what."""
        with sqlite3.connect(self.wb.settings.database) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            kept = [name for name in tables if name not in ("audit", "session", "sqlite_sequence")]
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in kept}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with speaking(tmp_path_factory.mktemp("house") / "data", Clock()) as wb:
        yield House(wb)


def test_every_root_field_is_asked_by_a_stranger() -> None:
    schema = load_schema()
    assert schema.query_type
    assert schema.mutation_type

    assert set(schema.query_type.fields) == set(QUERIES), "say here what another user's key must not get by it"
    assert set(schema.mutation_type.fields) == set(MUTATIONS), "say here what another user's key must not do by it"


@pytest.mark.parametrize("field", QUERIES)
def test_a_query_gives_nothing_of_others(house: House, field: str) -> None:
    document = house.text(f"{{ {QUERIES[field]} }}")

    own, others = house.alice.post(document), house.bob.post(document)

    assert own.status_code == 200 or field == "organization", own.text
    told = set(re.findall(r"[\w/+=-]{4,}", own.text)) & {SECRET, *map(str, vars(house.things).values())}
    assert bool(told) == (field not in ("viewer", "serverInfo", "organization", "entity", "users", "models")), own.text
    assert not [word for word in told if word in others.text], others.text
    if field in ("entity", "users", "models"):
        assert '"name": ' in own.text
        assert '"name": ' not in others.text


@pytest.mark.parametrize("field", MUTATIONS)
def test_a_mutation_changes_nothing_of_others(house: House, field: str) -> None:
    payload = load_schema().mutation_type.fields[field].type  # type: ignore[union-attr]
    type = load_schema().mutation_type.fields[field].args["input"].type  # type: ignore[union-attr]
    before = house.rows()
    for given in MUTATIONS[field]:
        values = json.loads(house.text(json.dumps(given)))
        document = f"mutation ($input: {type}) {{ {field}(input: $input) {{ __typename }} }}"

        reply = house.bob.post(document, input=values)

        assert reply.status_code != 200 or field in ("deleteRun", "deleteFiles"), (payload, reply.text)
        assert SECRET not in reply.text
        assert house.rows() == before, given


def test_every_table_is_seen_in_a_scope_or_behind_something_that_is(house: House) -> None:
    """A new table is a view in `server.store.scope`, or is only looked at by the number of what was found."""
    assert set(house.rows()) | {"audit", "session"} == set(VIEWS) | set(BEHIND)
    assert set(VIEWS).isdisjoint(BEHIND)


def test_every_write_says_that_it_means_the_table() -> None:
    """`UPDATE run` would be refused for a view as soon as there are users."""
    told = re.compile(rf"(?:INTO|UPDATE|DELETE FROM) (?:{'|'.join(VIEWS)})\b")
    found = [
        f"{path}: {match[0]}"
        for path in Path("server").rglob("*.py")
        if path.name != "migrations.py"
        for match in told.finditer(path.read_text())
    ]

    assert not found, "write `main.` before the name of the table"


def test_neither_search_nor_the_list_of_projects_shows_anything_of_others(house: House) -> None:
    sweep, run = house.things.sweep, house.things.run
    asked = {f"/search?q={sweep}": sweep, f"/search?q={run}": f"/runs/{run}", "/projects": "/alice/p"}
    found = {
        path: (told in house.alice.http.get(path, headers=house.alice.headers).text, told in seen_by_bob(house, path))
        for path, told in asked.items()
    }

    assert found == {f"/search?q={sweep}": (True, True), f"/search?q={run}": (True, False), "/projects": (True, False)}
    assert f"/sweeps/{sweep}" not in seen_by_bob(house, f"/search?q={sweep}")
    assert f"There is no sweep alice/p/{sweep}" in seen_by_bob(house, f"/compare?sweep=alice/p/{sweep}")


def seen_by_bob(house: House, path: str) -> str:
    return str(house.wb.http.get(path, headers=house.bob.headers).text)


def address(house: House, route: Route) -> str:
    """A route's, with the names of Alice's things in it."""
    own = {**NAMES, "run": str(house.things.run_number)} if "/storage/{run" in route.path else NAMES
    return house.text(re.sub(r"{(\w+)(:\w+)?}", lambda name: own[name[1]], route.path))


def test_no_route_gives_or_changes_anything_of_others(house: House) -> None:
    routes = [route for route in house.wb.http.app.routes if isinstance(route, Route)]  # type: ignore[attr-defined]
    asked, before = 0, house.rows()
    for route in routes:
        for method in sorted(route.methods or ()) if route.path not in OPEN | OWN else ():
            for headers in (house.bob.headers, {}):
                path = address(house, route)
                reply = house.wb.http.request(method, path, headers=headers, content=b"{}", follow_redirects=False)
                assert reply.status_code in (400, 401, 403, 404), (method, path, reply.status_code)
                assert SECRET not in reply.text
                asked += 1
    assert asked > 60
    assert house.rows() == before


@pytest.mark.parametrize("path", sorted(OWN - {"/graphql", "/events"}))
def test_what_is_everybodys_own_shows_nothing_of_others(house: House, path: str) -> None:
    own, others = (who.http.get(path, headers=who.headers).text for who in (house.alice, house.bob))

    assert SECRET not in others
    assert house.things.sweep not in others
    assert house.things.sweep in own or path != "/"
