"""The notices by which clouds take spot VMs back, from metadata services that answer as theirs do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.patience import HANG_S

ROOT = Path(__file__).parents[2]
SYSTEMCTL = '#!/bin/sh\necho "$*" >> "{record}"\n'


class Vm:
    """A VM in a cloud, whose `systemctl` only notes what it is told."""

    def __init__(self, folder: Path, cloud: str) -> None:
        folder.mkdir()
        self.folder, self.cloud = folder, cloud
        self._stack = ExitStack()
        (folder / "systemctl").write_text(SYSTEMCTL.format(record=folder / "told"))
        (folder / "systemctl").chmod(0o755)
        service = self._start("tests/vm/clouds.py", cloud, str(folder))
        wait_until((folder / "port").exists, service)

    def watch(self) -> subprocess.Popen[str]:
        port = (self.folder / "port").read_text()
        path = f"{self.folder}:{os.environ['PATH']}"
        # The proxy is for the rest of the world.
        return self._start(
            "deploy/vm/spot.py", METADATA_URL=f"http://127.0.0.1:{port}", PATH=path, http_proxy="http://127.0.0.1:9"
        )

    def told(self) -> list[str]:
        record = self.folder / "told"
        return record.read_text().splitlines() if record.exists() else []

    def close(self) -> None:
        self._stack.close()

    def _start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", "-u", *words]
        environment = os.environ | variables
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        self._stack.callback(end, process)
        return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def wait_until(holds: Callable[[], bool], *processes: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + HANG_S
    while not holds():
        assert [process.poll() for process in processes] == [None] * len(processes)
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Vm]]:
    with ExitStack() as stack:

        def started(cloud: str) -> Vm:
            vm = Vm(tmp_path / cloud, cloud)
            stack.callback(vm.close)
            return vm

        yield started


def test_a_notice_stops_the_sweep_and_its_withdrawal_starts_it(start: Callable[[str], Vm]) -> None:
    vms = [start(cloud) for cloud in ("aws", "gcp", "azure")]  # at once: most of this is the clouds' own pauses
    watchers = [vm.watch() for vm in vms]
    said = [next_line(watcher) for watcher in watchers]
    before = [vm.told() for vm in vms]

    for vm in vms:
        (vm.folder / "notice").touch()
    wait_until(lambda: all(vm.told() == ["stop tf-sweeps"] for vm in vms), *watchers)
    for vm in vms:
        (vm.folder / "silent").touch()
        (vm.folder / "notice").unlink()
    notices = [(next_line(watcher), next_line(watcher)) for watcher in watchers]
    after_silence = [vm.told() for vm in vms]
    for vm in vms:
        (vm.folder / "silent").unlink()
    wait_until(lambda: all(vm.told() == ["stop tf-sweeps", "start tf-sweeps"] for vm in vms), *watchers)

    assert said == [f"Watches for spot notices of {name}.\n" for name in ("Aws", "Gcp", "Azure")]
    assert before == [[], [], []]
    assert all(notice.startswith("Notice: this VM will be taken back") for notice, _ in notices)
    assert all(silence.startswith("The metadata service says nothing usable") for _, silence in notices)
    assert after_silence == [["stop tf-sweeps"]] * 3


def test_elsewhere_nothing_is_watched(start: Callable[[str], Vm]) -> None:
    watcher = start("none-of-these").watch()

    said, _ = watcher.communicate(timeout=HANG_S)

    assert said == "No metadata of AWS, GCP or Azure: this VM gets no spot notices.\n"
    assert watcher.returncode == 0
