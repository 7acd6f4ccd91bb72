"""What the server says at its start about who can reach it, and who can read what they send."""

import json
import subprocess
from pathlib import Path

import pytest

from server.greeting import Place, greeting
from tests.patience import HANG_S
from tests.server.real_server import RunningServer, ending, python

IN_CLEAR = "without TLS"
MANUAL = Path(__file__).parents[2] / "deploy/tls/README.md"


def said(host: str, public_url: str | None = None) -> str:
    return "\n".join(greeting(Place(host, 8080, public_url), Path("/data"), "/login?token=t"))


@pytest.mark.parametrize(
    ("host", "where", "url"),
    [
        ("192.168.1.20", "192.168.1.20", "http://192.168.1.20:8080"),
        ("fd00::20", "fd00::20", "http://[fd00::20]:8080"),
        ("0.0.0.0", "all addresses", ""),
        ("::", "all addresses", ""),
    ],
)
def test_a_server_that_others_reach_says_that_it_speaks_in_clear_how_they_come_and_where_its_key_is(
    host: str, where: str, url: str
) -> None:
    lines = said(host).splitlines()

    assert [line for line in lines if IN_CLEAR in line] == [lines[1]]
    assert lines[1].startswith(f"It listens on {where} without TLS")
    assert lines[1].endswith("see deploy/tls/README.md.")
    assert MANUAL.is_file()
    assert f"other machines: SERVER_URL={url}" in lines[2]
    assert lines[2].endswith(":8080, the key is in /data/api-key")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1"])
def test_one_that_nobody_else_reaches_says_nothing_of_that(host: str) -> None:
    assert len(said(host).splitlines()) == 2


@pytest.mark.parametrize(
    ("public_url", "in_clear", "others"),
    [
        ("https://sweeps.example", False, True),
        ("http://sweeps.example", True, True),
        ("http://127.0.0.1:8080", False, False),  # a container's port, given to its own machine alone
        ("http://localhost:8080", False, False),
    ],
)
def test_what_it_was_told_of_the_way_to_it_counts(public_url: str, in_clear: bool, others: bool) -> None:
    text = said("0.0.0.0", public_url)

    assert (IN_CLEAR in text) == in_clear
    assert (f"SERVER_URL={public_url}," in text) == others
    assert f"dashboard (opens once): {public_url}/login?token=t" in text


def test_a_file_that_others_can_read_gets_no_link_that_opens_the_dashboard_and_never_the_key(tmp_path: Path) -> None:
    with ending(RunningServer(tmp_path / "data")) as server:
        pass
    public = server.output()
    server.log.unlink()
    server.log.touch(mode=0o600)
    server.start()
    server.stop()

    assert "/login?token=" not in public
    assert "dashboard (opens once):" in server.output()
    assert server.api_key not in public + server.output()


def test_programs_of_its_machine_come_directly(tmp_path: Path) -> None:
    with ending(RunningServer(tmp_path / "data", "--public-url", "https://sweeps.example:8443")) as server:
        kept = json.loads((server.data / "server.json").read_text())
    command = [*python(), "-m", "server", "env", "--data", str(server.data)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert kept["url"] == f"http://127.0.0.1:{server.port}"
    assert f"export WANDB_BASE_URL=http://127.0.0.1:{server.port}\n" in lines


def test_those_beside_its_container_come_by_the_port_that_is_open_to_them() -> None:
    assert Place("0.0.0.0", 8080, "http://127.0.0.1:9000").url_to_export == "http://127.0.0.1:9000"


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-machine.invalid"])
def test_an_address_that_is_not_this_machines_is_told_as_that(tmp_path: Path, host: str) -> None:
    command = [*python(), "-m", "server", "--host", host, "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"Error: cannot listen on {host}:0: ")
    assert done.stderr.endswith("; give --host an address of this machine\n")


@pytest.mark.parametrize("public_url", [None, "http://sweeps.example"])
def test_without_tls_it_serves_other_machines_only_if_that_is_said(tmp_path: Path, public_url: str | None) -> None:
    told = ["--public-url", public_url] if public_url else []
    command = [*python(), "-m", "server", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path / "data"), *told]

    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert " without TLS: who is on the way would read keys and all that is sent." in done.stderr
    assert "--insecure (INSECURE=1)" in done.stderr, "a container is given variables"


def test_what_is_kept_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / "sweeps.sqlite").touch(mode=0o644)

    with ending(RunningServer(data)):
        modes = {path.name: path.stat().st_mode & 0o077 for path in (data, *data.glob("sweeps.sqlite*"))}

    assert modes == dict.fromkeys(("data", "sweeps.sqlite", "sweeps.sqlite-shm", "sweeps.sqlite-wal"), 0)
