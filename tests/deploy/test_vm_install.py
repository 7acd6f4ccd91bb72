"""What install.sh puts on a VM, in a Debian whose programs only say what they were asked."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.deploy.stand_ins import COMMIT, NOTE, SETTINGS, Debian, skip_without_docker

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

DEBIAN_13 = {
    "docker.io": "26.1.5+dfsg1-9",
    "docker-cli": "26.1.5",
    "docker-buildx": "0.13.1",
    "docker-compose": "2.26.1-4",
}
UBUNTU_24 = {
    "docker.io": "27.5.1-0ubuntu3",
    "docker-compose-v2": "2.33.0+ds1",
    "docker-compose": "1.29.2-6",
    "docker-buildx": "0.20.1",
}
DEBIAN_12 = {"docker.io": "20.10.24+dfsg1-1", "docker-compose": "1.29.2-3"}
# What is left of the VM when the script has ended.
INSTALL = "/deploy/vm/install.sh; code=$?; cp -r /etc/apt/{sources.list.d,keyrings} /vm 2> /dev/null; exit $code"


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    skip_without_docker()
    made = Debian(tmp_path)
    offer(made, DEBIAN_13, "debian", "trixie")
    return made


def offer(debian: Debian, candidates: Mapping[str, str], distribution: str, codename: str) -> None:
    debian.write("candidates", "".join(f"{name} {version}\n" for name, version in candidates.items()))
    debian.write("os-release", f"ID={distribution}\nVERSION_CODENAME={codename}\n")


def sources(debian: Debian) -> dict[str, str]:
    """The repositories that were added."""
    return {path.stem: path.read_text() for path in debian.folder.glob("sources.list.d/*.list")}


@pytest.mark.parametrize(
    ("candidates", "release", "compose"),
    [(DEBIAN_13, ("debian", "trixie"), "docker-compose"), (UBUNTU_24, ("ubuntu", "noble"), "docker-compose-v2")],
    ids=["Debian 13", "Ubuntu 24.04"],
)
def test_the_distributions_docker_is_taken_where_it_is_new_enough(
    debian: Debian, candidates: dict[str, str], release: tuple[str, str], compose: str
) -> None:
    offer(debian, candidates, *release)

    done = debian.run(INSTALL)

    names = [name for name in ("docker.io", "docker-cli", "docker-buildx") if name in candidates]
    assert done.returncode == 0, done.stderr
    assert f"installs {' '.join([*names, compose])}\n" in done.stdout
    assert sources(debian) == {}
    assert "systemctl restart tf-sweeps tf-sweeps-spot" in debian.told()


def test_dockers_own_repository_is_added_with_its_key_where_the_distributions_is_too_old(debian: Debian) -> None:
    offer(debian, DEBIAN_12, "debian", "bookworm")

    done = debian.run(INSTALL)

    line = "deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable\n"
    assert done.returncode == 0, done.stderr
    assert sources(debian) == {"docker": line}
    assert (debian.folder / "keyrings/docker.asc").read_text() == "a key\n"
    assert "https://download.docker.com/linux/debian/gpg" in debian.told()
    assert "docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin" in debian.told()


def test_a_docker_that_serves_already_is_left_alone(debian: Debian) -> None:
    debian.program("docker", '#!/bin/bash\ncase "$1" in version) echo 28.0.1 ;; compose) echo v2.40.3 ;; esac\n')

    done = debian.run(INSTALL)

    assert done.returncode == 0, done.stderr
    assert "docker" not in debian.told().replace("nvidia", "")


def test_images_are_built_anew_for_another_commit_alone(debian: Debian) -> None:
    debian.program("docker", NOTE)
    again = "/deploy/vm/install.sh"

    done = debian.run(f"{again} && {again} && echo '{COMMIT.format('another').strip()}' >> /vm/fetch && {again}")

    builds = [line for line in debian.told().splitlines() if line.startswith(("docker compose", "systemctl restart"))]
    start = "systemctl restart tf-sweeps tf-sweeps-spot"
    assert done.returncode == 0, done.stderr
    assert [line for line in builds if not line.endswith("--short")] == [
        start,
        start,
        "docker compose --ansi never build",
        start,
    ]


def test_a_gpu_brings_nvidias_toolkit(debian: Debian) -> None:
    debian.has_gpu()
    debian.program("nvidia-smi", NOTE)
    (debian.folder / "programs/nvidia-ctk").unlink()
    debian.program("apt-get", NOTE + 'case "$*" in *nvidia-container-toolkit*) cp "$0" "${0%/*}/nvidia-ctk" ;; esac\n')

    done = debian.run(INSTALL)

    assert done.returncode == 0, done.stderr
    assert sources(debian)["nvidia"].startswith(
        "deb [signed-by=/etc/apt/keyrings/nvidia.asc] https://nvidia.github.io/"
    )
    assert "nvidia-ctk runtime configure --runtime=docker\nsystemctl restart docker\n" in debian.told()


def test_a_gpu_without_a_driver_is_told_before_anything_is_fetched(debian: Debian) -> None:
    debian.has_gpu()

    done = debian.run(INSTALL)

    assert done.returncode == 2
    assert done.stderr.startswith("Error: this VM has an NVIDIA GPU but no working driver. Launch an image that brings")
    assert "git" not in debian.told().replace("curl git", "")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            lambda debian: debian.write("fetch", "echo fatal: no such ref >&2; exit 128\n"),
            "Error: REF=main cannot be fetched from REPO=file:///srv/project: fatal: no such ref",
        ),
        (
            lambda debian: debian.write("settings", SETTINGS.replace("own", "other")),
            "Error: SWEEP=sweeps/other.yaml: there is no such file in the project.",
        ),
        (
            lambda debian: debian.write("settings", SETTINGS + "ENV_FROM='exit 7'\n"),
            "Error: ENV_FROM ended with 7: see its own words above.",
        ),
        (
            lambda debian: debian.write("settings", SETTINGS + "ENV_FROM=true\n"),
            "Error: ENV_FROM printed nothing; its output is the .env.",
        ),
        (
            lambda debian: debian.write("settings", "SWEEP=sweeps/own.yaml\n"),
            "Error: REPO and REF are not both set in /etc/tf-sweeps/settings.",
        ),
    ],
    ids=["no such ref", "no such sweep", "no secret", "empty secret", "no settings"],
)
def test_a_mistake_is_one_line_and_starts_no_service(
    debian: Debian, break_it: Callable[[Debian], None], said: str
) -> None:
    break_it(debian)

    done = debian.run(INSTALL)

    assert done.returncode == 2
    assert done.stderr == f"{said}\n"
    assert "systemctl" not in debian.told()
