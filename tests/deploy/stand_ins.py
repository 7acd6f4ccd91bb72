"""A Debian whose programs only say what they were asked: what a VM's scripts do, without a VM."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE_IMAGE = os.environ.get("BASE_IMAGE", "python:3.13-slim-trixie")
SETTINGS = "REPO=file:///srv/project\nREF=main\nSWEEP=sweeps/own.yaml\n"
CHECKOUT = "mkdir -p /opt/tf-sweeps/sweeps; cp -r /deploy /opt/tf-sweeps; touch /opt/tf-sweeps/sweeps/own.yaml\n"
COMMIT = "echo {} > /opt/commit\n"

# A program that notes its words; git makes what a checkout has.
NOTE = '#!/bin/bash\necho "${0##*/} $*" >> /vm/told\n'
STAND_INS = {
    "apt-get": NOTE,
    "systemctl": NOTE,
    "nvidia-ctk": NOTE,
    "curl": NOTE + 'while [ "$1" != -o ]; do shift; done; echo a key > "$2"\n',
    "docker": NOTE + "exit 1\n",
    "apt-cache": '#!/bin/bash\nfound=$(sed -n "s/^$2 //p" /vm/candidates)\necho "  Candidate: ${found:-(none)}"\n',
    "git": NOTE + 'case "$*" in *rev-parse*) cat /opt/commit 2> /dev/null || exit 1 ;; *fetch*) . /vm/fetch ;; esac\n',
}


class Debian:
    """A container of the base image with `folder` as /vm; each call of `run` is a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in STAND_INS.items():
            self.program(name, text)
        self.write("settings", SETTINGS)
        self.write("fetch", CHECKOUT + COMMIT.format("a-commit"))
        self.write("os-release", "ID=debian\nVERSION_CODENAME=trixie\n")
        self.write("bus/0/vendor", "0x8086\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def program(self, name: str, text: str) -> None:
        self.write(f"programs/{name}", text)
        (self.folder / "programs" / name).chmod(0o755)

    def has_gpu(self) -> None:
        self.write("bus/1/vendor", "0x10de\n")

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        mounts = {
            self.folder: "/vm",
            self.folder / "settings": "/etc/tf-sweeps/settings",
            self.folder / "os-release": "/etc/os-release",
            self.folder / "bus": "/sys/bus/pci/devices",
            ROOT / "deploy": "/deploy",
        }
        volumes = [word for here, there in mounts.items() for word in ("--volume", f"{here}:{there}")]
        shell = ["bash", "-c", f"PATH=/vm/programs:$PATH; {script}"]
        command = ["docker", "run", "--rm", "--network=none", *volumes, BASE_IMAGE, *shell]
        return subprocess.run(command, capture_output=True, text=True)

    def told(self) -> str:
        """Every program and its words, a line each."""
        path = self.folder / "told"
        return path.read_text() if path.exists() else ""


def skip_without_docker() -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "version"], capture_output=True).returncode:
        pytest.skip("this wants Docker: tests/compose/engine.sh up")
