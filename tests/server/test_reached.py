"""One truth for how the server is reached: directly, by a proxy that says how, and by one that does not."""

import base64
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from click.testing import CliRunner

from app import settings
from server.__main__ import main
from server.reached import public_address
from tests.server.maker import Maker
from tests.server.real_server import RunningServer, ending
from tests.server.speaker import Clock, Speaker, speaking
from tests.server.test_protocol import upload_url

OUTSIDE = "https://sweeps.example"
FORWARDED = {"X-Forwarded-For": "203.0.113.7"}
UPLOAD = """mutation { createRunFiles(input: {
    entityName: "local", projectName: "p", runName: "r", files: ["a.txt"]}) { files { uploadUrl } } }"""
# Loopback too, and none of the addresses that are believed unasked.
OTHER_MACHINE = "127.0.0.2"


def outside(tmp_path: Path, clock: Clock, url: str | None = OUTSIDE) -> Iterator[Speaker]:
    with speaking(tmp_path / "data", clock, public_url=url) as speaker:
        yield speaker


@pytest.fixture
def behind(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A server that knows its address outside."""
    yield from outside(tmp_path, clock)


@pytest.fixture
def in_containers(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A server that is reached from outside by a port of its machine, and from inside by a name."""
    yield from outside(tmp_path, clock, "http://127.0.0.1:9000")


def start_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def bases(wb: Speaker, host: str, **headers: str) -> set[str]:
    """Of every kind of file's address that a client is given that comes so."""
    wb.headers = {**wb.headers, "Host": host, **headers}
    wb.begin("r")
    made = Maker(wb)
    id = made.begin()["id"]
    given = [upload_url(wb, "a.txt"), *filter(None, made.addresses(id, {"b.txt": b"b"}))]
    assert wb.http.put(given[0].replace(start_of(given[0]), ""), content=b"a").status_code == 200
    (edge,) = wb.field("r", "files { edges { node { url directUrl } } }")["edges"]
    return {start_of(url) for url in [*given, edge["node"]["directUrl"], edge["node"]["url"]]}


@pytest.mark.parametrize("host", ["sweeps.example", "Sweeps.Example:443"])
def test_who_names_the_address_outside_gets_it_though_the_proxy_does_not_say_that_it_is_https(
    behind: Speaker, host: str
) -> None:
    assert bases(behind, host) == {OUTSIDE}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"])
def test_who_comes_by_a_proxy_that_names_the_server_itself_gets_the_address_outside(
    behind: Speaker, header: str
) -> None:
    assert bases(behind, "127.0.0.1:8080", **{header: "203.0.113.7"}) == {OUTSIDE}


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "10.0.0.5:8080", "sweeps.example:8080"])
def test_who_comes_directly_keeps_the_address_by_which_he_came(behind: Speaker, host: str) -> None:
    assert bases(behind, host) == {f"http://{host}"}


@pytest.mark.parametrize("headers", [{}, FORWARDED])
def test_agents_in_containers_keep_theirs_and_links_for_people_are_those_outside(
    in_containers: Speaker, headers: dict[str, str]
) -> None:
    assert bases(in_containers, "server:8080", **headers) == {"http://server:8080"}
    link = in_containers.http.post("/login-links", headers=in_containers.headers).json()["url"]
    assert start_of(link) == "http://127.0.0.1:9000"


def test_the_cookie_of_a_page_outside_is_kept_to_https_whatever_the_proxy_says(behind: Speaker) -> None:
    token = urlsplit(behind.http.post("/login-links", headers=behind.headers).json()["url"]).query
    answer = behind.http.get(f"/login?{token}", headers={"Host": "sweeps.example"}, follow_redirects=False)

    assert answer.headers["set-cookie"].startswith("tf_sweeps_443=")
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("host", "headers", "said"),
    [
        (
            "sweeps.example",
            {},
            "Reached as http://sweeps.example by a proxy, but PUBLIC_URL says https://sweeps.example:",
        ),
        ("127.0.0.1:8080", FORWARDED, "Reached as http://127.0.0.1:8080 by a proxy, but PUBLIC_URL says"),
        (
            "127.0.0.1:8080",
            {},
            "Reached as http://127.0.0.1:8080, but PUBLIC_URL says https://sweeps.example: this client",
        ),
    ],
)
def test_what_does_not_agree_is_said_once_at_the_first_request(
    behind: Speaker, caplog: pytest.LogCaptureFixture, host: str, headers: dict[str, str], said: str
) -> None:
    with caplog.at_level(logging.WARNING):
        bases(behind, host, **headers)

    assert [line[: len(said)] for line in caplog.messages] == [said]


