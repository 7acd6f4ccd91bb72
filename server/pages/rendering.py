"""Templates into responses: one frame, one set of headers, static files addressed by their content."""

import gzip
import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from charts.icons import icon
from server.identity import NONE, asker_of
from server.settings import Settings

HERE: Final = Path(__file__).parent
SCHEME_COOKIE: Final = "tf_sweeps_scheme"
SCHEMES: Final = ("light", "dark")

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
        "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# Who logs an artifact says what is in it: a browser must save it, never run it as our page.
FILE_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STATIC_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=31536000, immutable",
}
# It adds a thirtieth to the time that a page takes, and leaves a fifth of it to be sent; 6, the usual, thrice as much.
GZIP_LEVEL: Final = 3


@dataclass(frozen=True)
class Crumb:
    """One step of the way from the list of sweeps to here; `url` is None for here.

    Attributes:
        shared: whether a guest, who has the link of one sweep, may open it.
    """

    text: str
    url: str | None = None
    shared: bool = False


@dataclass(frozen=True)
class Page:
    """What a template is given.

    Attributes:
        template: its file's name.
        title: of the browser's tab.
        crumbs: the way here.
        refresh_s: how often the script looks for news without a stream of events; None where nothing changes any more.
        state: the name of the state that is shown, for the stream.
        moved_to: a better address of the same page, which the browser is sent to.
        guest: whether its reader has the link of one sweep and may open no other.
    """

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    crumbs: tuple[Crumb, ...] = ()
    refresh_s: int | None = None
    status: int = 200
    state: str = ""
    moved_to: str | None = None
    guest: bool = False


class Static:
    """The files of `static/`, read once; an address holds a hash of the content, so that it can be kept for ever."""

    def __init__(self, directory: Path = HERE / "static") -> None:
        self._addresses: dict[str, str] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        for path in sorted(directory.iterdir()):
            content = path.read_bytes()
            address = f"{path.stem}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            self._addresses[path.name] = f"/static/{address}"
            self._files[address] = content, mimetypes.guess_type(path.name)[0] or "application/octet-stream"

    def address(self, name: str) -> str:
        return self._addresses[name]

    def response(self, request: Request) -> Response:
        found = self._files.get(request.path_params["file"])
        if found is None:
            return Response(status_code=404)
        content, media_type = found
        return _packed(request, content, media_type, 200, STATIC_HEADERS)


@cache
def _templates() -> Environment:
    """Reads them once: a checkout that is renewed under a running server must not mix new templates with old code."""
    templates = Environment(
        loader=DictLoader({path.name: path.read_text() for path in (HERE / "templates").iterdir()}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["icon"] = lambda name, label=None: Markup(icon(name, label))
    return templates


class Frame:
    """Renders pages.

    Args:
        trouble: gives the reason why nothing can be stored, if so.
    """

    def __init__(self, settings: Settings, static: Static, trouble: Callable[[], str | None]) -> None:
        self._templates = _templates()
        self._trouble = trouble
        self._every_page = {"static": static.address}
        self._entity = settings.entity

    def response(self, request: Request, page: Page, sealed: Callable[[str], str] | None = None) -> Response:
        """Renders a page.

        Args:
            sealed: gives the address that a button at a path posts to; None for a reader who may press none.
        """
        scheme = request.cookies.get(SCHEME_COOKIE)
        body = self._templates.get_template(page.template).render(
            self._every_page,
            **page.values,
            page=page,
            trouble=self._trouble(),
            scheme=scheme if scheme in SCHEMES else None,
            sealed=sealed,
            user=asker_of(request).scope.who or self._entity,
            entity=asker_of(request).scope.home or self._entity,
            signed_in=asker_of(request).way != NONE,
            here=f"{request.url.path}{'?' if request.url.query else ''}{request.url.query}",
        )
        # JSON of a program may hold half of a character.
        return _packed(request, body.encode(errors="replace"), "text/html", page.status, PAGE_HEADERS)


def _packed(request: Request, content: bytes, media_type: str, status: int, headers: Mapping[str, str]) -> Response:
    """Compressed for a reader who can unpack it."""
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(content, status, {**headers, "Vary": "Accept-Encoding"}, media_type)
    told = {**headers, "Vary": "Accept-Encoding", "Content-Encoding": "gzip"}
    return Response(gzip.compress(content, GZIP_LEVEL, mtime=0), status, told, media_type)
