"""What `.env` says of proxies and certificates counts for the programs' own client as for all that they start."""

import shutil
import subprocess
from pathlib import Path

import pytest

from app import backend, settings
from app.backend import Backend
from tests.app import tls_front
from tests.app.programs import Workplace
from tests.server.real_server import RunningServer

PROXY = "http://127.0.0.1:1"  # nobody listens there
LOGIN = "login.cluster"

# A machine that knows another one, which is this one, by a name.
WITH_A_NAME = 'mount --bind "$0" /etc/hosts && exec "$@"'


@pytest.mark.slow
def test_a_ca_that_only_the_file_names_is_trusted_by_every_command(workplace: Workplace, server: RunningServer) -> None:
    workplace.write_quick_sweep(size=[1])
    key_of(workplace, server)

    with tls_front.in_front_of(server.url, workplace.folder) as (url, ca):
        outside = f"SSL_CERT_FILE={ca}\nWANDB_PROJECT=behind-tls\n"
        workplace.write_env_file(f"{outside}WANDB_BASE_URL={url}\nWANDB_API_KEY={server.api_key}\n")
        registered = workplace.run("register", plain=True)
        worked = workplace.run("agent", plain=True, DATA_DIR=str(workplace.folder / "of another node"))
        (sweep,) = server.api().project("behind-tls").sweeps()
        workplace.write_env_file(f"{outside}SERVER_URL={url}\n")  # asked by no client of W&B's
        reported = workplace.run("report", plain=True, SWEEP_ID=f"local/behind-tls/{sweep.id}")

    assert registered[0] == 0, registered[1]
    assert worked[0] == 0, worked[1]
    assert "wasn't writable" not in worked[1]  # W&B's client makes no folder
    assert reported[0] == 0, reported[1]
    assert "1 of 1 runs finished" in reported[1]


@pytest.mark.slow
def test_no_proxy_stands_before_the_embedded_server_by_whatever_name(
    workplace: Workplace, server: RunningServer
) -> None:
    hosts = workplace.folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {LOGIN}\n")
    unshare = ("unshare", "--map-root-user", "--mount", "sh", "-c", WITH_A_NAME, str(hosts))
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("namespaces can be made neither here nor by this user")
    workplace.write_quick_sweep(size=[1])
    key_of(workplace, server)
    workplace.write_env_file(f"HTTP_PROXY={PROXY}\nWANDB_PROJECT=no-proxy\nWANDB_HTTP_TIMEOUT=5\n")

    code, output = workplace.run("register", wrapper=unshare, SERVER_URL=f"http://{LOGIN}:{server.port}")

    assert code == 0, output


def key_of(workplace: Workplace, server: RunningServer) -> None:
    """Lets the workplace know the server as its own."""
    (workplace.data / "server").mkdir()
    shutil.copy(server.data / "api-key", workplace.data / "server")


def environment(url: str, **variables: str) -> dict[str, str]:
    return backend.environment(Backend("embedded", "", url, "key"), settings.read({}, {}), variables, {})


def test_the_embedded_server_is_an_exception_beside_those_that_were_there() -> None:
    given = environment(f"http://{LOGIN}:8080", http_proxy=PROXY, NO_PROXY="10.0.0.0/8")
    none = environment(f"http://{LOGIN}:8080")

    assert given["NO_PROXY"] == given["no_proxy"] == f"10.0.0.0/8,{LOGIN}"
    assert not none.keys() & {"NO_PROXY", "no_proxy"}
    assert environment(f"http://{LOGIN}:8080", http_proxy=PROXY, NO_PROXY="*")["NO_PROXY"] == "*"


def test_what_the_shell_says_otherwise_of_certificates_and_proxies_is_told_without_a_password() -> None:
    file = {"SSL_CERT_FILE": "ca.pem", "https_proxy": PROXY, "NO_PROXY": "a", "AGENTS": "2", "SSL_CERT_DIR": "certs"}
    shell = {
        "SSL_CERT_FILE": "/etc/ssl/cert.pem",
        "https_proxy": "http://me:secret@proxy:80",
        "NO_PROXY": "a",
        "AGENTS": "3",
    }

    assert settings.shadowed(shell, file) == [
        "SSL_CERT_FILE of the shell comes before that of .env, which is another.",
        "https_proxy of the shell comes before that of .env, which is another.",
    ]


def test_the_commands_own_process_finds_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("SSL_CERT_FILE=ca.pem\nWANDB_MODE=offline\nAGENTS=2\n")

    found = settings.one_environment({"AGENTS": "3"}, settings.read_env_file({"ENV_FILE": str(tmp_path / "env")}))

    assert found == {"SSL_CERT_FILE": "ca.pem", "AGENTS": "3"}
