"""Errors keep their cause, and what can never be stored is refused once instead of being sent again for days."""

import base64
import json
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.keys import OneTimeLinks
from server.settings import Settings
from server.store.database import Database
from tests.server.maker import Maker
from tests.server.real_server import RunningServer, python
from tests.server.speaker import Clock, Speaker, speaking, until

HALF = "\ud83d"
PAGE_BYTES = 4096
NAMED = """mutation ($name: String, $config: JSONString, $summary: JSONString, $title: String) { upsertBucket(input: {
    name: $name, modelName: "p", config: $config, summaryMetrics: $summary, displayName: $title}) { inserted } }"""
REGISTER = 'mutation ($config: String) { upsertSweep(input: {config: $config, projectName: "p"}) { sweep { name } } }'
FILES = """mutation ($names: [String!]!) { createRunFiles(input: {
    entityName: "local", projectName: "p", runName: "r", files: $names}) { runID } }"""


def message(reply: Any) -> str:
    return str(reply.json()["errors"][0]["message"])


def of_file(name: str, line: str) -> dict[str, Any]:
    return {"files": {name: {"offset": 0, "content": [line]}}}


@pytest.mark.parametrize(
    "body",
    [
        of_file("output.log", f"half {HALF}"),
        of_file("wandb-history.jsonl", json.dumps({"_step": 0, "word": HALF})),
        of_file("wandb-history.jsonl", json.dumps({"_step": 0, HALF: 1})),
        of_file("wandb-events.jsonl", json.dumps({"cpu": HALF})),
        of_file("wandb-summary.json", json.dumps({"word": HALF})),
    ],
)
def test_half_a_character_in_a_stream_is_refused_for_good(wb: Speaker, body: dict[str, Any]) -> None:
    wb.begin("r")

    reply = wb.http.post("/files/local/p/r/file_stream", content=json.dumps(body), headers=wb.headers)

    assert reply.status_code == 400
    assert "half a character" in message(reply)


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (NAMED, {"name": f"r{HALF}"}),
        (NAMED, {"name": "s", "title": HALF}),
        (NAMED, {"name": "s", "config": json.dumps({"a": {"value": HALF}})}),
        (NAMED, {"name": "s", "summary": json.dumps({HALF: 1})}),
        (FILES, {"names": [f"{HALF}.txt"]}),
        (REGISTER, {"config": f"method: random\nparameters: {{a: {{value: {json.dumps(HALF)}}}}}"}),
        (REGISTER, {"config": f"method: random\nparameters: {{{json.dumps(HALF)}: {{value: 1}}}}"}),
        (REGISTER, {"config": f"name: {HALF}\nmethod: random\nparameters: {{a: {{value: 1}}}}"}),
    ],
)
def test_half_a_character_in_a_document_is_refused_for_good(
    wb: Speaker, document: str, variables: dict[str, Any]
) -> None:
    wb.begin("r")
    body = json.dumps({"query": document, "variables": variables})

    reply = wb.http.post("/graphql", content=body, headers=wb.headers)

    assert reply.status_code == 400
    assert "half a character" in message(reply)


