"""The server's stand-in where runs go elsewhere."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.patience import HANG_S


@pytest.mark.parametrize("name", ["WANDB_API_KEY", "WANDB_API_KEY_FILE", "WANDB_BASE_URL"])
def test_it_says_in_one_line_that_no_server_is_needed_and_idles_in_good_health(tmp_path: Path, name: str) -> None:
    with started(tmp_path, **{name: "set"}) as process:
        line = process.stdout.readline() if process.stdout else ""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{listening_port(process.pid)}/healthz", timeout=HANG_S
        ) as answer:
            told = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=HANG_S)

    assert line == f"The embedded server is not needed: runs go elsewhere ({name}). It idles.\n"
    assert told == f"The embedded server is not needed: runs go elsewhere ({name}).\n"
    assert (process.returncode, rest) == (0, "")
    assert not (tmp_path / "data").exists()


def test_with_nothing_set_it_serves(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        line = process.stdout.readline() if process.stdout else ""
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_S)

    assert line.startswith("tf-sweeps server at http://127.0.0.1:")


@contextmanager
def started(folder: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The server on a free port; it is ended whatever becomes of the test."""
    command = [sys.executable, "-m", "server", "--port", "0", "--data", str(folder / "data"), "--standby"]
    environment = os.environ | variables
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def listening_port(pid: int) -> int:
    """The one port on which a process listens, as the system tells it."""
    sockets = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == "0A" and f"socket:[{inode}]" in sockets:
            return int(local.rpartition(":")[2], 16)
    raise AssertionError("it listens nowhere")
