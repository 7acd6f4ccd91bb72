"""Opens a page in the browser of the person who types, or tells its address where there is none."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from html import escape
from pathlib import Path

PAGE = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={0}"><a href="{0}">Dashboard</a>\n'
)
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def visit(url: str, data_dir: Path, environ: Mapping[str, str]) -> bool:
    """Opens an address in a browser; False where there is none.

    Who has the address is let in, and others see the arguments of programs: the browser gets it by a file that its
    owner alone can read.

    Args:
        data_dir: the file lies there.
    """
    if not _has_screen(environ):
        return False
    page = data_dir / "open.html"
    with open(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(PAGE.format(escape(url)))
    return webbrowser.open(page.as_uri())


def _has_screen(environ: Mapping[str, str]) -> bool:
    """Without one, Python would start a browser of the terminal, in which the pages are hard to read."""
    return sys.platform == "darwin" or any(environ.get(name) for name in SCREENS)
