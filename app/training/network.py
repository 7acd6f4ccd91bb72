"""A quick look whether anybody answers, for programs that would try for a minute and a half before they give up."""

import socket
import time
from collections.abc import Collection, Mapping
from threading import Thread
from urllib.parse import urlsplit

Address = tuple[str, int]

PORTS = {"http": 80, "https": 443, "ftp": 21, "socks5": 1080, "socks5h": 1080}
LOOK_S = 1.5  # a first packet that was lost is sent again after a second


def address(url: str) -> Address | None:
    """The host and the port of a URL or a proxy's name; None where it has none."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def proxies(environ: Mapping[str, str]) -> list[str]:
    """The proxies that programs find in an environment."""
    names = [name for name in environ if name.lower().endswith("_proxy") and name.lower() != "no_proxy"]
    return [environ[name] for name in names if environ[name]]


def answering(addresses: Collection[Address], limit_s: float = LOOK_S) -> set[Address]:
    """Those of the addresses at which somebody listens, found side by side within `limit_s`."""
    found: set[Address] = set()
    # Looking up a name has no limit of its own: a thread that is still at it is left behind.
    looks = [Thread(target=_look, args=(each, limit_s, found), daemon=True) for each in addresses]
    for look in looks:
        look.start()
    deadline_s = time.monotonic() + limit_s
    for look in looks:
        look.join(max(0.0, deadline_s - time.monotonic()))
    return found.copy()


def _look(where: Address, limit_s: float, found: set[Address]) -> None:
    try:
        socket.create_connection(where, limit_s).close()
    except (OSError, UnicodeError):
        return
    found.add(where)
