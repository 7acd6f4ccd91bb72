"""Who may see pages and press buttons: a browser that has signed in, or whoever sends a key with the request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from server.identity import NONE, Identity, asker_of, cookie_name
from server.ledger import sessions as ledger
from server.settings import Settings
from server.store.scope import Scope, asked_by, asking

BUTTON_PURPOSE: Final = "button"
DAY_S: Final = 24 * 3600
SHARE_COOKIE: Final = "tf_sweeps_share"


@dataclass(frozen=True)
class Sessions:
    """Cookies that the store knows by their hash, so that each can be ended; `clock` gives UTC seconds."""

    identity: Identity
    settings: Settings
    clock: Callable[[], float]

    def signed_in(self, request: Request) -> bool:
        return asker_of(request).way != NONE

    def sealed(self, path: str) -> str:
        """The address of a button: another site can make a browser post to it, but cannot know its seal.

        A check of `Origin` would refuse everybody: with `Referrer-Policy: no-referrer` browsers send "null".
        """
        # By the day, so that a page that is made again is the same; for one day at least.
        expires_at_s = (self.clock() // DAY_S + 2) * DAY_S
        return f"{path}?seal={self.identity.keys.sign(BUTTON_PURPOSE, _pressed(path), expires_at_s)}"

    def seal_holds(self, request: Request, path: str) -> bool:
        seal = request.query_params.get("seal", "")
        return self.identity.keys.verify(BUTTON_PURPOSE, _pressed(path), seal, self.clock())

    def start(self, request: Request, response: Response, user_id: int | None, scope: Scope) -> None:
        """Lets this browser see pages for `session_lifetime_s`.

        Args:
            user_id: None for whoever has the server's own key.
            scope: theirs.
        """
        lifetime_s, token = self.settings.session_lifetime_s, ledger.new_token()
        kept, browser = self.identity.hashed(token), request.headers.get("User-Agent", "")
        with asked_by(signing_in(scope)), self.identity.database.write() as tx:
            ledger.start(tx, user_id, kept, browser, self.clock(), lifetime_s)
        secure = request.url.scheme == "https"
        name, age_s = cookie_name(request), int(lifetime_s)
        response.set_cookie(name, token, max_age=age_s, path="/", httponly=True, samesite="lax", secure=secure)


def signing_in(scope: Scope) -> Scope:
    """Of somebody who signs in or out, which a key that only reads may do too."""
    return Scope(who=scope.who, entities=scope.entities, may_write=True)


def _pressed(path: str) -> str:
    """What the seal of a button is made of: whoever has one for a path cannot let others press it."""
    return f"{path}\n{asking().who}"


def keep_share(request: Request, response: Response, token: str) -> None:
    """Lets this browser see the sweep of a link, for as long as the link is valid or the browser open."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie_name(request, SHARE_COOKIE), token, httponly=True, samesite="lax", secure=secure)


def share_token(request: Request) -> str:
    return request.cookies.get(cookie_name(request, SHARE_COOKIE), "")


def local_path(address: str | None) -> str:
    """The address if it is a path on this server, else "/": a link from elsewhere must not lead elsewhere."""
    if not address or not address.startswith("/") or address.startswith("//"):
        return "/"
    # Browsers read a backslash as a slash and leave out tabs and line ends: "/\t/evil" would be "//evil".
    if "\\" in address or any(character <= " " for character in address):
        return "/"
    parts = urlsplit(address)
    return "/" if parts.scheme or parts.netloc else address
