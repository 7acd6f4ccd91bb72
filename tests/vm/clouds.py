"""Metadata services as the clouds have them, to the letter of their documents: `python -I clouds.py CLOUD FOLDER`.

A file `notice` in FOLDER is the notice that the VM will be taken back, and `silent` is a service that does not work.
The port that was taken is written to FOLDER/port. It needs nothing but the standard library: a VM can run it as well.
"""

import json
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TOKEN = "an-imds-token"
VM = "this-vm"
LOOK_S = 0.05


def etag(noticed: bool) -> str:
    return "aaaa1111" if noticed else "bbbb2222"


class Service(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    folder: Path
    cloud: str

    @property
    def noticed(self) -> bool:
        return (self.folder / "notice").exists()

    @property
    def silent(self) -> bool:
        return (self.folder / "silent").exists()

    def answer(self, status: int, text: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def serve(self) -> None:
        if self.silent:
            return self.answer(503)
        clouds: dict[str, Callable[[str, dict[str, list[str]]], None]] = {
            "aws": self.aws,
            "gcp": self.gcp,
            "azure": self.azure,
        }
        address = urlsplit(self.path)
        serve = clouds.get(self.cloud)
        return serve(address.path, parse_qs(address.query)) if serve else self.answer(404)

    do_GET = do_PUT = serve

    def aws(self, path: str, query: dict[str, list[str]]) -> None:
        """Its version 2 alone: a PUT for a token, which every other request carries."""
        if path == "/latest/api/token":
            asked = self.command == "PUT" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
            return self.answer(200, TOKEN) if asked else self.answer(400)
        if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            return self.answer(401)
        if path == "/latest/meta-data/spot/instance-action" and self.noticed:
            return self.answer(200, json.dumps({"action": "stop", "time": "2026-11-29T18:00:00Z"}))
        return self.answer(404)

    def gcp(self, path: str, query: dict[str, list[str]]) -> None:
        if self.headers["Metadata-Flavor"] != "Google":
            return self.answer(403)
        if path != "/computeMetadata/v1/instance/preempted":
            return self.answer(404, Metadata_Flavor="Google")
        until_s = time.monotonic() + float(query.get("timeout_sec", ["3600"])[0])
        held = "wait_for_change" in query and query["last_etag"]
        while held == [etag(self.noticed)] and time.monotonic() < until_s:
            time.sleep(LOOK_S)
            if self.silent:
                return self.answer(503)
        noticed = self.noticed
        return self.answer(200, "TRUE" if noticed else "FALSE", Metadata_Flavor="Google", ETag=etag(noticed))

    def azure(self, path: str, query: dict[str, list[str]]) -> None:
        if self.headers["Metadata"] != "true" or "api-version" not in query:
            return self.answer(400)
        if path == "/metadata/instance/compute/name":
            return self.answer(200, VM)
        if path != "/metadata/scheduledevents":
            return self.answer(404)
        others = [("Preempt", "another-vm"), ("Reboot", VM)]
        events = [
            {"EventId": str(number), "EventType": kind, "ResourceType": "VirtualMachine", "Resources": [vm]}
            for number, (kind, vm) in enumerate([*others, ("Preempt", VM)] if self.noticed else others)
        ]
        return self.answer(200, json.dumps({"DocumentIncarnation": 1, "Events": events}))

    def log_message(self, *words: object) -> None:
        """Says nothing."""


def main() -> None:
    Service.cloud, Service.folder = sys.argv[1], Path(sys.argv[2])
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    with ThreadingHTTPServer(("127.0.0.1", port), Service) as server:
        half = Service.folder / "port.new"
        half.write_text(str(server.server_address[1]))
        half.rename(Service.folder / "port")
        server.serve_forever()


if __name__ == "__main__":
    main()
