"""A VM made of a container: systemd as its first process, cloud-init, an engine of its own once one is installed."""

import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.patience import HANG_S

ROOT = Path(__file__).parents[2]
IMAGE = "tf-sweeps-test-vm"
LOOK_S = 0.3
# What the trials of these tests do without: two thirds of the image.
LEFT_OUT = (
    "proc/*",
    "sys/*",
    "dev/*",
    "tmp/*",
    "images",
    "srv/fashion-mnist",
    "usr/share/datasets",
    "*/tensorflow",
    "*/clang",
    "*/keras",
)
LOAD = """#!/bin/sh
set -e
docker image inspect tf-sweeps-trainer-cpu > /dev/null 2>&1 && exit
docker load --input /images/server.tar
docker import -c 'ENV {path} DATA_DIR=/data TRAINER=cpu' -c 'USER 10001:10001' -c 'WORKDIR /srv' \\
    /images/trainer.tar tf-sweeps-trainer-cpu
"""


def run(*command: str, cwd: Path = ROOT, **variables: str) -> str:
    """What a command prints; it must work."""
    env = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(["env", *env, *command], cwd=cwd, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def save_images(folder: Path) -> None:
    """Writes what the VM's engine loads: the server as it is, the trainer without what only training needs."""
    run("docker", "save", "--output", str(folder / "server.tar"), "tf-sweeps-server")
    left_out = " ".join(f"--exclude=./{name}" for name in LEFT_OUT)
    pack = f"tar -C / -c {left_out} . > /images/trainer.tar"
    run("docker", "run", "--rm", "--user=0", "-v", f"{folder}:/images", "tf-sweeps-trainer-cpu", "sh", "-c", pack)
    path = run("docker", "run", "--rm", "tf-sweeps-trainer-cpu", "printenv", "PATH").strip()
    (folder / "load.sh").write_text(LOAD.format(path=f"PATH={path}"))
    (folder / "load.sh").chmod(0o755)


class Vm:
    """One VM, powered on when it is made; `close` leaves nothing of it.

    Attributes:
        name: the container's.
    """

    def __init__(self, name: str, folder: Path) -> None:
        """Takes user data from `folder`/seed and images from `folder`/images; sees the folder under its own name."""
        self.name = name
        base = ["--build-arg", "BASE_IMAGE"]  # of the environment, if it is there
        file = ["--file", "tests/deploy/vm.Dockerfile"]
        run("docker", "build", "--quiet", *base, "--tag", IMAGE, *file, "tests/deploy")
        seed = f"{folder}/seed:/var/lib/cloud/seed/nocloud:ro"
        mounts = ["/var/lib/docker", f"{folder}:{folder}:ro", seed, f"{folder}/images:/images:ro"]
        volumes = [word for mount in mounts for word in ("--volume", mount)]
        tmpfs = ["--tmpfs", "/run", "--tmpfs", "/tmp"]
        run("docker", "run", "--detach", "--privileged", "--name", name, "--hostname", name, *tmpfs, *volumes, IMAGE)

    def shell(self, command: str) -> str:
        return run("docker", "exec", self.name, "bash", "-c", command)

    def background(self, *command: str) -> None:
        run("docker", "exec", "--detach", self.name, *command)

    def compose(self, words: str) -> str:
        return self.shell(f"cd /opt/tf-sweeps && docker compose {words}")

    def journal(self, unit: str = "tf-sweeps") -> str:
        """What a unit said since the power was on."""
        return self.shell(f"journalctl --boot --no-pager --output cat --unit {unit}")

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + HANG_S
        while not holds():
            assert time.monotonic() < deadline_s, f"never {what}\n{self._said()}"
            time.sleep(LOOK_S)

    def wait_until_off(self) -> None:
        run("docker", "wait", self.name)

    def off(self) -> None:
        """In order, as a cloud's stop button does it."""
        run("docker", "stop", "--time", "100", self.name)

    def on(self) -> None:
        run("docker", "start", self.name)

    def close(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True)

    def _said(self) -> str:
        return self.shell(
            "tail -n 30 /var/log/cloud-init-output.log; journalctl --no-pager -n 60 -u tf-sweeps\\* || true"
        )
