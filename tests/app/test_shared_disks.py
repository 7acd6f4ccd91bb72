"""Nodes of a cluster share disks, at times without locks: what is one machine's own is not taken for another's."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.commands.setup import Setup
from app.commands.warm_server import WarmServer
from app.machine import lock, node
from app.machine.children import Interrupts
from tests import denied
from tests.app.programs import ROOT, Workplace

NO_LOCKS = "flock=ENOTSUP,fcntl=ENOLCK"

# Says where a thin parent has its files, on a machine of this name.
PARENT = """
import os, socket, sys
from app.parent import last_words, patience

socket.sethostname(sys.argv[1])
there = {"TMPDIR": sys.argv[2]}
print(os.getpid(), last_words.place(there), patience.watch(["-m", "app.train"], there, 0.0).path)
"""


@denied.needed
def test_data_is_prepared_without_locks(workplace: Workplace) -> None:
    (workplace.data / "fashion-mnist").unlink()

    code, output = workplace.run("prepare", wrapper=(sys.executable, "-m", "tests.denied", NO_LOCKS))

    assert code == 0, output
    assert f"prepared in {workplace.data}/fashion-mnist" in output


@denied.needed
def test_what_may_be_done_twice_is_not_kept_waiting_for_a_lock_that_cannot_be_had(tmp_path: Path) -> None:
    done: list[str] = []

    def register() -> None:
        with lock.held(tmp_path / "new" / "register.lock"):
            done.append("registered")

    assert denied.call({"flock": errno.ENOLCK}, register) is None
    assert done == ["registered"]


@denied.needed
def test_where_data_dir_has_no_locks_wandbs_client_keeps_its_files_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setattr(node, "TEMPORARY", own)
    setup = Setup.read({"DATA_DIR": str(tmp_path / "data"), "ENV_FILE": "-"})
    shared: list[str] = []

    denied.call({"flock": errno.ENOLCK}, lambda: shared.extend([place_of_copies(setup), *setup.notes()]))

    assert shared[0] == str(own / f"tf-sweeps-wandb-{os.getuid()}")
    assert f"DATA_DIR is on a disk without locks: W&B's own copies of runs go to {own}." in shared
    assert place_of_copies(setup) == str(tmp_path / "data")


def place_of_copies(setup: Setup) -> str:
    return setup.environment(setup.backend)["WANDB_DIR"]


def test_parents_with_the_same_number_on_two_machines_share_no_file(tmp_path: Path) -> None:
    machine = ["unshare", "--map-root-user", "--uts", "--pid", "--fork"]
    if not shutil.which("unshare") or subprocess.run([*machine, "true"], capture_output=True).returncode:
        pytest.skip("namespaces can be made neither here nor by this user")

    (first, *its), (second, *others) = (
        subprocess.check_output([*machine, sys.executable, "-c", PARENT, name, tmp_path], cwd=ROOT, text=True).split()
        for name in ("node-1", "node-2")
    )

    assert first == second
    assert set(its).isdisjoint(others)


def test_a_warm_servers_socket_has_a_short_path_on_this_machine_wherever_temporary_files_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / ("a-scratch-folder-of-a-job-" * 4)
    far.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(far))

    server = WarmServer({**os.environ, "PYTHONPATH": str(ROOT)}, tmp_path / "warm.log")
    server.stop(Interrupts())

    assert len(server.environment["WARM_SOCKET"]) < 100
    assert list(far.iterdir()) == []
