"""Nodes of a cluster share disks, at times without locks: what is one machine's own is not taken for another's."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.commands.warm_server import WarmServer
from app.machine.children import Interrupts
from tests import denied
from tests.app.programs import ROOT, Workplace, runs
from tests.server.real_server import RunningServer

# Says where a thin parent has its files, on a machine of this name.
PARENT = """
import os, socket, sys
from app.parent import last_words, patience

socket.sethostname(sys.argv[1])
there = {"TMPDIR": sys.argv[2]}
print(os.getpid(), last_words.place(there), patience.watch(["-m", "app.train"], there, 0.0).path)
"""


@pytest.mark.slow
@denied.needed
def test_a_sweep_runs_on_a_disk_without_locks(workplace: Workplace, server: RunningServer) -> None:
    (workplace.data / "fashion-mnist").unlink()
    workplace.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\nWANDB_PROJECT=no-locks\n")
    workplace.write_quick_sweep(size=[1])
    no_locks = (sys.executable, "-m", "tests.denied", "flock=ENOTSUP,fcntl=ENOLCK")

    ended = [workplace.run(command, wrapper=no_locks) for command in ("prepare", "register", "agent")]

    assert [code for code, _ in ended] == [0, 0, 0], ended
    assert "DATA_DIR is on a disk without locks: W&B's own copies of runs go to /tmp." in ended[2][1]
    assert [run.state for run in runs(server, "no-locks")] == ["finished"]


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
