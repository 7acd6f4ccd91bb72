"""A number, a node id, a signed address means one thing for ever: what is deleted stays so, whatever comes after."""

import base64
import sqlite3
from pathlib import Path
from typing import Any

from server.settings import Settings
from server.store.migrations import STEPS
from tests.server.speaker import GRID, Clock, Speaker, speaking, until

# The step of the schema that did so.
REBUILDING = 7
# After it, what is deleted cannot be brought back.
GONE_S = 31 * 24 * 3600.0

UPLOAD = """mutation ($files: [String!]!, $run: String!) { createRunFiles(input: {
    entityName: "local", projectName: "p", runName: $run, files: $files}) { files { uploadUrl } } }"""
DESCRIBE = """mutation ($id: String!) { upsertBucket(input: {id: $id, displayName: "taken", summaryMetrics: "{}"}) {
    bucket { name } } }"""


def put(wb: Speaker, run: str, name: str, content: bytes) -> str:
    """Stores a file; the address that it was put at."""
    (file,) = wb.ask(UPLOAD, files=[name], run=run)["createRunFiles"]["files"]
    assert wb.http.put(file["uploadUrl"], content=content).status_code == 200
    return str(file["uploadUrl"])


def files(wb: Speaker, run: str) -> list[dict[str, Any]]:
    edges = wb.field(run, "files { edges { node { id name sizeBytes directUrl } } }")["edges"]
    return [edge["node"] for edge in edges]


def delete_run(wb: Speaker, id: str) -> int:
    return int(wb.post("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=id).status_code)


def delete_file(wb: Speaker, id: str) -> int:
    return int(
        wb.post("mutation ($ids: [ID!]!) { deleteFiles(input: {files: $ids}) { success } }", ids=[id]).status_code
    )


def stored(wb: Speaker) -> list[Path]:
    """Where bytes of files lie."""
    return sorted(path for path in wb.settings.files.rglob("*") if path.is_file())


def test_a_deleted_runs_id_is_never_the_next_runs(wb: Speaker) -> None:
    wb.begin("old")
    old, address = wb.field("old", "id"), put(wb, "old", "a.txt", b"old")
    assert delete_run(wb, old) == 200
    wb.begin("new")

    changed, again, written = wb.post(DESCRIBE, id=old), delete_run(wb, old), wb.http.put(address, content=b"late")

    assert wb.field("new", "displayName") != "taken"
    assert (changed.status_code, again, written.status_code) == (404, 200, 404)
    assert "could not find run 'old'" in changed.json()["errors"][0]["message"]
    assert wb.http.get(address).status_code == 403
    assert files(wb, "new") == []


def test_a_deleted_files_id_is_never_the_next_files(wb: Speaker) -> None:
    wb.begin("r")
    put(wb, "r", "a.txt", b"a")
    (old,) = files(wb, "r")
    assert delete_file(wb, old["id"]) == 200
    put(wb, "r", "b.txt", b"b")

    assert delete_file(wb, old["id"]) == 200

    assert [file["name"] for file in files(wb, "r")] == ["b.txt"]
    assert wb.http.get(old["directUrl"]).status_code == 404


def test_numbers_are_not_used_again_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("old")
        old = wb.field("old", "id")
        delete_run(wb, old)
        clock.set_by_s(GONE_S)
        wb.look()

    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("new")
        delete_run(wb, old)

        assert wb.field("new", "name") == "new"
        assert wb.field("new", "id") != old.replace("old", "new")


def test_an_id_does_not_fit_another_name(wb: Speaker) -> None:
    """Numbers of a directory that was put back from a copy may have meant something else since."""
    wb.begin("this")
    wb.begin("other")
    number = wb.ask('{ project(name: "p") { run(name: "this") { id } } }')["project"]["run"]["id"]
    forged = _renamed(number, "this", "other")

    assert wb.post(DESCRIBE, id=forged).status_code == 404
    assert delete_run(wb, forged) == 200
    assert wb.field("this", "name") == "this"


def test_the_bytes_of_deleted_files_and_runs_go(wb: Speaker) -> None:
    for run in ("kept", "gone"):
        wb.begin(run)
        put(wb, run, "a.txt", b"a")
        put(wb, run, "b.txt", b"b")
    assert len(stored(wb)) == 4

    delete_run(wb, wb.field("gone", "id"))
    delete_file(wb, files(wb, "kept")[0]["id"])

    wb.clock.set_by_s(GONE_S)
    until(lambda: len(stored(wb)) == 1)
    assert wb.http.get(files(wb, "kept")[0]["directUrl"]).content == b"b"


def test_a_file_that_is_stored_again_after_its_deletion_keeps_its_bytes(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock, tick_s=3600.0) as wb:
        wb.begin("r")
        put(wb, "r", "a.txt", b"first")
        delete_file(wb, files(wb, "r")[0]["id"])
        put(wb, "r", "a.txt", b"second")

    with speaking(tmp_path / "data", clock) as wb:
        wb.look()

        assert wb.http.get(files(wb, "r")[0]["directUrl"]).content == b"second"
        assert len(stored(wb)) == 1


def test_what_a_killed_server_left_of_uploads_is_removed_by_the_next(tmp_path: Path, clock: Clock) -> None:
    left = tmp_path / "data" / "files" / "unfinished"
    left.mkdir(parents=True)
    (left / "tmp123").write_bytes(b"half")

    with speaking(tmp_path / "data", clock):
        assert list(left.iterdir()) == []


def test_a_deleted_run_of_a_sweep_is_not_made_again_by_its_program(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)
    delete_run(wb, wb.field(run, "id"))

    document = """mutation ($run: String!) { upsertBucket(input: {name: $run, modelName: "p"}) { inserted } }"""
    reply = wb.post(document, run=run)

    assert reply.status_code == 410
    assert reply.json()["errors"][0]["message"] == f"run {run} was previously created and deleted; try a new run name"
    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}


def test_a_database_of_numbers_that_came_back_is_brought_up_to_date(tmp_path: Path, clock: Clock) -> None:
    """Every table is rebuilt and nothing of what refers to its rows is lost."""
    with speaking(tmp_path / "data", clock) as wb:
        sweep = wb.register(GRID)
        done = wb.do_trial(wb.agent(sweep), sweep, loss=0.5)
        put(wb, done, "a.txt", b"a")
        wb.log(done, 0, {"loss": 0.5, "_step": 0})
        before = wb.sweep(sweep)
    _as_before_the_rebuilding(Settings(data=tmp_path / "data").database)

    with speaking(tmp_path / "data", clock) as wb:
        assert wb.sweep(sweep) == before
        assert wb.http.get(files(wb, done)[0]["directUrl"]).content == b"a"
        assert wb.field(done, "historyLineCount") == 1
        wb.begin("old")
        old = wb.field("old", "id")
        delete_run(wb, old)
        wb.begin("new")
        assert wb.field("new", "id") != old.replace("old", "new")


def _renamed(id: str, name: str, to: str) -> str:
    return base64.b64encode(base64.b64decode(id).replace(name.encode(), to.encode())).decode()


def _as_before_the_rebuilding(path: Path) -> None:
    """Puts what a database holds into one as it was made before numbers were kept from coming back."""
    older = path.with_name("older.sqlite")
    connection = sqlite3.connect(older, isolation_level=None)
    for step in STEPS[:REBUILDING]:
        assert isinstance(step, str)
        connection.executescript(step)
    connection.execute(f"PRAGMA user_version={REBUILDING}")
    connection.execute("ATTACH ? AS now", (str(path),))
    for (table,) in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
        connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
    connection.close()
    older.replace(path)
