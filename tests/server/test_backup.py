"""What a server keeps is copied while it serves, as it was at one moment, and put back whole or not at all."""

import base64
import errno
import hashlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.__main__ import main
from tests import denied
from tests.patience import HANG_S
from tests.server.maker import Maker
from tests.server.speaker import GRID, Clock, Speaker, speaking


def server(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def done(*arguments: object) -> str:
    result = server(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: object) -> str:
    result = server(*arguments)
    assert result.exit_code == 2, result.output
    return result.output


def file_address(wb: Speaker, name: str, upload: bool) -> str:
    found = wb.field("r", f'files(names: ["{name}"]) {{ edges {{ node {{ url(upload: {json.dumps(upload)}) }} }} }}')
    return str(found["edges"][0]["node"]["url"])


def put(wb: Speaker, name: str, content: bytes) -> bool:
    return bool(wb.http.put(file_address(wb, name, upload=True), content=content).status_code == 200)


@contextmanager
def at_work(*works: Callable[[int], object]) -> Iterator[None]:
    """Does each of these again and again, with a number that grows, each in a thread."""
    end = threading.Event()

    def repeat(work: Callable[[int], object]) -> None:
        for number in count():
            if end.is_set():
                return
            work(number)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Path:
    """A data directory with a settled point, a file and an artifact."""
    with speaking(tmp_path / "data", clock) as wb:
        sweep = wb.register(GRID)
        wb.do_trial(wb.agent(sweep), sweep, loss=1.0)
        wb.begin("r")
        assert put(wb, "f", b"one")
        Maker(wb).log({"a": b"bytes"})
    return tmp_path / "data"


@pytest.mark.parametrize("refused_calls", [{}, {"link": errno.EPERM}])
@denied.needed
def test_a_backup_with_writers_at_work_is_of_one_moment(
    tmp_path: Path, clock: Clock, refused_calls: dict[str, int]
) -> None:
    acknowledged: list[int] = []
    with speaking(tmp_path / "data", clock, busy_timeout_s=HANG_S) as wb:
        wb.begin("r")
        maker = Maker(wb)
        shared = [tmp_path / f"backup-{number}" for number in range(3)]

        def upload(number: int) -> None:
            if put(wb, f"f{number % 3}", f"content {number}".encode()):
                acknowledged.append(number)

        with at_work(upload, lambda number: maker.log({"a": f"{number}".encode()})):
            seen: list[int] = []
            for folder in shared:
                while len(acknowledged) < 4 * (len(seen) + 1):
                    pass
                seen.append(acknowledged[-1])
                denied.call(refused_calls, lambda: done("backup", folder, "--data", tmp_path / "data"))  # noqa: B023 - called at once

    for folder, last in zip(shared, seen, strict=True):
        data = tmp_path / f"of-{folder.name}"
        done("restore", folder, "--data", data)
        assert "The ledger holds." in done("verify", "--data", data)
        assert highest_file(data, clock) >= last
        shutil.rmtree(data)


def highest_file(data: Path, clock: Clock) -> int:
    """The number of the newest file; each file and each artifact must be as its row says."""
    with speaking(data, clock) as wb:
        nodes = wb.field("r", "files { edges { node { name md5 directUrl } } }")["edges"]
        bodies = [(node["node"]["md5"], wb.http.get(node["node"]["directUrl"]).content) for node in nodes]
        assert all(base64.b64encode(hashlib.md5(body).digest()).decode() == md5 for md5, body in bodies)
        contents = {hashlib.md5(path.read_bytes()).hexdigest() for path in Maker(wb).bytes_stored()}
        rows = sqlite3.connect(wb.settings.database).execute("SELECT md5 FROM content").fetchall()
        assert contents == {md5 for (md5,) in rows}
    return max(int(body.split()[1]) for _, body in bodies)


def test_what_was_put_back_is_all_that_was_there_with_the_same_keys(kept: Path, tmp_path: Path, clock: Clock) -> None:
    said = done("backup", tmp_path / "b", "--data", kept)
    back = done("restore", tmp_path / "b", "--data", tmp_path / "again")

    with speaking(kept, clock) as wb:
        before = everything(wb)
    with speaking(tmp_path / "again", clock) as wb:
        assert everything(wb) == before
    assert (
        said == f"{tmp_path}/b: the database and 2 files of 0.0 MiB, as hard links, on the disk of the data: copy "
        "the folder to another one\n"
    )
    assert back.startswith(f"{tmp_path}/again: the database and 2 files as they were at 20")
    assert (tmp_path / "again" / "api-key").read_text() == (kept / "api-key").read_text()
    assert [oct(path.stat().st_mode & 0o77) for path in (tmp_path / "b", tmp_path / "again")] == ["0o0", "0o0"]


def everything(wb: Speaker) -> Any:
    assert wb.field("r", "fileCount") == 1
    named = wb.ask('{ project(name: "p") { sweeps { edges { node { name runCount bestLoss } } } } }')
    return named, wb.http.get(file_address(wb, "f", upload=False)).content, len(Maker(wb).bytes_stored())


def test_a_backup_never_replaces_anything(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("mine")

    said = refused("backup", tmp_path / "b", "--data", kept)

    assert said == f"Error: {tmp_path}/b is there already: give a new folder, or an empty one\n"
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["mine"]


def test_a_place_where_no_backup_can_be_written_is_named(kept: Path) -> None:
    said = refused("backup", "/dev/null/a/b", "--data", kept)

    assert said == "Error: cannot write /dev/null/a/b: Not a directory\n"


def test_nothing_is_put_back_over_data_or_beside_a_server(kept: Path, tmp_path: Path, clock: Clock) -> None:
    done("backup", tmp_path / "b", "--data", kept)

    said = refused("restore", tmp_path / "b", "--data", kept)

    assert said == f"Error: {kept}/sweeps.sqlite is there already: give another --data, or move it away first\n"
    assert "nothing to back up" in refused("backup", tmp_path / "c", "--data", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: (folder / "backup.json").unlink(), "is no whole backup: it has no backup.json"),
        (lambda folder: (folder / "sweeps.sqlite").write_bytes(b"x"), "is not the database that was written there"),
        (lambda folder: shutil.rmtree(folder / "files"), "is not whole: it had 2 files"),
        (lambda folder: newer(folder), "is of a newer version: schema 999"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_and_nothing_of_it_put_anywhere(
    kept: Path, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    done("backup", tmp_path / "b", "--data", kept)
    spoil(tmp_path / "b")

    said = refused("restore", tmp_path / "b", "--data", tmp_path / "again")

    assert why in said
    assert "Traceback" not in said
    assert not (tmp_path / "again" / "sweeps.sqlite").exists()


def newer(folder: Path) -> None:
    note = folder / "backup.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"schema": 999}))


@denied.needed
def test_a_backup_that_breaks_off_leaves_nothing(kept: Path, tmp_path: Path) -> None:
    said: list[Result] = []

    denied.call(
        {"write": errno.ENOSPC},
        lambda: said.append(server("backup", tmp_path / "b", "--data", kept)),
    )

    assert said[0].exit_code == 2
    assert "database or disk is full" in said[0].output
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_room_of_deleted_rows_goes_back_to_the_disk(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
        wb.log("r", 0, *({"loss": 1.0, "text": "x" * 10_000} for _ in range(200)))
        id = wb.field("r", "id")
        wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=id)
    before = (tmp_path / "data" / "sweeps.sqlite").stat().st_size

    emptied = done("empty", "--data", tmp_path / "data")
    said = done("compact", "--data", tmp_path / "data")

    after = (tmp_path / "data" / "sweeps.sqlite").stat().st_size
    assert emptied == "run local/p/r is gone\n"
    assert after < before / 4
    assert f"{before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB now" in said
