"""Who listens at NOTIFY_URL in the tests: keeps what is posted, and answers as it is told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "t0ken-of-the-receiver"


class Receiver(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1.

    Attributes:
        taken: what was posted and answered with a status below 300.
        refused: the same, for others.
        status: of its answers; 0 hangs up without one.
        answers: cleared, it answers nobody.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.heads: list[dict[str, str]] = []
        self.status = 204
        self.asked, self.answers = threading.Event(), threading.Event()
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/{TOKEN}?key={TOKEN}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.set()
        self.server.answers.wait()
        status = self.server.status if self.path == f"/hooks/{TOKEN}?key={TOKEN}" else 404
        self.server.heads.append(dict(self.headers))
        (self.server.taken if status < 300 else self.server.refused).append(told)
        if not status:
            return
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:
        """Says nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.answers.set()
        receiver.shutdown()
        thread.join()
        receiver.server_close()
