"""What goes, however much that is, goes in slices: nobody who stores something waits for more than one of them."""

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.ledger import bin, clearing, files, retention, starts
from server.ledger.artifacts import commit, laying
from server.ledger.artifacts import deletion as artifacts
from server.ledger.clearing import SLICE
from server.refusal import RefusalError
from server.store import queries, writes
from server.store.artifact_rows import Artifact, Manifest, ManifestEntry
from server.store.database import Database, reading
from server.store.rows import Deleted, Run
from server.store.scope import Connection
from server.verify import verify
from tests.server.maker import MANIFEST, Maker, digest_of, refusal
from tests.server.speaker import GRID, Clock, Speaker, speaking
from tests.server.test_backup import put

HOUR_S, DAY_S = 3600.0, 24 * 3600.0
LINES = 2 * SLICE + 10
VERSIONS = """{ project(name: "p") { artifactType(name: "dataset") { artifactCollection(name: "data") {
    artifacts { edges { node { id } } } } } } }"""
UPDATE = """mutation ($input: UpdateArtifactManifestInput!) { updateArtifactManifest(input: $input) {
    artifactManifest { id } } }"""
DELETE = "mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"


@pytest.fixture
def wb(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A client of an application that looks after its database only when it is told to."""
    with speaking(tmp_path / "data", clock, tick_s=HOUR_S, keep_console_days=1) as speaker:
        yield speaker


def fill(wb: Speaker, run: str) -> None:
    """Gives a run a long console and history."""
    rows = [json.dumps({"_step": step, "_timestamp": 1.0}) for step in range(LINES)]
    files = {"output.log": [f"line {number}" for number in range(LINES)], "wandb-history.jsonl": rows}
    reply = wb.stream(run, files={name: {"offset": 0, "content": content} for name, content in files.items()})
    assert reply.status_code == 200, reply.text


LOGGED = ("log", "history")


def rows(wb: Speaker, *tables: str) -> int:
    with closing(sqlite3.connect(wb.settings.database)) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables or LOGGED]
    return sum(counts)


def steps(wb: Speaker, work: Callable[[Connection], bool], *tables: str) -> list[int]:
    """How many rows each transaction of some work has dropped, which tells whether there is more to do."""
    dropped, more = [], True
    with closing(Database(wb.settings.database)) as database:
        while more:
            before = rows(wb, *tables)
            with database.write() as tx:
                more = work(tx)
            dropped.append(before - rows(wb, *tables))
    return dropped


def due(wb: Speaker) -> Deleted:
    """What was deleted first, when it is to go for good."""
    wb.clock.freeze_s(31 * DAY_S)
    with reading(wb.settings.database) as connection:
        line = bin.due(connection, wb.clock())
    assert line is not None
    return line


def test_a_long_run_goes_for_good_in_slices_and_cannot_be_brought_back_half(wb: Speaker) -> None:
    wb.begin("r")
    wb.rank("one").log("r", 0, {"loss": 1})
    fill(wb, "r")
    wb.ask(DELETE, id=wb.field("r", "id"))
    line = due(wb)

    with (
        closing(Database(wb.settings.database)) as database,
        pytest.raises(RefusalError, match="deleted for good"),
        database.write() as tx,
    ):
        bin.bring_back(tx, line, wb.clock())
    dropped = steps(wb, lambda tx: bin.empty_some(tx, line, wb.clock()) is None)

    assert max(dropped) == SLICE
    assert sum(dropped) == 2 * LINES + 1
    assert rows(wb) == 0


def test_the_server_empties_what_is_due_by_itself(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    run = wb.do_trial(wb.agent(sweep), sweep)
    fill(wb, run)
    wb.ask(DELETE, id=wb.field(run, "id"))

    wb.clock.freeze_s(31 * DAY_S)
    for _ in range(20):
        wb.look()

    assert rows(wb) == 0


def test_a_long_console_is_thinned_in_slices(wb: Speaker) -> None:
    wb.begin("r")
    fill(wb, "r")
    wb.finish("r")
    with reading(wb.settings.database) as connection:
        (number,) = connection.execute("SELECT id FROM run").fetchone()

    dropped = steps(wb, lambda tx: retention.thin(tx, "log", number))
    edges = wb.field("r", "logLines(first: 1000) { edges { node { line } } }")["edges"]

    assert max(dropped) == SLICE
    assert sum(dropped) == LINES - 501
    assert [edges[place]["node"]["line"].rstrip("\n") for place in (0, 99, 101, -1)] == [
        "line 0",
        "line 99",
        f"line {LINES - 400}",
        f"line {LINES - 1}",
    ]
    assert "9,510 lines" in edges[100]["node"]["line"]


def test_a_long_console_of_several_programs_is_thinned_in_slices(wb: Speaker) -> None:
    wb.begin("r")
    fill(wb, "r")
    wb.rank("one").begin("r")
    assert wb.rank("one").log("r", 0, {"loss": 1}).status_code == 200
    wb.finish("r")
    of_log = "placed WHERE stream = 'log'"

    dropped = steps(wb, lambda tx: retention.thin(tx, "log", 1), "log", of_log)

    assert max(dropped) == SLICE
    assert (rows(wb, "log"), rows(wb, of_log)) == (501, 0)


def test_lines_that_a_former_start_has_slipped_in_go_in_slices(wb: Speaker) -> None:
    wb.begin("r")
    fill(wb, "r")

    dropped = steps(wb, lambda tx: writes.cut_some_lines(tx, "history", 1, 5, SLICE), "history")

    assert dropped == [SLICE, SLICE, 5]
    assert wb.field("r", "historyLineCount") == 5


def test_a_long_former_start_makes_way_in_slices_and_keeps_its_first_lines_to_the_end(wb: Speaker) -> None:
    wb.begin("r", jobProgram="train.py")
    fill(wb, "r")
    wb.finish("r")
    wb.begin("r", jobProgram="train.py")

    with reading(wb.settings.database) as connection:
        (number,) = connection.execute("SELECT id FROM run").fetchone()

    dropped = steps(wb, lambda tx: clearing.makes_way(tx, queries.by_id(tx, Run, number)))
    replies = [wb.log("r", 0, {"_step": 0, "_timestamp": 2.0}).status_code for _ in range(2)]

    assert max(dropped) == SLICE
    assert replies == [200, 200]
    assert rows(wb) == 1
    assert (wb.field("r", "historyLineCount"), wb.field("r", "logLineCount")) == (1, 0)


def test_a_start_overwrites_a_long_former_one_with_its_first_lines(wb: Speaker) -> None:
    wb.begin("r", jobProgram="train.py")
    fill(wb, "r")
    wb.finish("r")
    wb.begin("r", jobProgram="train.py")

    reply = wb.log("r", 0, {"_step": 0, "_timestamp": 2.0})

    assert reply.status_code == 200
    assert rows(wb) == 1
    assert (wb.field("r", "historyLineCount"), wb.field("r", "logLineCount")) == (1, 0)


def test_a_sweep_of_many_runs_goes_for_good_in_slices_and_others_have_their_turn_between(
    wb: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "RUNS", 1)
    monkeypatch.setattr(clearing, "SLICE", 2)
    sweep, own = wb.register(GRID), wb.agent(wb.register(GRID))
    agent, run = wb.agent(sweep), wb.beat(own)["run_id"]
    wb.ask(DELETE, id=wb.field(wb.do_trial(agent, sweep), "id"))
    for _ in range(3):
        wb.do_trial(agent, sweep)
    dropped, held = [], None
    with closing(Database(wb.settings.database)) as database:
        with database.write() as tx:
            line = bin.delete_sweep(tx, queries.sweeps(tx)[1], wb.clock())
            bin.condemn(tx, line)

        while held is None:
            before = rows(wb, "run", "entry", "trial")
            with database.write() as tx:
                held = bin.empty_some(tx, line, wb.clock())
            dropped.append(before - rows(wb, "run", "entry", "trial"))
            assert wb.beat(own, run) is None
        with database.write() as tx:
            again = bin.empty_some(tx, line, wb.clock())

    assert (held, again) == ("3 points, 4 runs", held)
    assert max(dropped) == 2
    assert rows(wb, "run", "trial", "bin", "sweep") == 3
    with reading(wb.settings.database) as connection:
        assert verify(connection).problems == ()


def test_a_project_goes_in_slices_with_what_its_versions_hold(wb: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "SLICE", 2)
    maker = Maker(wb)
    maker.log({name: name.encode() for name in "abcde"})
    id = maker.begin()["id"]
    maker.addresses(id, {"f": b"f", "g": b"g"})
    maker.describe(id, {"f": b"f", "g": b"g"})
    with closing(Database(wb.settings.database)) as database, database.write() as tx:
        line = bin.delete_project(tx, queries.projects(tx)[0], wb.clock())
        bin.condemn(tx, line)

    of_versions = ("manifest_entry", "wanted", "described_entry", "artifact")
    dropped = steps(wb, lambda tx: bin.empty_some(tx, line, wb.clock()) is None, *of_versions)
    wb.look()

    assert max(dropped) == 2
    assert rows(wb, *of_versions, "content") == 0
    assert maker.bytes_stored() == []


def test_a_large_version_is_gone_at_once_and_its_files_go_in_slices(
    wb: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "SLICE", 2)
    maker = Maker(wb)
    first = maker.log({"kept": b"kept"})
    id = maker.log({name: name.encode() for name in ("kept", "a", "b", "c")})

    maker.delete(id)
    latest = maker.begin()["artifactSequence"]["latestArtifact"]["id"]
    listed = wb.ask(VERSIONS)["project"]["artifactType"]["artifactCollection"]["artifacts"]["edges"]
    before = rows(wb, "manifest_entry")
    wb.look()

    assert (latest, len(listed)) == (first, 1)
    assert (before, rows(wb, "manifest_entry")) == (5, 1)
    assert [path.read_bytes() for path in maker.bytes_stored()] == [b"kept"]


def test_files_of_a_run_that_goes_are_removed_some_at_a_time(wb: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "AT_ONCE", 2)
    wb.begin("r")
    for name in "abcde":
        put(wb, name, b"bytes")
    wb.finish("r")
    wb.ask(DELETE, id=wb.field("r", "id"))
    line = due(wb)
    left = []
    with closing(Database(wb.settings.database)) as database:
        with database.write() as tx:
            bin.empty_some(tx, line, wb.clock())
        more = True
        while more:
            with database.write() as tx:
                more = files.remove_discarded(tx, wb.settings.files)
            left.append(len(list(wb.settings.files.glob("1/*"))))

    assert left == [3, 1, 0, 0]
    assert not (wb.settings.files / "1").exists()


def test_a_long_run_is_shared_in_slices_and_each_line_keeps_its_place(wb: Speaker) -> None:
    wb.begin("r")
    fill(wb, "r")
    wb.rank("one").begin("r")

    def share(tx: Connection) -> bool:
        return not starts.share(tx, queries.by_id(tx, Run, 1))

    placed = [-dropped for dropped in steps(wb, share, "placed")]
    wb.rank("one").log("r", 0, {"loss": 1})
    wb.log("r", LINES - 1, {"_step": LINES - 1, "_timestamp": 1.0}, {"_step": LINES, "_timestamp": 2.0})

    assert placed == [2 * SLICE, 2 * SLICE, 20]
    assert wb.field("r", "historyLineCount") == LINES + 2


def test_another_program_joins_a_long_run_with_its_first_lines(wb: Speaker) -> None:
    wb.begin("r")
    fill(wb, "r")
    wb.rank("one").begin("r")

    reply = wb.rank("one").log("r", 0, {"loss": 1})

    assert reply.status_code == 200
    assert (wb.field("r", "historyLineCount"), rows(wb, "placed")) == (LINES + 1, 2 * LINES + 1)


@pytest.fixture
def twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Manifests go in slices of two."""
    for module in (commit, laying, artifacts):
        monkeypatch.setattr(module, "SLICE", 2)


@pytest.mark.usefixtures("twos")
def test_a_long_manifest_is_kept_in_slices_and_one_of_other_bytes_in_its_place(wb: Speaker) -> None:
    maker, names = Maker(wb), {name: name.encode() for name in "abcde"}
    id = maker.begin()["id"]
    maker.send(id, names)
    maker.describe(id, {**names, "z": b"z"})
    entries = [ManifestEntry(name, digest_of(body), 1, None, None, None, None, "{}") for name, body in names.items()]
    place: list[int | None] = [0]

    def expect(tx: Connection) -> bool:
        return commit.expect_manifest(tx, queries.by_id(tx, Manifest, 1), "other", None) is None

    def take(tx: Connection) -> bool:
        place.append(commit.take_manifest(tx, 1, "other", entries, place[-1] or 0))
        return place[-1] is not None

    dropped = steps(wb, expect, "described_entry")
    kept = [-dropped for dropped in steps(wb, take, "described_entry")]

    assert (dropped, kept) == ([2, 2, 2, 0], [2, 2, 1])
    assert maker.commit(id).status_code == 200
    assert rows(wb, "manifest_entry") == 5


def described(wb: Speaker) -> tuple[Maker, str, dict[str, bytes]]:
    """Who makes a version of seven files that waits for its commit, its id, and what it holds."""
    maker, names = Maker(wb), {name: name.encode() for name in "abcdefg"}
    id = maker.begin()["id"]
    maker.send(id, names)
    maker.describe(id, names)
    return maker, id, names


Slices = Callable[[str], list[int]]


@pytest.fixture
def slices(wb: Speaker) -> Slices:
    """How many rows each transaction of a version's commit has laid, dropped or given a number."""

    def commit_all(id: str) -> list[int]:
        number, read = int(base64.b64decode(id).split(b":")[2]), commit.Content()
        changes: list[int] = []
        with closing(Database(wb.settings.database)) as database:
            committed = None
            while committed is None:
                with database.write() as tx:
                    before = tx.total_changes
                    committed = commit.commit_some(tx, queries.by_id(tx, Artifact, number), read, wb.clock())
                    changes.append(tx.total_changes - before)
        return changes

    return commit_all


@pytest.mark.usefixtures("twos")
@pytest.mark.parametrize("kind", ["FULL", "INCREMENTAL", "PATCH"])
def test_a_large_version_is_committed_in_slices_and_is_what_it_is_in_one(
    wb: Speaker, kind: str, slices: Slices, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = Maker(wb)
    base = maker.log(dict.fromkeys("abcdefgh", b"base"))
    parts = [{name: name.encode() for name in "bdfhx"}, {name: b"2" + name.encode() for name in "cdyz"}]
    told = {"FULL": parts[1:], "INCREMENTAL": parts[1:], "PATCH": parts}[kind]

    def begun(name: str) -> str:
        id: str = Maker(wb, name).begin()["id"]
        maker.send(id, {"vain": b"vain " + name.encode()} | parts[0])
        maker.send(id, parts[1])
        for part in told:
            maker.describe(id, part, kind, base if kind == "INCREMENTAL" else None)
        return id

    sliced, whole = begun("sliced"), begun("whole")
    most = max(slices(sliced))
    monkeypatch.setattr(laying, "SLICE", 2000)
    monkeypatch.setattr(commit, "SLICE", 2000)
    at_once = slices(whole)

    found, expected = (maker.read(id) for id in (sliced, whole))
    assert found is not None
    assert expected is not None
    assert (found["digest"], found["size"]) == (expected["digest"], expected["size"])
    assert maker.download(sliced) == maker.download(whole)
    assert maker.download(sliced)["d"] == b"2d"
    assert (len(at_once), most < at_once[0], most <= 12) == (1, True, True)
    assert rows(wb, "wanted", "described_entry", "manifest") == 0
    wb.look()
    assert b"vain" not in b"".join(path.read_bytes() for path in maker.bytes_stored())


@pytest.mark.usefixtures("twos")
def test_a_commit_that_was_broken_off_goes_on_and_nothing_is_added_to_what_is_laid(wb: Speaker) -> None:
    maker, id, names = described(wb)
    with closing(Database(wb.settings.database)) as database, database.write() as tx:
        assert commit.commit_some(tx, queries.by_id(tx, Artifact, 1), commit.Content(), wb.clock()) is None
    seen = maker.read(id)
    told = {"artifactID": id, "type": "FULL", "digest": digest_of(b""), "name": "wandb_manifest.json"}
    added = refusal(wb.post(MANIFEST, input=told | {"entityName": "local", "projectName": "p", "runName": "r"}))

    assert seen is not None
    assert (seen["state"], seen["files"]["edges"]) == ("PENDING", [])
    again = {"artifactManifestID": base64.b64encode(b"ArtifactManifest:v1:1").decode(), "digest": digest_of(b"")}
    assert (added, refusal(wb.post(UPDATE, input=again))) == (commit.BEING_COMMITTED, commit.BEING_COMMITTED)
    assert maker.commit(id).status_code == 200
    assert maker.download(id) == names


@pytest.mark.usefixtures("twos")
def test_bytes_that_are_missing_in_a_later_slice_can_still_be_sent(wb: Speaker) -> None:
    maker, names = Maker(wb), {name: name.encode() for name in "abcdefg"}
    id = maker.begin()["id"]
    addresses = maker.addresses(id, names)
    for address, name in zip(addresses, "abcde", strict=False):
        assert wb.http.put(str(address), content=name.encode()).status_code == 200
    maker.describe(id, names)

    told = refusal(maker.commit(id))
    maker.send(id, names)

    assert "at least 1 of the artifact's files were not uploaded, the first is 'f'" in told
    assert maker.commit(id).status_code == 200
    assert maker.download(id) == names


@pytest.mark.usefixtures("twos")
def test_what_a_manifest_told_goes_in_slices_when_other_bytes_are_announced(wb: Speaker) -> None:
    maker = Maker(wb)
    id = maker.begin()["id"]
    maker.describe(id, {name: name.encode() for name in "abcdefg"})
    manifest = base64.b64encode(b"ArtifactManifest:v1:1").decode()

    reply = wb.post(UPDATE, input={"artifactManifestID": manifest, "digest": digest_of(b"other")})

    assert reply.json()["data"]["updateArtifactManifest"]["artifactManifest"]["id"] == manifest
    assert rows(wb, "described_entry") == 0
    assert "no manifest of this version was uploaded" in refusal(maker.commit(id))


@pytest.mark.usefixtures("twos")
def test_a_commit_in_slices_stands_alone_in_its_document(wb: Speaker) -> None:
    maker, id, _ = described(wb)
    two = """mutation ($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id } }
        createAgent(input: {projectName: "p", sweep: "s", host: "h"}) { agent { id } } }"""

    told = refusal(wb.post(two, id=id))

    assert told == "commitArtifact of so much stands alone in its document: send the rest in another one"
    assert maker.commit(id).status_code == 200


@pytest.mark.usefixtures("twos")
def test_each_slice_of_a_commit_is_stored_before_the_next_so_that_others_have_their_turn(
    wb: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, id, _ = described(wb)
    lay_some, seen = laying.lay_some, list[int]()

    def seen_by_others(tx: Connection, artifact: Artifact) -> bool:
        seen.append(rows(wb, "manifest_entry"))
        return lay_some(tx, artifact)

    monkeypatch.setattr(laying, "lay_some", seen_by_others)

    assert maker.commit(id).status_code == 200
    assert seen[:5] == [0, 2, 4, 6, 7]
