"""The embedded server seen from outside: how it is started, where it answers, whether it is this data directory's.

Its program is another package, which nothing here imports; what is known of it is its command line, the two files
that it writes and two of its addresses.
"""

import base64
import http.client
import json
import os
import shlex
import ssl
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.commands import client
from app.commands.client import BackendError, Refused
from app.settings import Settings

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Server:
    """An embedded server and our key to it."""

    url: str
    api_key: str = field(repr=False)

    def knows_us(self) -> bool:
        """Asks whether the key is the server's; False if no server is there.

        Raises:
            Refused: if it is another's, or its certificate is not trusted.
            BackendError: if there is one that gives no answer in time, or cannot answer now.
        """
        try:
            self._ask("GET", "/key")
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Refused(_anothers(self.url, error.code)) from None
            raise BackendError(f"{self.url}: the server there cannot answer now, HTTP {error.code}.") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise Refused(f"{self.url}: {client.NOT_TRUSTED}, {reason.verify_message}. {client.TRUST}") from None
            if not isinstance(reason, TimeoutError):
                return False
            raise BackendError(f"{self.url}: no answer within {TIMEOUT_S:.0f} s from what runs there.") from None
        return True

    def dashboard_link(self, page: str = "") -> str:
        """Asks for a link that opens the dashboard once.

        Args:
            page: the path of the page to begin with; "" is the list of sweeps.

        Raises:
            OSError: if the server does not answer or does not know the key.
        """
        link = str(json.loads(self._ask("POST", "/login-links"))["url"])
        return f"{link}&next={quote(page)}" if page else link

    def _ask(self, method: str, path: str) -> bytes:
        credentials = base64.b64encode(f"api:{self.api_key}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        # Machines with a proxy often name no exception for their own address. `app.backend` makes one for all others.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read())


def _anothers(url: str, status: int) -> str:
    known = "SERVER_URL is to be the address of the server that keeps its data there."
    return f"{url}: what answers there does not know the key in DATA_DIR/server (HTTP {status}). {known}"


def directory(settings: Settings) -> Path:
    """The server's own part of the data directory."""
    return settings.data_dir / "server"


# Settings that are flags of the server, by their names.
LIMITS: Final = (
    "agent_silent_s",
    "run_missing_s",
    "run_orphan_s",
    "keep_system_metrics_days",
    "keep_console_days",
    "max_upload_mib",
    "spare_mib",
)


def command(settings: Settings, *flags: str) -> list[str]:
    """The command that serves this data directory."""
    program = [sys.executable, "-m", "server", "--host", settings.host, "--port", str(settings.port)]
    limits = [f"--{name.replace('_', '-')}={getattr(settings, name)}" for name in LIMITS]
    outside = {"--public-url": settings.public_url, "--trusted-proxies": settings.trusted_proxies}
    ways = [text for flag, value in outside.items() if value for text in (flag, value)]
    ways += ["--insecure"] if settings.insecure else []
    places = ["--data", str(directory(settings))]
    places += ["--database", str(settings.database_dir)] if settings.database_dir else []
    return [*program, *places, *limits, *ways, *flags]


def exports_command(settings: Settings) -> str:
    """What points any W&B program of a shell to it, from any folder; the file holds its key."""
    return shlex.join([".", str(directory(settings) / "exports.sh")])


def in_clear(line: str) -> bool:
    """Whether a line of the server's log says that other machines come to it without TLS."""
    return " without TLS: " in line


def find(settings: Settings) -> Server | None:
    """Finds the living server of this data directory; one that does not know our key is another's.

    Raises:
        Refused: if SERVER_URL names another's, or one whose certificate is not trusted.
        BackendError: if it does not say, since it is busy or hangs.
    """
    data = directory(settings)
    try:
        url = settings.server_url or json.loads((data / "server.json").read_text())["url"]
        server = Server(url, (data / "api-key").read_text().strip())
    except (OSError, ValueError, KeyError):
        return None
    try:
        return server if server.knows_us() else None
    except Refused:
        if settings.server_url:
            raise
        return None  # another's, at the address that ours had


def absent(settings: Settings) -> str:
    """Why `find` found none, and what to do."""
    key = directory(settings) / "api-key"
    if settings.server_url and not os.access(key, os.R_OK):
        return f"{key}: no key that can be read here. DATA_DIR is to be the folder that the machine of SERVER_URL uses."
    if settings.server_url:
        return f"no server answers at {settings.server_url} (SERVER_URL)."
    return f"no server answers for {directory(settings)}. `make up` and `make serve` start one."
