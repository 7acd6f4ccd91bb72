"""A real Caddy with a CA of its own, in front of a real server on this machine."""

import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.patience import HANG_S
from tests.server.real_server import RunningServer

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy/tls/Caddyfile"


class Caddy:
    """Caddy by the shipped configuration, on loopback alone; `root` is the certificate of its CA.

    Args:
        folder: for all that it writes.
        name: by which it is known.
        passing_on: what it changes in the requests that it passes on.
    """

    def __init__(self, folder: Path, name: str, port: int, server: RunningServer, *passing_on: str) -> None:
        folder.mkdir(exist_ok=True)
        config = folder / "Caddyfile"
        config.write_text(_on_loopback(SHIPPED.read_text(), passing_on))
        self.root = folder / "caddy/pki/authorities/local/root.crt"
        self.port = port
        self._log = folder / "caddy.log"
        self._name = name
        variables = {
            "HOME": str(folder),
            "TLS_NAME": name,
            "TLS_LISTEN": str(port),
            "TLS_STORAGE": str(folder / "caddy"),
            "TLS_UPSTREAM": f"127.0.0.1:{server.port}",
        }
        with self._log.open("w") as log:
            command = [program(), "run", "--config", str(config)]
            self._process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def trusting(self) -> ssl.SSLContext:
        """By what a client trusts it."""
        return ssl.create_default_context(cafile=str(self.root))

    def client(self) -> httpx2.Client:
        """A client that comes to it by its name, which no resolver knows."""
        return httpx2.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            transport=_Named(self._name, verify=self.trusting()),
            headers={"Host": f"{self._name}:{self.port}"},
        )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=HANG_S)

    def _wait(self) -> None:
        end_s = time.monotonic() + HANG_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < end_s, self._log.read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as plain:
                self.trusting().wrap_socket(plain, server_hostname=self._name).close()
        except OSError:  # it does not listen, or has no certificate yet
            return False
        return True


class _Named(httpx2.HTTPTransport):
    def __init__(self, name: str, verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify)
        self._name = name

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions["sni_hostname"] = self._name
        return super().handle_request(request)


def program() -> str:
    """Caddy's, from the tests' own environment or the machine's; without one the test is skipped."""
    beside = Path(sys.executable).with_name("caddy")
    found = str(beside) if beside.exists() else shutil.which("caddy")
    if found is None:
        pytest.skip("no caddy here: requirements/deploy.txt has it")
    return found


def _on_loopback(config: str, passing_on: tuple[str, ...]) -> str:
    upstream = "reverse_proxy {$TLS_UPSTREAM:server:8080}"
    assert config.count(upstream) == 1
    changed = " ".join([upstream, "{\n", *(f"{line}\n" for line in passing_on), "}"])
    return config.replace("{\n", "{\ndefault_bind 127.0.0.1\n", 1).replace(upstream, changed)


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
