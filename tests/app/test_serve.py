"""`python -m app serve` for other machines: where it listens, and what it tells whom."""

import json
import re
from pathlib import Path

import httpx2
import pytest

from app import settings
from app.commands import embedded
from app.settings import SettingError
from tests.app.programs import Workplace, ending, lines_until
from tests.server.real_server import RunningServer


def test_it_listens_where_it_is_told_and_a_log_of_it_holds_no_key(workplace: Workplace) -> None:
    process = workplace.start("serve", "--host", "127.0.0.2", plain=True)
    output = "".join(lines_until(process, "dashboard"))
    process.terminate()
    output += ending(process)[1]
    told = json.loads((workplace.data / "server/server.json").read_text())
    key = (workplace.data / "server/api-key").read_text().strip()

    assert told["url"].startswith("http://127.0.0.2:")
    assert f"server at {told['url']}, data in {workplace.data / 'server'}" in output
    assert f"For W&B programs, in any folder of this machine: . {workplace.data / 'server/exports.sh'}\n" in output
    assert key not in output


def test_host_among_the_settings_does_the_same() -> None:
    command = embedded.command(settings.read({"HOST": "10.0.0.1"}, {"HOST": "10.0.0.2"}))

    assert command[command.index("--host") + 1] == "10.0.0.1"


def test_up_passes_on_that_its_server_speaks_in_clear(workplace: Workplace) -> None:
    (workplace.data / "server").mkdir()
    workplace.write_quick_sweep(size=[1])

    code, output = workplace.run("up", "--dry-run", PUBLIC_URL="http://sweeps.example", INSECURE="1")

    assert code == 0, output
    assert output.count("It is reached at http://sweeps.example without TLS: ") == 1


@pytest.mark.parametrize("value", ["login01", ""])
def test_a_host_that_is_no_ip_address_is_refused_in_one_sentence(workplace: Workplace, value: str) -> None:
    code, output = workplace.run("serve", "--host", value)

    assert code == 2
    assert output.splitlines()[-1] == (
        f"Error: Invalid value for '--host': '{value}'; "
        "allowed: an IP address of this machine, as 192.168.1.20, or 0.0.0.0 for all of them."
    )


@pytest.mark.parametrize("environ", [{"HOST": "10.0.0"}, {"HOST": "login01", "MAKEFLAGS": " -- HOST=login01"}])
def test_a_wrong_host_among_the_settings_is_told_as_any_other(environ: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=f"HOST is '{environ['HOST']}'; allowed: an IP address"):
        settings.read(environ, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [("PUBLIC_URL", "https://["), ("PUBLIC_URL", "https://h/under"), ("TRUSTED_PROXIES", "10.0.0.2,nginx")],
)
def test_a_wrong_way_to_the_server_is_told_before_it_starts(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"{name} is '{re.escape(value)}'; allowed: (an|IP) address"):
        settings.read({name: value}, {})


@pytest.mark.parametrize("name", ["login01", "x86_64-conda-linux-gnu", "arm64-apple-darwin20.0.0"])
def test_what_shells_and_compilers_call_host_opens_nothing_and_stops_nothing(name: str) -> None:
    assert settings.read({"HOST": name}, {}).host == "127.0.0.1"
    assert settings.read({"HOST": name}, {"HOST": "10.0.0.1"}).host == "10.0.0.1"


def test_a_machine_with_the_same_folder_needs_the_address_alone(
    tmp_path: Path, workplace: Workplace, server: RunningServer
) -> None:
    (workplace.data / "server").mkdir()
    (workplace.data / "server/api-key").write_text(server.api_key)
    workplace.write_quick_sweep(size=[1])

    code, output = workplace.run("register", SERVER_URL=server.url, WANDB_PROJECT="served")

    assert code == 0, output
    assert "registered." in output


def test_open_opens_the_sweep_in_the_browser_by_a_file_of_its_owner_or_tells_the_link(
    tmp_path: Path, workplace: Workplace, server: RunningServer
) -> None:
    (workplace.data / "server").mkdir()
    (workplace.data / "server/api-key").write_text(server.api_key)
    workplace.write_quick_sweep(size=[1])
    workplace.variables |= {"SERVER_URL": server.url, "WANDB_PROJECT": "opened"}
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/visited\n')
    browser.chmod(0o755)

    _, nothing_yet = workplace.run("open")
    workplace.run("register")
    code, told = workplace.run("open")
    opened, silent = workplace.run("open", BROWSER=str(browser))

    link = re.search(r"Dashboard: (\S+) \(opens once\)$", told)
    assert (code, opened) == (0, 0), told + silent
    assert link, told
    assert re.search(r"Dashboard: \S+/login\?token=[\w-]+ \(opens once\)$", nothing_yet)
    page = httpx2.get(link[1], follow_redirects=True)
    assert page.url.path.startswith("/local/opened/sweeps/")
    assert page.status_code == 200
    file = workplace.data / "open.html"
    assert (tmp_path / "visited").read_text().strip() == file.as_uri()
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"url={server.url}/login?token=" in file.read_text()
    assert "token=" not in silent
