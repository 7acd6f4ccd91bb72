"""Two machines' containers and a Caddy between them: `compose.tls.yml` on the one, `compose.ca.yml` on the other."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compose.deployment import Deployment, docker, open_deployment
from tests.deploy import caddy

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

TLS = "docker-compose.yml:compose.tls.yml"
# The official image cannot be had everywhere. As there, the program's file asks for a capability.
CADDY_IMAGE = "tf-sweeps-test-caddy"
LIKE_THE_OFFICIAL_IMAGE = """
FROM python:3.13-slim-trixie
COPY caddy /usr/bin/caddy
RUN chmod 755 /usr/bin/caddy && python3 -c 'import os, struct; os.setxattr("/usr/bin/caddy", "security.capability", \\
    struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))'
"""
# Nothing is published while tests run: the other machine's containers are put on the same network.
UNPUBLISHED = "services: {tls: {ports: !reset []}}\n"


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "version"], capture_output=True).returncode:
        pytest.skip("no Docker engine answers here: tests/compose/engine.sh up starts one")


@pytest.fixture(scope="module")
def caddy_image(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("caddy")
    shutil.copy(caddy.program(), folder / "caddy")
    (folder / "Dockerfile").write_text(LIKE_THE_OFFICIAL_IMAGE)
    docker("build", "--quiet", "--tag", CADDY_IMAGE, str(folder))
    yield CADDY_IMAGE
    docker("image", "rm", "--force", CADDY_IMAGE, "tf-sweeps-tls")


@pytest.fixture
def there(tmp_path: Path, caddy_image: str) -> Iterator[Deployment]:
    """The machine with the server."""
    for deployment in open_deployment(tmp_path / "tf-sweeps-test-tls-there"):
        (deployment.folder / "compose.unpublished.yml").write_text(UNPUBLISHED)
        told = {"TLS_NAME": "tls", "TLS_PORT": "8443", "CADDY_IMAGE": caddy_image}
        deployment.variables |= told | {"COMPOSE_FILE": f"{TLS}:compose.unpublished.yml"}
        deployment.compose("build", "--quiet", "server", "tls")
        deployment.compose("up", "--detach", "--wait", "tls")
        yield deployment


@pytest.fixture
def here(tmp_path: Path, there: Deployment) -> Iterator[Deployment]:
    """A machine that helps."""
    for deployment in open_deployment(tmp_path / "tf-sweeps-test-tls-here"):
        root = there.compose("exec", "-T", "tls", "cat", "/data/pki/authorities/local/root.crt").stdout
        (deployment.folder / "root.crt").write_text(root)
        (deployment.folder / ".env").write_text(
            f"WANDB_BASE_URL=https://tls:8443\nWANDB_API_KEY={key(there)}\nSSL_CERT_FILE=./root.crt\n"
        )
        deployment.variables["COMPOSE_FILE"] = "docker-compose.yml:compose.ca.yml"
        deployment.write_quick_sweep(sizes=1, epochs=1)
        network = {"default": {"name": f"{there.name}_default", "external": True}}
        deployment.add("compose.network.yml", {"networks": network})
        yield deployment


def key(deployment: Deployment) -> str:
    return deployment.compose("exec", "-T", "server", "cat", "/data/server/api-key").stdout.strip()


def test_another_machines_containers_register_and_run_a_sweep_through_caddy(
    there: Deployment, here: Deployment
) -> None:
    here.compose("build", "--quiet", "register")
    registered = here.compose("run", "--rm", "--no-deps", "register").stdout
    worked = here.compose("run", "--rm", "--no-deps", "agent").stdout
    said = there.logs("server")
    (run,) = there.runs()
    (proxy,) = there.containers("tls")

    assert "Dashboard: https://tls:8443/local/wandb-sweep-practice/sweeps/" in registered
    assert "1 of 1 runs finished" in worked
    assert {"output.log", "config.yaml"} <= {file.name for file in run.files() if file.size}
    assert proxy["Config"]["User"] == "10001:10001"
    assert "Reached as" not in said


def test_only_caddy_is_open_to_other_machines_and_it_may_do_no_more_than_the_others(there: Deployment) -> None:
    told = json.loads(there.compose("config", "--format", "json", COMPOSE_FILE=TLS).stdout)["services"]
    ports = {name: [(port.get("host_ip"), port["published"]) for port in ports_of(it)] for name, it in told.items()}
    hardening = ("read_only", "cap_drop", "security_opt", "tmpfs", "init", "pull_policy")

    assert {name: found for name, found in ports.items() if found} == {
        "server": [("127.0.0.1", there.variables["PORT"])],
        "tls": [(None, "8443")],
    }
    assert [told["tls"][name] for name in hardening] == [told["server"][name] for name in hardening]
    assert told["tls"]["mem_limit"]
    assert told["tls"]["pids_limit"]
    assert "cap_add" not in told["tls"]


def ports_of(service: dict[str, Any]) -> list[Any]:
    return list(service.get("ports", []))
