"""What the server says at its start: where it answers, how other machines reach it, and who can read what they send."""

import ipaddress
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server.keys import API_KEY_FILE
from server.reached import is_loopback

TLS_PAGE = "deploy/tls/README.md"
EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Place:
    """Where a server listens, and how it is reached from outside.

    Attributes:
        host: the IP address that it listens on.
        port: its own.
        public_url: its address outside, as far as that was told.
    """

    host: str
    port: int
    public_url: str | None = None

    @property
    def url(self) -> str:
        """Its address for programs on its machine, and on others where it listens on one address of a network."""
        return self._url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host))

    @property
    def url_to_export(self) -> str:
        """Its address for W&B programs of its machine; a container's own port is not the one that they find."""
        return self.public_url if self.public_url and self.host in EVERYWHERE else self.url

    @property
    def open_in_clear(self) -> bool:
        """Whether other machines come to it without TLS."""
        if self.public_url:
            return urlsplit(self.public_url).scheme == "http" and not is_loopback(self.public_url)
        return not ipaddress.ip_address(self.host).is_loopback

    @property
    def url_of_others(self) -> str | None:
        """Its address for other machines; None if they have none."""
        if self.public_url:
            return None if is_loopback(self.public_url) else self.public_url
        if ipaddress.ip_address(self.host).is_loopback:
            return None
        return self._url(socket.gethostname()) if self.host in EVERYWHERE else self.url

    def _url(self, name: str) -> str:
        return f"http://[{name}]:{self.port}" if ":" in name else f"http://{name}:{self.port}"


def refusal(place: Place) -> str:
    """Why a server that others come to without TLS does not serve."""
    return (
        f"{_way(place)} without TLS: who is on the way would read keys and all that is sent. Keep to 127.0.0.1; or put "
        "TLS in front and give --public-url https://... (PUBLIC_URL); or give --insecure (INSECURE=1) on a network "
        f"that you trust, or where a container's port is published on 127.0.0.1 alone: {TLS_PAGE}"
    )


def export_lines(url: str, api_key: str) -> list[str]:
    """What any W&B program needs to use a server, for a shell."""
    return [f"export WANDB_BASE_URL={url}", f"export WANDB_API_KEY={api_key}"]


def greeting(place: Place, data: Path, login: str) -> list[str]:
    """The lines, which hold no key.

    Args:
        data: its directory.
        login: path of the link that opens the dashboard once; "" where the wrong people may read it.
    """
    url = place.public_url or place.url
    lines = [f"tf-sweeps server at {url}, data in {data}"]
    if place.open_in_clear:
        lines.append(
            f"{_way(place)} without TLS: who is on the way reads its key and all that is sent. "
            f"Keep it to a private network, or see {TLS_PAGE}."
        )
    if place.url_of_others:
        lines.append(
            f"other machines: SERVER_URL={place.url_of_others}, the key is in {data.absolute() / API_KEY_FILE}"
        )
    return [*lines, dashboard(url, f"{url}{login}" if login else "")]


def dashboard(url: str, link: str) -> str:
    """The line that leads there.

    Args:
        link: that opens it once; "" where the wrong people may read it.
    """
    if link:
        return f"dashboard (opens once): {link}"
    return f"dashboard: {url} (no link here, since others can read this file; the page says how to get one)"


def _way(place: Place) -> str:
    if place.public_url:
        return f"It is reached at {place.public_url}"
    return f"It listens on {'all addresses' if place.host in EVERYWHERE else place.host}"


def readable_by_others(descriptor: int) -> bool:
    """Whether what is written there ends in a file that not only its owner can read."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))
