"""The server's secrets: the API key, signatures of file addresses and sessions, one-time dashboard links."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

API_KEY_FILE = "api-key"
SIGNING_KEY_FILE = "signing-key"
# W&B's client sends no other key.
API_KEY_FORM = re.compile("[A-Za-z0-9_]{40,}")


class KeyFileError(Exception):
    """A file that is to hold the API key, and does not: which, and what a key is."""


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
        signing_key: hex, signs file addresses and what is kept of session cookies; changing it ends all of them.
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

    def digest(self, purpose: str, value: str) -> str:
        """Hex that only this server can have made of a value for a purpose."""
        return hmac.new(self.signing_key.encode(), f"{purpose}\n{value}".encode(), hashlib.sha256).hexdigest()

    def verify(self, purpose: str, value: str, signature: str, now_s: float) -> bool:
        """Tells whether `sign` gave this signature for this value and it has not expired."""
        expiry = signature.partition(".")[0]
        if not (expiry.isascii() and expiry.isdigit() and len(expiry) <= 12 and now_s < int(expiry)):
            return False
        return hmac.compare_digest(self.sign(purpose, value, int(expiry)).encode(), signature.encode())


def load_keys(data: Path, api_key_file: Path | None = None) -> Keys:
    """Reads the secrets of a data directory; makes them, with mode 0600, on the first start.

    Args:
        api_key_file: holds the API key to take; it replaces the directory's own, which other commands read.

    Raises:
        KeyFileError: if a file that is to hold the API key does not.
        OSError: if the directory's own files cannot be read or made.
    """
    own = data / API_KEY_FILE
    if api_key_file is not None:
        keep_secret(own, _given(api_key_file))
    return Keys(
        api_key=_checked(own, _read_or_make(own, lambda: secrets.token_hex(20))),
        signing_key=_read_or_make(data / SIGNING_KEY_FILE, lambda: secrets.token_hex(32)),
    )


def _given(path: Path) -> str:
    try:
        return _checked(path, path.read_text(errors="replace").strip())
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}, for user {os.getuid()}") from None


def _checked(path: Path, api_key: str) -> str:
    """An empty key would let everybody in."""
    if not API_KEY_FORM.fullmatch(api_key):
        raise KeyFileError(f"{path} holds no API key; allowed: 40 or more letters, digits and underscores")
    return api_key


def keep_secret(path: Path, text: str) -> None:
    """Writes lines into a file that nobody else can read, in place of what it held."""
    temporary = _written(path, text)
    temporary.replace(path)


def _read_or_make(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        temporary = _written(path, make())
        try:
            # A link fails where a rename would replace: of two that start at once, one key wins.
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError:  # a disk that knows no links
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path.read_text(errors="replace").strip()


def _written(path: Path, text: str) -> Path:
    """A file beside `path` that nobody else can read."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    return temporary


@dataclass(frozen=True)
class Opening:
    """For whom a one-time link opens the dashboard, and until when."""

    user_id: int | None
    expires_at_s: float


class OneTimeLinks:
    """Tokens that open the dashboard once, each for one user; kept in memory, so a restart ends them.

    Args:
        lifetime_s: how long a token waits for its use.
        clock: UTC seconds.
    """

    def __init__(self, lifetime_s: float, clock: Callable[[], float] = time.time) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, Opening] = {}

    def make(self, user_id: int | None = None) -> str:
        """A token for a user; None for whoever has the server's own key."""
        now_s, token = self._clock(), secrets.token_urlsafe(24)
        with self._lock:
            self._made = {token: made for token, made in self._made.items() if made.expires_at_s > now_s}
            self._made[token] = Opening(user_id, now_s + self._lifetime_s)
        return token

    def redeem(self, token: str) -> Opening | None:
        """What a token opens, exactly once for each token made."""
        with self._lock:
            made = self._made.pop(token, None)
        return made if made and made.expires_at_s > self._clock() else None
