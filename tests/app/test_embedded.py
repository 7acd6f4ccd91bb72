"""The embedded server is looked for, and one that is busy is not taken for none."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app import settings
from app.commands import embedded
from app.commands.client import BackendError
from app.settings import Settings
from tests.app.programs import Workplace

KEY = "0123456789" * 4


class Stub:
    """An HTTP server on loopback that answers each request with the next of `statuses`, the last one for ever."""

    def __init__(self, statuses: list[int]) -> None:
        self.asked: list[str] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                stub.asked.append(f"{self.command} {self.path}")
                self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def answering() -> Iterator[Callable[..., Stub]]:
    stubs: list[Stub] = []

    def make(*statuses: int) -> Stub:
        stubs.append(Stub(list(statuses)))
        return stubs[-1]

    yield make
    for stub in stubs:
        stub.stop()


def keeps(data: Path, url: str) -> Settings:
    """The settings of a data directory whose server has said that it answers at `url`."""
    (data / "server").mkdir(parents=True)
    (data / "server/server.json").write_text(json.dumps({"url": url}))
    (data / "server/api-key").write_text(f"{KEY}\n")
    return settings.read({"DATA_DIR": str(data)}, {})


def test_a_server_that_knows_the_key_is_found_and_nothing_is_made_there(
    tmp_path: Path, answering: Callable[..., Stub]
) -> None:
    server = answering(204)

    found = embedded.find(keeps(tmp_path, server.url))

    assert found == embedded.Server(server.url, KEY)
    assert server.asked == ["GET /key"]


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_does_not_know_the_key_is_anothers(
    tmp_path: Path, answering: Callable[..., Stub], status: int
) -> None:
    assert embedded.find(keeps(tmp_path, answering(status).url)) is None


def test_where_nobody_listens_there_is_no_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert embedded.find(keeps(tmp_path, f"http://127.0.0.1:{port}")) is None


def test_of_a_server_elsewhere_it_is_said_whether_it_or_its_key_is_missing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    told = settings.read({"DATA_DIR": str(tmp_path), "SERVER_URL": url}, {})

    without_key = embedded.absent(told)
    keeps(tmp_path, url)
    without_server = embedded.absent(told)

    assert embedded.find(told) is None
    assert without_key.startswith(f"{tmp_path}/server/api-key: no key that can be read here.")
    assert without_server == f"no server answers at {url} (SERVER_URL)."


def test_what_does_not_speak_http_is_no_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=greet)
        thread.start()
        found = embedded.find(keeps(tmp_path, f"http://127.0.0.1:{other.getsockname()[1]}"))
        thread.join()

    assert found is None


def test_a_server_that_cannot_answer_now_is_not_taken_for_none(tmp_path: Path, answering: Callable[..., Stub]) -> None:
    server = answering(503)

    with pytest.raises(BackendError) as caught:
        embedded.find(keeps(tmp_path, server.url))

    assert caught.value.message == f"{server.url}: the server there cannot answer now, HTTP 503."


def test_a_server_that_hangs_is_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "TIMEOUT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}"

        with pytest.raises(BackendError) as caught:
            embedded.find(keeps(tmp_path, url))

    assert caught.value.message == f"{url}: no answer within 1 s from what runs there."


def test_a_command_says_of_a_busy_server_that_it_is_there(workplace: Workplace, answering: Callable[..., Stub]) -> None:
    server = answering(503)
    keeps(workplace.data, server.url)
    workplace.write_quick_sweep(size=[1])

    code, output = workplace.run("register")

    assert code == 1
    assert f"Error: {server.url}: the server there cannot answer now, HTTP 503." in output
    assert "start one" not in output


def test_up_waits_for_a_busy_server_and_starts_no_second_one(
    workplace: Workplace, answering: Callable[..., Stub]
) -> None:
    server = answering(503, 503, 204, 401)
    keeps(workplace.data, server.url)
    workplace.write_quick_sweep(size=[1])

    code, output = workplace.run("up", "--dry-run")

    assert (code, f"Server: {server.url} runs already and is left running." in output) == (0, True), output
    assert server.asked[:3] == ["GET /key"] * 3
    assert not list(workplace.data.glob("logs/*/server.log"))
