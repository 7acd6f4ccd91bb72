"""The server that has a data directory already, as a second start of it meets it."""

import base64
import json
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from server.data_directory import ADDRESS_FILE
from server.greeting import dashboard, export_lines
from server.keys import load_keys

ANSWERS_S = 5.0


@dataclass(frozen=True)
class Neighbour:
    """A server at work.

    Attributes:
        url: where it listens.
        url_to_export: its address for W&B programs of its machine.
        host: the address that it listens on.
        pid: of its process.
    """

    url: str
    url_to_export: str
    host: str
    pid: int
    api_key: str = field(repr=False)

    def link(self) -> str:
        """A link that opens its dashboard once.

        Raises:
            OSError: if it does not answer, or does not know the key.
        """
        credentials = base64.b64encode(f"api:{self.api_key}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        request = urllib.request.Request(f"{self.url}/login-links", method="POST", headers=headers)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=ANSWERS_S) as answer:
            return str(json.load(answer)["url"])

    def greeting(self, data: Path, host: str, port: int, link: str, show_env: bool) -> list[str]:
        """What it would say if it started now.

        Args:
            host, port: that were asked for, which it cannot take any more.
            link: that opens the dashboard once; "" where the wrong people may read it.
            show_env: whether to say the export lines, which hold the key.
        """
        lines = [f"tf-sweeps server at {self.url} runs already, data in {data}"]
        if (host, port or self._port) != (self.host, self._port):
            lines.append(f"it stays there until it is stopped (process {self.pid}), and is not at {host}:{port}")
        exports = export_lines(self.url_to_export, self.api_key) if show_env else []
        return [*lines, dashboard(self.url_to_export, link), *exports]

    @property
    def _port(self) -> int | None:
        return urlsplit(self.url).port


def neighbour(data: Path) -> Neighbour | None:
    """The server that has this data directory; None where it has not said where it is, as at its first start.

    Raises:
        OSError, KeyFileError: if its key cannot be read.
    """
    try:
        told = json.loads((data / ADDRESS_FILE).read_text())
        return Neighbour(told["url"], told["url_to_export"], told["host"], told["pid"], load_keys(data).api_key)
    except (FileNotFoundError, ValueError, LookupError):
        return None
