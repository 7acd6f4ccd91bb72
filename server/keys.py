"""The server's secrets: the API key, signatures of file addresses and sessions, one-time dashboard links."""

import base64
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

API_KEY_FILE = "api-key"
SIGNING_KEY_FILE = "signing-key"


def basic(header: str) -> tuple[str, str]:
    """User and password of an `Authorization` header; both empty where it holds none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no base64, no ASCII, or no UTF-8 in it
        return "", ""
    return user, password


@dataclass(frozen=True)
class Keys:
    """The secrets of one data directory.

    Attributes:
        api_key: what clients send as the password of user `api`; 40 characters, as W&B's client checks.
        signing_key: hex, signs file addresses and session cookies; changing it ends all of them.
    """

    api_key: str = field(repr=False)
    signing_key: str = field(repr=False)

    def accepts(self, api_key: str) -> bool:
        """Compares in constant time."""
        return hmac.compare_digest(api_key.encode(), self.api_key.encode())

    def sign(self, purpose: str, value: str, expires_at_s: float) -> str:
        """Gives `expiry.signature` for a value that only this server can have allowed for this purpose."""
        expiry = str(int(expires_at_s))
        message = "\n".join((purpose, value, expiry)).encode()
        digest = hmac.new(self.signing_key.encode(), message, hashlib.sha256).digest()
        return f"{expiry}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def verify(self, purpose: str, value: str, signature: str, now_s: float) -> bool:
        """Tells whether `sign` gave this signature for this value and it has not expired."""
        expiry = signature.partition(".")[0]
        if not (expiry.isascii() and expiry.isdigit() and len(expiry) <= 12 and now_s < int(expiry)):
            return False
        return hmac.compare_digest(self.sign(purpose, value, int(expiry)).encode(), signature.encode())


def load_keys(data: Path) -> Keys:
    """Reads the secrets of a data directory; makes them, with mode 0600, on the first start."""
    return Keys(
        api_key=_read_or_make(data / API_KEY_FILE, lambda: secrets.token_hex(20)),
        signing_key=_read_or_make(data / SIGNING_KEY_FILE, lambda: secrets.token_hex(32)),
    )


def _read_or_make(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(make() + "\n")
        try:
            # A link fails where a rename would replace: of two that start at once, one key wins.
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text().strip()


class OneTimeLinks:
    """Tokens that open the dashboard once; kept in memory, so a restart ends them.

    Args:
        lifetime_s: how long a token waits for its use.
        clock: UTC seconds.
    """

    def __init__(self, lifetime_s: float, clock: Callable[[], float] = time.time) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._lock = threading.Lock()
        self._expiry_s: dict[str, float] = {}

    def make(self) -> str:
        now_s, token = self._clock(), secrets.token_urlsafe(24)
        with self._lock:
            self._expiry_s = {token: expiry for token, expiry in self._expiry_s.items() if expiry > now_s}
            self._expiry_s[token] = now_s + self._lifetime_s
        return token

    def redeem(self, token: str) -> bool:
        """True exactly once for each token made."""
        with self._lock:
            return self._expiry_s.pop(token, 0.0) > self._clock()
