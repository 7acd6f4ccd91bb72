"""Whatever is sent: the answer is the data or a refusal with its reason, never a 5xx that a client repeats for days.

`python -m tests.server.test_hostile_requests 10000` tries so many cases, others each time.
"""

import base64
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server import verify
from server.store.database import reading
from tests.server.hostile import BODIES, QUERIES, SWEEPS, chunks, operations
from tests.server.maker import Maker
from tests.server.speaker import GRID, Clock, Speaker, speaking

CASES = 50  # of ten requests each
REPORTED = 500
UPLOAD = 'files(names: ["f"]) { edges { node { url(upload: true) } } }'
REGISTER = """mutation ($config: String) { upsertSweep(input: {config: $config, projectName: "p"}) {
    sweep { name } configValidationWarnings } }"""

BEGIN = """mutation ($name: String!, $sweep: String) { upsertBucket(input: {name: $name, modelName: "p",
    sweep: $sweep}) { inserted } }"""
NEWEST = '{ project(name: "p") { sweeps(first: 1) { edges { node { name } } } } }'
ENTER = 'mutation ($sweep: String!) { createAgent(input: {host: "h", sweep: $sweep}) { agent { id } } }'
BEAT = 'mutation ($id: ID!) { agentHeartbeat(input: {id: $id, metrics: "{}", runState: "{}"}) { commands } }'


@dataclass(frozen=True)
class Filled:
    """A server with something of each kind, and the names and ids of that."""

    wb: Speaker
    sweep: str
    ids: dict[str, list[str]]
    runs: list[str] = field(default_factory=lambda: ["r"])

    def begin(self) -> str:
        """Begins the run that all is said of; another one when a case has deleted it."""
        reply = self.wb.post(BEGIN, name=self.runs[-1], sweep=self.sweep)
        if reply.status_code == 410:
            self.runs.append(f"r{len(self.runs)}")
            reply = self.wb.post(BEGIN, name=self.runs[-1], sweep=self.sweep)
        assert reply.status_code == 200, reply.text
        return self.runs[-1]

    def try_all(self, data: st.DataObject) -> None:
        """One case of each kind of request."""
        run, draw = self.begin(), data.draw
        self._post(f"/files/local/p/{run}/file_stream", draw(chunks()))
        self._post("/graphql", draw(operations(self.ids)))
        self._post("/graphql", {"query": REGISTER, "variables": {"config": yaml.dump(draw(SWEEPS))}})
        self._take_points()
        for page in ("/", "/local/p", f"/local/p/sweeps/{self.sweep}", f"/local/p/runs/{run}", "/local/p/artifacts"):
            self._get(page, draw(QUERIES))
        self._upload(self.begin(), draw(BODIES), draw(st.sampled_from(["", "x", "&run=r"])))

    def _post(self, path: str, body: dict[str, Any]) -> None:
        reply = self.wb.http.post(path, content=json.dumps(body).encode(), headers=self.wb.headers)
        self._is_no_fault(reply)

    def _get(self, path: str, query: list[tuple[str, str]]) -> None:
        text = urlencode(query, errors="replace")
        self._is_no_fault(self.wb.http.get(f"{path}?{text}", headers=self.wb.headers, follow_redirects=False))

    def _take_points(self) -> None:
        """What was registered is also searched: the newest sweep hands out two points."""
        newest = self.wb.ask(NEWEST)["project"]["sweeps"]["edges"][0]["node"]["name"]
        agent = self.wb.post(ENTER, sweep=newest)
        self._is_no_fault(agent)
        for _ in range(2 if agent.status_code == 200 else 0):
            self._is_no_fault(self.wb.post(BEAT, id=agent.json()["data"]["createAgent"]["agent"]["id"]))

    def _upload(self, run: str, body: bytes, more: str) -> None:
        address = self.wb.field(run, UPLOAD)["edges"][0]["node"]["url"]
        self._is_no_fault(self.wb.http.put(address + more, content=body))

    def _is_no_fault(self, reply: Any) -> None:
        assert reply.status_code < 500 or reply.status_code == 501, reply.text
        assert "failed at this request" not in reply.text

    def is_whole(self) -> None:
        """Nothing is half stored: the ledger holds, and each file is as its row says."""
        with reading(self.wb.settings.database) as connection:
            assert verify.verify(connection).problems == ()
        for node in self.wb.field(self.begin(), "files { edges { node { md5 directUrl } } }")["edges"]:
            body = self.wb.http.get(node["node"]["directUrl"]).content
            assert base64.b64encode(hashlib.md5(body).digest()).decode() == node["node"]["md5"]


@contextmanager
def filling(data: Path) -> Iterator[Filled]:
    """One server for all cases, so that what one stores others read."""
    with speaking(data, Clock()) as wb:
        sweep = wb.register(GRID)
        agent = wb.agent(sweep)
        artifact = Maker(wb).log({"a": b"a"})
        ids = [wb.begin("r", sweep)["bucket"]["id"], wb.sweep(sweep)["id"], agent, agent, artifact]
        names = {"projectName": ["p"], "modelName": ["p"], "entityName": ["local"], "runName": ["r"]}
        there = {"name": ["p", "r"], "sweep": [sweep], "sweepName": [sweep], "agentName": [agent], "after": ["0"]}
        made = {"artifactID": [artifact], "artifactTypeName": ["dataset"], "artifactCollectionName": ["data"]}
        yield Filled(wb, sweep, {**names, **there, **made, "id": ids})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with filling(tmp_path_factory.mktemp("hostile") / "data") as found:
        yield found


FEW = settings(
    max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def test_no_request_is_answered_by_a_5xx_or_a_fault_and_nothing_is_half_stored(filled: Filled) -> None:
    @FEW
    @given(data=st.data())
    def try_all(data: st.DataObject) -> None:
        filled.try_all(data)

    try_all()
    filled.is_whole()


def main(cases: int) -> None:
    """Tries so many cases on a server of their own, and says how far it is."""
    done = count(1)

    @settings(FEW, max_examples=cases, derandomize=False)
    @given(data=st.data())
    def try_all(data: st.DataObject) -> None:
        found.try_all(data)
        if (number := next(done)) % REPORTED == 0:
            sys.stderr.write(f"{number} cases\n")

    with tempfile.TemporaryDirectory() as folder, filling(Path(folder) / "data") as found:
        try_all()
        found.is_whole()


if __name__ == "__main__":
    main(int(sys.argv[1]))
