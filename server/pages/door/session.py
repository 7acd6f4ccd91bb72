"""Who may see pages and press buttons: a cookie that a one-time link sets, or the API key with the request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from server.keys import Keys, basic
from server.settings import Settings

PURPOSE: Final = "session"
BUTTON_PURPOSE: Final = "button"
DAY_S: Final = 24 * 3600
COOKIE: Final = "tf_sweeps"
SHARE_COOKIE: Final = "tf_sweeps_share"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Sessions:
    """Signed cookies, so that a restart of the server keeps its readers signed in; `clock` gives UTC seconds."""

    keys: Keys
    settings: Settings
    clock: Callable[[], float]

    def signed_in(self, request: Request) -> bool:
        cookie = request.cookies.get(cookie_name(request), "")
        if self.keys.verify(PURPOSE, self.settings.entity, cookie, self.clock()):
            return True
        return self.keys.accepts(basic(request.headers.get("Authorization", ""))[1])

    def sealed(self, path: str) -> str:
        """The address of a button: another site can make a browser post to it, but cannot know its seal.

        A check of `Origin` would refuse everybody: with `Referrer-Policy: no-referrer` browsers send "null".
        """
        # By the day, so that a page that is made again is the same; for one day at least.
        expires_at_s = (self.clock() // DAY_S + 2) * DAY_S
        return f"{path}?seal={self.keys.sign(BUTTON_PURPOSE, path, expires_at_s)}"

    def seal_holds(self, request: Request, path: str) -> bool:
        return self.keys.verify(BUTTON_PURPOSE, path, request.query_params.get("seal", ""), self.clock())

    def start(self, request: Request, response: Response) -> None:
        """Lets this browser see pages for `session_lifetime_s`."""
        lifetime_s = self.settings.session_lifetime_s
        response.set_cookie(
            cookie_name(request),
            self.keys.sign(PURPOSE, self.settings.entity, self.clock() + lifetime_s),
            max_age=int(lifetime_s),
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )


def keep_share(request: Request, response: Response, token: str) -> None:
    """Lets this browser see the sweep of a link, for as long as the link is valid or the browser open."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie_name(request, SHARE_COOKIE), token, httponly=True, samesite="lax", secure=secure)


def share_token(request: Request) -> str:
    return request.cookies.get(cookie_name(request, SHARE_COOKIE), "")


def cookie_name(request: Request, name: str = COOKIE) -> str:
    """A browser sends a host's cookies to all its ports, so that two servers on one machine need two names."""
    return f"{name}_{request.url.port or DEFAULT_PORTS.get(request.url.scheme, 0)}"


def local_path(address: str | None) -> str:
    """The address if it is a path on this server, else "/": a link from elsewhere must not lead elsewhere."""
    if not address or not address.startswith("/") or address.startswith("//"):
        return "/"
    # Browsers read a backslash as a slash and leave out tabs and line ends: "/\t/evil" would be "//evil".
    if "\\" in address or any(character <= " " for character in address):
        return "/"
    parts = urlsplit(address)
    return "/" if parts.scheme or parts.netloc else address
