"""A server behind TLS, its certificate signed by a CA that no machine knows: what a reverse proxy makes of it."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.patience import HANG_S

NEW = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
PER_HOP = ("connection", "keep-alive", "transfer-encoding", "server", "date")


@contextmanager
def in_front_of(url: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Gives the address by TLS, and the file with the certificate of its CA."""
    certificate, key, ca = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    front = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(url).netloc))
    front.daemon_threads = True  # W&B's client keeps its connections
    front.socket = context.wrap_socket(front.socket, server_side=True, do_handshake_on_connect=False)
    Thread(target=front.serve_forever).start()
    yield f"https://127.0.0.1:{front.server_port}", ca
    front.shutdown()
    front.socket.close()


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: nobody can sign a certificate")
    ca, ca_key, certificate, key = (folder / f"{name}.pem" for name in ("ca", "ca-key", "certificate", "key"))
    _make("-keyout", ca_key, "-out", ca, "-subj", "/CN=a CA of our own")
    signed = ("-CA", ca, "-CAkey", ca_key, "-addext", "basicConstraints=critical,CA:FALSE")
    _make("-keyout", key, "-out", certificate, "-subj", "/CN=sweeps", "-addext", "subjectAltName=IP:127.0.0.1", *signed)
    return certificate, key, ca


def _make(*arguments: str | Path) -> None:
    subprocess.run([*NEW, *arguments], check=True, capture_output=True)


def _handler(behind: str) -> type[BaseHTTPRequestHandler]:
    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = HTTPConnection(behind, timeout=HANG_S)
            connection.request(self.command, self.path, body, {**self.headers, "X-Forwarded-Proto": "https"})
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in (*PER_HOP, "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_POST = do_PUT = do_HEAD = _pass_on

        def log_message(self, *_: object) -> None: ...

    return Passing