def test_whole_characters_and_nul_are_kept_as_sent(wb: Speaker) -> None:
    text = "\U0001f600 é \0 end"
    wb.begin("r", displayName=text, config=json.dumps({"a": {"value": text}}))
    wb.stream("r", files={"output.log": {"offset": 0, "content": [text]}})

    lines = wb.field("r", "logLines(first: 1) { edges { node { line } } }")

    assert lines["edges"][0]["node"]["line"] == text
    assert wb.field("r", "displayName") == text
    assert json.loads(wb.field("r", "config"))["a"]["value"] == text


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (NAMED, {"name": "s", "config": {"a": 1}}),
        (NAMED, {"name": "s", "summary": [1]}),
        ('query ($x: JSONString) { project(name: "p") { runs(filters: $x) { edges { cursor } } } }', {"x": True}),
        ('query { project(name: "p") { runs(filters: {a: 1}) { edges { cursor } } } }', {}),
        ('mutation ($x: JSONString) { agentHeartbeat(input: {id: "x", runState: $x}) { commands } }', {"x": [1]}),
        ('query ($x: Int64) { project(name: "p") { run(name: "r") { history(minStep: $x) } } }', {"x": 2**70}),
        ('query ($x: Int64) { project(name: "p") { run(name: "r") { history(minStep: $x) } } }', {"x": {"a": 1}}),
        ('query { project(name: "p") { run(name: "r") { sampledHistory(specs: ["{\\"keys\\": 1}"]) } } }', {}),
        ('query { project(name: "p") { runs(filters: "{\\"$and\\": 5}") { edges { cursor } } } }', {}),
    ],
)
def test_a_value_of_another_kind_is_refused_in_words(
    wb: Speaker, document: str, variables: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    wb.begin("r")

    reply = wb.post(document, **variables)

    assert reply.status_code == 400
    assert "failed at this request" not in reply.text
    assert "Traceback" not in caplog.text


def test_a_configs_own_section_may_be_anything(wb: Speaker) -> None:
    wb.begin("r", config=json.dumps({"_wandb": 3}))

    assert wb.field("r", "wandbConfig") == "{}"


def test_a_signature_of_other_letters_is_refused(wb: Speaker) -> None:
    assert wb.http.get("/storage/1/x?signature=999999999999.é").status_code == 403


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux' own")
def test_a_write_that_fails_tells_its_cause_and_leaves_the_server_well(own_server: RunningServer, clock: Clock) -> None:
    with httpx2.Client(base_url=own_server.url) as http:
        wb = Speaker(http, own_server.api_key, clock, None)  # type: ignore[arg-type]
        wb.begin("r")
        whole = resource.prlimit(own_server.pid, resource.RLIMIT_FSIZE)
        # Beyond this size a write fails as on a full disk, and SQLite rolls back by itself.
        resource.prlimit(own_server.pid, resource.RLIMIT_FSIZE, (200_000, whole[1]))
        rows = [{"_step": step, "text": "x" * 1000} for step in range(5_000)]
        refused = wb.log("r", 0, *rows)
        ill = http.get("/healthz")
        able_to_read = http.get("/ready")
        page = http.get("/", headers=wb.headers)
        resource.prlimit(own_server.pid, resource.RLIMIT_FSIZE, whole)
        until(lambda: http.get("/healthz").status_code == 200)
        page_then = http.get("/", headers=wb.headers)
        taken = wb.log("r", 0, *rows)
        kept = wb.field("r", "historyLineCount")

    assert refused.status_code == 503
    assert message(refused) == "the server cannot store or read this now: disk I/O error"
    assert (taken.status_code, kept) == (200, 5_000)
    assert (ill.status_code, ill.json()) == (503, {"status": "nothing can be stored", "reason": "disk I/O error"})
    assert able_to_read.status_code == 200
    assert "Nothing can be stored now: disk I/O error. Programs keep what they log" in page.text
    assert "Nothing can be stored" not in page_then.text


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux' own")
def test_a_server_that_nobody_writes_to_finds_out_that_nothing_can_be_stored(own_server: RunningServer) -> None:
    whole = resource.prlimit(own_server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    with httpx2.Client(base_url=own_server.url) as http:
        until(lambda: http.get("/healthz").status_code == 503)
        resource.prlimit(own_server.pid, resource.RLIMIT_FSIZE, whole)
        until(lambda: http.get("/healthz").status_code == 200)


def spoil_half(path: Path) -> None:
    """Damages each page of the second half of a database."""
    with open(path, "r+b") as file:
        for page in range(path.stat().st_size // PAGE_BYTES // 2, path.stat().st_size // PAGE_BYTES):
            file.seek(page * PAGE_BYTES)
            file.write(b"\xff" * 8)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a damaged database; each test takes a copy."""
    data = tmp_path_factory.mktemp("damaged") / "data"
    with speaking(data, Clock()) as wb:
        wb.begin("r")
        wb.log("r", 0, *({"_step": step, "text": "x" * 500} for step in range(2_000)))
    spoil_half(wb.settings.database)
    return data


def test_a_damaged_database_is_no_fault_of_the_request(damaged: Path, tmp_path: Path, clock: Clock) -> None:
    shutil.copytree(damaged, tmp_path / "data")

    with speaking(tmp_path / "data", clock) as wb:
        reply = wb.post('{ project(name: "p") { run(name: "r") { history(samples: 3000) } } }')

        until(lambda: wb.http.get("/healthz").status_code == 503)
        health = wb.http.get("/healthz").json()["reason"]

    assert reply.status_code == 503
    assert "malformed" in message(reply)
    assert "malformed" in health


@pytest.mark.parametrize("most_bytes", [0, 10**9])
def test_damage_is_found_before_anybody_meets_it_where_that_is_quick(
    damaged: Path, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, most_bytes: int
) -> None:
    data = shutil.copytree(damaged, tmp_path / "data")
    monkeypatch.setattr("server.store.database.MOST_CHECKED_BYTES", most_bytes)
    database = Database(Settings(data).database)
    database.check()
    trouble = database.trouble
    database.close()

    assert ("malformed" in str(trouble)) == (most_bytes > 0)
    with speaking(tmp_path / "data", clock) as wb:
        until(lambda: wb.http.get("/healthz").status_code == (503 if most_bytes else 200))


def test_a_client_that_leaves_in_a_body_leaves_no_traceback(own_server: RunningServer) -> None:
    for path in ("/graphql", "/files/local/p/r/file_stream"):
        with socket.create_connection(("127.0.0.1", own_server.port)) as connection:
            key = own_server.env(own_server.data)["WANDB_API_KEY"]
            connection.sendall(_head(path, key) + b'{"query": ')
    # The server sees what happened on its connections in order.
    assert httpx2.get(f"{own_server.url}/healthz").status_code == 200
    own_server.stop()

    assert "Traceback" not in own_server.output()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda data: _newer(data), "the data is of a newer version"),
        (lambda data: (data / "sweeps.sqlite").write_text("no database " * 100), "file is not a database"),
        (lambda data: (data / "lock").mkdir(), "Is a directory"),
        (lambda data: (data / "api-key").mkdir(), "Is a directory"),
        (lambda data: (data / "api-key").touch(), "api-key holds no API key"),
    ],
)
def test_a_data_directory_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, harm: Any, said: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    harm(data)

    done = start(data)

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc is Linux' own")
def test_a_directory_where_nothing_can_be_made_is_told_in_one_line() -> None:
    done = start(Path("/proc/none"))

    assert done.returncode == 2
    assert done.stderr == "Error: cannot use /proc/none as data directory: No such file or directory\n"


def test_links_made_and_used_at_once_are_all_good_once() -> None:
    links = OneTimeLinks(3600)
    used: list[bool] = []
    errors: list[RuntimeError] = []
    for _ in range(2_000):
        links.make()

    def work() -> None:
        try:
            used.extend(links.redeem(token) is not None for token in [links.make() for _ in range(20)])
        except RuntimeError as error:
            errors.append(error)

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval_s)

    assert errors == []
    assert used == [True] * 160


def start(data: Path) -> subprocess.CompletedProcess[str]:
    command = [*python(), "-m", "server", "--data", str(data), "--port", "0"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def _newer(data: Path) -> None:
    database = Database(data / "sweeps.sqlite")
    database.close()
    connection = sqlite3.connect(data / "sweeps.sqlite")
    connection.execute("PRAGMA user_version = 999")
    connection.close()


def _head(path: str, key: str) -> bytes:
    credentials = base64.b64encode(f"api:{key}".encode()).decode()
    lines = (f"POST {path} HTTP/1.1", "Host: h", f"Authorization: Basic {credentials}", "Content-Length: 1000", "", "")
    return "\r\n".join(lines).encode()


def test_a_whole_database_is_called_so_whatever_the_quick_look_of_its_sqlite_says(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
        Maker(wb).log({"a": b"1"}, runName="r")
        path = wb.settings.database
    database = Database(path)
    database.check()
    trouble = database.trouble
    database.close()

    assert trouble is None
