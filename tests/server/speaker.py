"""Speaks W&B's protocol to an application in this process, with a clock that the test moves."""

import base64
import copy
import functools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import yaml

import server.clock
from server.app import create_app
from server.keys import OneTimeLinks, load_keys
from server.settings import Settings
from server.store.database import Database
from terms.told import told, with_told
from tests.patience import HANG_S
from tests.server.one_step import Client

GRID = {"method": "grid", "parameters": {"units": {"values": [8, 16, 32]}}}


def until(check: Callable[[], bool], limit_s: float = HANG_S) -> None:
    """Waits for what the server does by itself."""
    end_s = time.monotonic() + limit_s
    while not check():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.02)


class Clock(server.clock.Clock):
    """The server's clock on a machine whose time stands still until it is moved."""

    def __init__(self) -> None:
        self.wall_s, self.steady_s = time.time(), 0.0
        super().__init__(lambda: self.wall_s, lambda: self.steady_s)

    def started_again(self) -> None:
        """What a new server on the same machine begins with."""
        super().__init__(lambda: self.wall_s, lambda: self.steady_s, not_before_s=self())

    def pass_s(self, seconds: float) -> None:
        """Time passes while the server runs."""
        while seconds > 0:
            step_s = min(seconds, server.clock.GAP_S / 2)
            self.wall_s, self.steady_s, seconds = self.wall_s + step_s, self.steady_s + step_s, seconds - step_s
            self()

    def set_by_s(self, seconds: float) -> None:
        """Somebody sets the machine's clock; a machine that sleeps comes back with such a step to the front."""
        self.wall_s += seconds

    def freeze_s(self, seconds: float) -> None:
        """The server does not run for so long, or its whole machine does not and counts the time all the same."""
        self.wall_s, self.steady_s = self.wall_s + seconds, self.steady_s + seconds


