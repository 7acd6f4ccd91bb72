"""One POST to an address that may hold a secret: neither it nor what is answered gets into any text."""

import json
import re
import urllib.request
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

LIMIT_S: Final = 5.0
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "tf-sweeps"}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is posted goes to the address that was given, and to no other."""

    def redirect_request(self, *told: Any) -> None:
        return None


def receiver(value: str) -> str:
    """Gives an address to post to, as it is.

    Raises:
        ValueError: with what is allowed.
    """
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not re.fullmatch("[!-~]+", value):
        raise ValueError("an http or https address, as https://chat.example/hooks/TOKEN, without name and password")
    return value


def post(url: str, message: dict[str, Any]) -> str | None:
    """Posts a message as JSON, directly or by the proxy of the environment.

    Returns:
        None if it was taken, else why not, in a word or two.
    """
    request = urllib.request.Request(url, json.dumps(message).encode(), HEADERS, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=LIMIT_S):
            return None
    except HTTPError as error:
        error.close()
        return f"HTTP {error.code}"
    except URLError as error:
        return _kind(error.reason if isinstance(error.reason, Exception) else error)
    except (OSError, HTTPException, ValueError) as error:
        return _kind(error)


def _kind(error: Exception) -> str:
    # Its own words may repeat the address.
    return type(error).__name__
