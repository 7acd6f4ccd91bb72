"""Pages in a real browser, and what none of them may do: complain on the console, or ask anybody but its server."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx2
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError

from tests.server.real_server import RunningServer

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}


class Watch:
    """What the pages of some contexts asked for and complained about.

    Attributes:
        home: the beginning of every address that may be asked for.
        asked: the addresses in order.
        expected: patterns of complaints that the test brings about itself; each must come.
    """

    def __init__(self, home: str) -> None:
        self.home = home
        self.asked: list[str] = []
        self.expected: list[str] = []
        self._complaints: list[str] = []

    def over(self, context: BrowserContext) -> None:
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", self._error)

    def check(self) -> None:
        elsewhere = [address for address in self.asked if not address.startswith(self.home)]
        assert not elsewhere, f"asked elsewhere: {elsewhere}"
        unexpected = [each for each in self._complaints if not any(re.search(part, each) for part in self.expected)]
        assert not unexpected, f"complained: {unexpected}"
        missing = [part for part in self.expected if not any(re.search(part, each) for each in self._complaints)]
        assert not missing, f"did not complain of {missing}"

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complaints.append(f"{message.text} ({message.location['url']})")

    def _error(self, error: WebError) -> None:
        self._complaints.append(str(error.error))


class Visitor:
    """A person with a browser at one server."""

    def __init__(self, browser: Browser, server: RunningServer) -> None:
        self.server = server
        self.watch = Watch(f"{server.url}/")
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def open(self, path: str = "/", signed_in: bool = True, **options: Any) -> Page:
        """Opens a page with cookies of its own, signed in by a one-time link; `options` are those of the context."""
        context = self._browser.new_context(base_url=self.server.url, **options)
        self._contexts.append(context)
        self.watch.over(context)
        page = context.new_page()
        page.goto(f"{self._login_link()}&next={quote(path, safe='')}" if signed_in else path)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _login_link(self) -> str:
        answer = httpx2.post(f"{self.server.url}/login-links", auth=("api", self.server.api_key))
        return str(answer.raise_for_status().json()["url"])


@contextmanager
def visiting(browser: Browser, server: RunningServer) -> Iterator[Visitor]:
    """A visitor, whose pages are held to account when the block ends."""
    visitor = Visitor(browser, server)
    try:
        yield visitor
    finally:
        visitor.close()
    visitor.watch.check()