class Speaker:
    """One client of one application, in this process or behind a real port."""

    def __init__(self, http: httpx2.Client, api_key: str, clock: Clock, settings: Settings) -> None:
        self.http = http
        self.clock = clock
        self.settings = settings
        credentials = base64.b64encode(f"api:{api_key}".encode()).decode()
        self.headers = {"Authorization": f"Basic {credentials}"}

    def rank(self, name: str) -> "Speaker":
        """One of several programs that write one run together (`mode="shared"`)."""
        own = copy.copy(self)
        names = dict.fromkeys(("X-WANDB-CLIENT-ID", "X-WANDB-ASYNC-CLIENT-ID"), name)
        own.headers = self.headers | names | {"X-WANDB-USE-ASYNC-FILESTREAM": "true"}
        return own

    def post(self, query: str, **variables: Any) -> Any:
        """The whole reply to one GraphQL document."""
        body = {"query": query, "variables": variables, "operationName": ""}
        return self.http.post("/graphql", json=body, headers=self.headers)

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of a document that must succeed."""
        reply = self.post(query, **variables)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    def register(self, config: dict[str, Any], project: str = "p") -> str:
        """Registers a sweep and gives its name."""
        document = """mutation ($config: String, $project: String) { upsertSweep(
            input: {config: $config, projectName: $project}) { sweep { name } configValidationWarnings } }"""
        answer = self.ask(document, config=yaml.dump(config), project=project)
        return str(answer["upsertSweep"]["sweep"]["name"])

    def sweep(self, name: str, project: str = "p") -> dict[str, Any]:
        document = """query ($name: String!, $project: String) { project(name: $project) { sweep(sweepName: $name) {
            id state description runCount runCountExpected bestLoss
            runs { edges { node { name state config exitcode summaryMetrics displayName } } } } } }"""
        found: dict[str, Any] = self.ask(document, name=name, project=project)["project"]["sweep"]
        return found

    def runs(self, name: str, state: str | None = None) -> list[dict[str, Any]]:
        nodes = [edge["node"] for edge in self.sweep(name)["runs"]["edges"]]
        return [node for node in nodes if state in (None, node["state"])]

    def units(self, name: str, state: str) -> list[int]:
        return sorted(json.loads(run["config"])["units"]["value"] for run in self.runs(name, state))

    def field(self, run: str, field: str, project: str = "p") -> Any:
        """One field of a run, with its arguments and selection."""
        document = f"query ($r: String!, $p: String) {{ project(name: $p) {{ run(name: $r) {{ {field} }} }} }}"
        found = self.ask(document, r=run, p=project)["project"]["run"]
        return found[field.split("(")[0].split(" ")[0]]

    def told(self, run: str, project: str = "p") -> dict[str, Any]:
        """What the server tells of a run beside what its program sent."""
        return dict(told(json.loads(self.field(run, "summaryMetrics", project))))

    def sent(self, run: str) -> dict[str, Any]:
        """A run's summary as its program sent it."""
        return with_told(json.loads(self.field(run, "summaryMetrics")), {})

    def set_state(self, name: str, state: str) -> Any:
        document = (
            "mutation ($id: ID, $state: String) { upsertSweep(input: {id: $id, state: $state}) { sweep { name } } }"
        )
        return self.post(document, id=self.sweep(name)["id"], state=state)

    def agent(self, sweep: str) -> str:
        document = """mutation ($sweep: String!) {
            createAgent(input: {host: "h", sweep: $sweep}) { agent { id } } }"""
        return str(self.ask(document, sweep=sweep)["createAgent"]["agent"]["id"])

    def beat(self, agent: str, *running: str) -> Any:
        """A heartbeat; the one command, or None."""
        document = """mutation ($id: ID!, $state: JSONString) {
            agentHeartbeat(input: {id: $id, metrics: "{}", runState: $state}) { agent { id } commands } }"""
        answer = self.ask(document, id=agent, state=json.dumps(dict.fromkeys(running, True)))
        commands = json.loads(answer["agentHeartbeat"]["commands"])
        assert len(commands) <= 1, "two commands at once lose runs"
        return commands[0] if commands else None

    def look(self) -> None:
        """Lets the server look now for who is gone, as it does every few seconds."""
        assert isinstance(self.http, Client)
        self.http.app.state.look()  # type: ignore[attr-defined]

    def live_for_s(self, agent: str, run: str, seconds: float) -> None:
        """An agent and its run are heard of every five seconds."""
        for _ in range(int(seconds // 5)):
            self.clock.pass_s(5)
            self.look()
            assert self.beat(agent, run) is None

    def begin(self, run: str, sweep: str | None = None, project: str = "p", **fields: Any) -> dict[str, Any]:
        """What `wandb.init` says of a run."""
        document = """mutation ($input: UpsertBucketInput!) { upsertBucket(input: $input) {
            inserted bucket { id name state config historyLineCount project { name entity { name } } } } }"""
        given = {"name": run, "modelName": project, "sweep": sweep, **fields}
        answer: dict[str, Any] = self.ask(document, input=given)["upsertBucket"]
        return answer

    def alert(self, run: str, title: str = "Loss is high", text: str = "3.2", **given: Any) -> Any:
        """What `run.alert` sends; the reply."""
        document = """mutation ($input: NotifyScriptableRunAlertInput!) {
            notifyScriptableRunAlert(input: $input) { success } }"""
        of = {"entityName": "local", "projectName": "p", "runName": run}
        return self.post(document, input={**of, "title": title, "text": text, **given})

    def stream(self, run: str, project: str = "p", **body: Any) -> Any:
        """One file stream request; the reply."""
        return self.http.post(f"/files/local/{project}/{run}/file_stream", json=body, headers=self.headers)

    def log(self, run: str, offset: int, *rows: dict[str, Any], project: str = "p") -> Any:
        content = [json.dumps(row) for row in rows]
        return self.stream(run, project, files={"wandb-history.jsonl": {"offset": offset, "content": content}})

    def summarise(self, run: str, **summary: Any) -> Any:
        return self.stream(run, files={"wandb-summary.json": {"offset": 0, "content": [json.dumps(summary)]}})

    def finish(self, run: str, exit_code: int = 0) -> Any:
        return self.stream(run, complete=True, exitcode=exit_code)

    def do_trial(self, agent: str, sweep: str, exit_code: int = 0, **summary: Any) -> str:
        """Takes a run and carries it out; its id."""
        command = self.beat(agent)
        assert command, "nothing to run"
        assert command["type"] == "run"
        self.begin(command["run_id"], sweep)
        if summary:
            self.summarise(command["run_id"], **summary)
        self.finish(command["run_id"], exit_code)
        return str(command["run_id"])


@functools.cache
def new_database() -> bytes:
    """What a server's own begins with, made once: its many steps take 20 ms of a core."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        Database(path).close()
        return path.read_bytes()


@contextmanager
def speaking(data: Path, clock: Clock, busy_timeout_s: float = 0.1, **settings: Any) -> Iterator[Speaker]:
    """An application on a data directory, for as long as the block lasts; it waits so long for others' locks."""
    data.mkdir(exist_ok=True)
    chosen = replace(Settings(data=data, tick_s=0.02), **settings)
    if not chosen.database.exists():
        chosen.database.write_bytes(new_database())
    clock.started_again()
    database, keys = Database(chosen.database, busy_timeout_s), load_keys(data)
    app = create_app(database, chosen, keys, OneTimeLinks(chosen.link_lifetime_s, clock), clock)
    try:
        with Client(app) as http:
            yield Speaker(http, keys.api_key, clock, chosen)
    finally:
        database.close()