def test_nothing_is_said_where_all_agrees(
    in_containers: Speaker, wb: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        bases(in_containers, "server:8080")
        bases(in_containers, "127.0.0.1:9000")
        bases(wb, "10.0.0.5:8080")

    assert caplog.messages == []


def post(server: RunningServer, client: str, **headers: str) -> str:
    """The base of the files' addresses for a client at an address of loopback."""
    with httpx2.Client(base_url=server.url, transport=httpx2.HTTPTransport(local_address=client)) as http:
        wb = Speaker(http, server.api_key, Clock(), None)  # type: ignore[arg-type]
        wb.headers |= headers
        wb.begin("r")
        return start_of(upload_url(wb, "a.txt"))


def test_only_a_proxy_that_is_named_is_believed_and_one_that_is_not_is_told_of(tmp_path: Path) -> None:
    https = {"X-Forwarded-Proto": "https"}
    with ending(RunningServer(tmp_path / "data")) as server:
        here, elsewhere, again = (post(server, client, **https) for client in ("127.0.0.1", *[OTHER_MACHINE] * 2))
        port, said = server.port, server.output()
        server.stop()
        server.flags = ("--trusted-proxies", f"{OTHER_MACHINE},10.0.0.0/8")
        server.start()
        named = post(server, OTHER_MACHINE, **https)

    assert (here, elsewhere, again) == (f"https://127.0.0.1:{port}", *[f"http://127.0.0.1:{port}"] * 2)
    assert said.count(f"Reached as http://127.0.0.1:{port} by a proxy that does not say") == 1
    assert named == f"https://127.0.0.1:{port}"


def test_a_proxy_that_says_nothing_is_known_by_its_name_and_nginx_by_its_old_http(tmp_path: Path) -> None:
    with ending(
        RunningServer(tmp_path / "data", "--public-url", OUTSIDE, "--trusted-proxies", OTHER_MACHINE)
    ) as server:
        named, direct = post(server, OTHER_MACHINE), post(server, "127.0.0.1")
        by_nginx = asked_by_old_http(server, UPLOAD)

    assert (named, direct) == (OUTSIDE, server.url)
    assert f'"uploadUrl":"{OUTSIDE}/storage/' in by_nginx.replace('": "', '":"')


def asked_by_old_http(server: RunningServer, document: str) -> str:
    """The answer to GraphQL as nginx asks for it unless it is told otherwise."""
    credentials = base64.b64encode(f"api:{server.api_key}".encode()).decode()
    head = f"POST /graphql HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Basic {credentials}\r\n"
    body = json.dumps({"query": document})
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.mark.parametrize("url", ["http://10.0.0.5", "https://Sweeps.example/", "https://[fd00::5]:8443"])
def test_an_address_outside_is_the_same_to_the_server_and_to_the_program_that_starts_it(url: str) -> None:
    assert settings.read({"PUBLIC_URL": url}, {}).public_url == public_address(url) == url.rstrip("/")


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        (["--public-url", "sweeps.example"], "an address like https://sweeps.example:8443"),
        (["--public-url", "https://sweeps.example/under/here"], "with nothing behind the port"),
        (["--public-url", "https://me:secret@sweeps.example"], "an address like https://sweeps.example:8443"),
        (["--public-url", "https://["], "an address like https://sweeps.example:8443"),
        (["--trusted-proxies", "10.0.0.2,nginx"], "IP addresses and networks, as 10.0.0.2,172.16.0.0/12"),
        (["--trusted-proxies", "10.0.0.1/8"], "has host bits set"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_what_is_allowed(flags: list[str], allowed: str) -> None:
    done = CliRunner().invoke(main, flags)

    assert done.exit_code == 2
    assert f"Invalid value for '{flags[0]}': '{flags[1]}'; allowed:" in done.output
    assert allowed in done.output
