"""Stands in for the server where runs go elsewhere, since its container is part of every `docker compose up`."""

import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def stand_by(listener: socket.socket, reason: str) -> None:
    """Answers each GET, the health check's too, with the reason in one line, until SIGTERM or SIGINT."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"{reason}\n".encode())

        def log_message(self, *_: object) -> None:
            """Says nothing: the health check would be a line every ten seconds."""

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    sys.stdout.write(f"{reason} It idles.\n")
    sys.stdout.flush()
    idle = HTTPServer(listener.getsockname(), Answer, bind_and_activate=False)
    idle.socket.close()
    idle.socket = listener
    idle.serve_forever()
