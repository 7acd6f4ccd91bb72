"""Runs the containers of manifests as processes: each with the files, variables and command that its pod gives it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from tests.deploy.manifests import ROOT, Manifest, Workload, of_kind, settings
from tests.patience import HANG_S


class Pod:
    """A workload's container, whose root is a folder. It shares no file with another pod but what a manifest says.

    Args:
        key: what the secret holds.
        instead: texts of variables and arguments that a machine without a cluster wants otherwise.
    """

    def __init__(self, manifests: list[Manifest], it: Workload, root: Path, key: str, instead: dict[str, str]) -> None:
        self.root, self._it, self._instead = root, it, instead
        for mount in it.container["volumeMounts"]:
            _fill(self._place(mount["mountPath"]), it.volume(mount["name"]), manifests, key)
        self.log = root / "log"
        self._variables = {name: self._here(text) for name, text in settings(manifests, it, key).items()}

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Starts the command, with more arguments behind it."""
        python, *arguments = self._it.container["command"]
        assert python == "python"
        command = [sys.executable, *map(self._here, arguments), *more]
        environment = {**os.environ, **self._variables, "PYTHONPATH": str(ROOT), "HOME": str(self._place("/tmp"))}
        with self.log.open("ab") as log:
            return subprocess.Popen(command, cwd=self._place("/srv"), env=environment, stdout=log, stderr=log)

    def run(self) -> int:
        """Gives the exit code."""
        process = self.start()
        try:
            return process.wait(HANG_S)
        finally:
            end(process)

    def wait_until_well(self, url: str, process: subprocess.Popen[bytes]) -> None:
        """Asks at the address of the pod's probes, until all is well there."""
        path = self._it.container["readinessProbe"]["httpGet"]["path"]
        end_s = time.monotonic() + HANG_S
        while not _is_well(url + path):
            assert process.poll() is None, self.said()
            assert time.monotonic() < end_s, self.said()
            time.sleep(0.05)

    def said(self) -> str:
        return self.log.read_text()

    def _place(self, path: str) -> Path:
        place = self.root / path.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _here(self, text: str) -> str:
        """A path inside the pod's root; everything else as it is, but for what is `instead`."""
        return str(self.root / text[1:]) if text.startswith("/") else self._instead.get(text, text)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end, unless it has, and waits for it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(HANG_S)


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_well(url: str) -> bool:
    try:
        return httpx2.get(url).is_success
    except httpx2.TransportError:
        return False


def _fill(place: Path, volume: Manifest, manifests: list[Manifest], key: str) -> None:
    if "configMap" in volume:
        for name, text in of_kind(manifests, "ConfigMap")[volume["configMap"]["name"]]["data"].items():
            (place / name).write_text(text)
    elif "secret" in volume:
        (place / "api-key").write_text(f"{key}\n")
