"""A database is kept only where locks keep others out; on a shared disk without them it lies apart from the rest."""

import errno
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.keys import Keys, load_keys
from server.store import locks
from server.store.locks import NoLocksError
from tests import denied
from tests.server.real_server import RunningServer, ending, python

NO_LOCKS = "flock=ENOTSUP,fcntl=ENOLCK"


def start(data: Path, *flags: str, by: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    command = [*(by or python()), "-m", "server", "--data", str(data), "--port", "0", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("errors", "what"),
    [
        ({"flock": errno.ENOSYS}, "flock: Function not implemented"),
        ({"flock": 0}, "flock: a lock keeps nobody out"),
        ({"fcntl": errno.ENOLCK}, "fcntl: No locks available"),
        ({"fcntl": 0}, "fcntl: a lock keeps nobody out"),
        ({"mmap": errno.ENODEV}, "SQLite's WAL: disk I/O error"),
    ],
)
@denied.needed
def test_what_a_disk_does_not_do_for_a_database_is_found_out(tmp_path: Path, errors: dict[str, int], what: str) -> None:
    raised = denied.call(errors, lambda: locks.ensure(tmp_path))

    assert isinstance(raised, NoLocksError)
    assert str(raised) == f"{tmp_path} ({what})"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_of_this_machine_does_it_all(tmp_path: Path) -> None:
    locks.ensure(tmp_path)

    assert list(tmp_path.iterdir()) == []


@denied.needed
def test_a_disk_that_is_only_full_is_not_said_to_have_no_locks(tmp_path: Path) -> None:
    assert denied.call({"write": errno.ENOSPC}, lambda: locks.ensure(tmp_path)) is None


@denied.needed
def test_keys_can_be_made_on_a_disk_that_knows_no_links(tmp_path: Path) -> None:
    made: list[Keys] = []

    raised = denied.call({"link": errno.EPERM}, lambda: made.append(load_keys(tmp_path)))

    assert raised is None
    assert made == [load_keys(tmp_path)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api-key", "signing-key"]


@denied.needed
def test_a_server_refuses_to_keep_its_database_without_locks_and_says_which_folder_to_take(tmp_path: Path) -> None:
    done = start(tmp_path / "data", by=(sys.executable, "-m", "tests.denied", NO_LOCKS, sys.executable))

    assert done.returncode == 2
    assert done.stderr == (
        f"Error: no database can be kept in {tmp_path}/data (flock: Operation not supported), whose disk has no locks "
        "that work: give --database (DATABASE_DIR) a folder on a disk of this machine; the rest may stay\n"
    )


def test_a_database_apart_is_found_again_and_not_begun_anew_by_mistake(tmp_path: Path) -> None:
    data, apart = tmp_path / "data", tmp_path / "apart"

    with ending(RunningServer(data, "--database", str(apart))) as server:
        second = start(data, "--database", str(apart))
        key = server.api_key
    verified = subprocess.run(
        [*python(), "-m", "server", "verify", "--data", str(data)], capture_output=True, text=True
    )
    forgotten = start(data)

    assert (apart / "sweeps.sqlite").exists()
    assert not (data / "sweeps.sqlite").exists()
    assert (data / "api-key").read_text().strip() == key  # agents elsewhere read it there
    assert f"server at {server.url} runs already, data in {data}" in second.stdout
    assert verified.stdout.splitlines()[-1] == "The ledger holds."
    assert forgotten.returncode == 2
    assert f"the database of {data} is {apart}/sweeps.sqlite: give --database {apart}" in forgotten.stderr
