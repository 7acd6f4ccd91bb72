"""A sweep that is begun from the file of another one: opened as text, checked as on the command line, registered."""

import secrets
import sqlite3
from collections.abc import Mapping
from typing import Final

from search import config, suggest
from search.config import ConfigError, Finding
from search.document import Place
from server.ledger import sweeps
from server.ledger.points import NewId
from server.ledger.sweeps import SweepFields
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import project_url, sweep_url
from server.pages.words.facts import title_of
from server.refusal import RefusalError
from server.store.rows import Project, Sweep

# Reading it takes half a second, in which nobody else's news are stored.
MOST_CHARACTERS: Final = 100_000
START: Final = Place(1, 1)


def new_sweep(project: Project, sweep: Sweep) -> Page:
    """The page as it is opened."""
    return _page(project, sweep, sweep.config, "", (), "")


def begin(
    tx: sqlite3.Connection, project: Project, sweep: Sweep, form: Mapping[str, str], now_s: float, new_id: NewId
) -> Page:
    """Checks what a form holds, and registers it if that was asked for and nothing is wrong.

    Raises:
        RefusalError: the form is too long.
    """
    text, name = form.get("config", ""), form.get("name", "").strip()
    if not form or len(text) > MOST_CHARACTERS:
        raise RefusalError(f"a sweep file has at most {MOST_CHARACTERS:,} characters here; use `wandb sweep` for it")
    mistakes, warnings = _checked(text)
    if mistakes or form.get("do") != "register":
        said = f"{len(mistakes)} to be mended, nothing was registered" if mistakes else "No mistakes."
        return _page(project, sweep, text, name, (*mistakes, *warnings), said)
    fields = SweepFields(display_name=name or None)
    made, _ = sweeps.register(tx, project, text, fields, secrets.randbits(31), now_s, new_id)
    return Page("new_sweep.html", "", moved_to=sweep_url(project, made))


def _checked(text: str) -> tuple[list[str], list[str]]:
    """The mistakes and the warnings of a sweep file, a line each, with its place."""
    found = config.check(text)
    mistakes = list(found.mistakes)
    if found.config is not None and not mistakes:
        try:
            suggest.ensure_supported(found.config)
        except ConfigError as error:
            mistakes += [Finding(START, problem) for problem in error.problems]
    warnings = [Finding(each.place, f"warning: {each.message}") for each in found.warnings]
    return [each.line("sweep.yaml") for each in mistakes], [each.line("sweep.yaml") for each in warnings]


def _page(project: Project, sweep: Sweep, text: str, name: str, findings: tuple[str, ...], said: str) -> Page:
    url = sweep_url(project, sweep)
    crumbs = (
        Crumb("Sweeps", "/"),
        Crumb(project.name, project_url(project)),
        Crumb(title_of(sweep), url),
        Crumb("New sweep"),
    )
    values = {"url": url, "title": title_of(sweep), "text": text, "name": name, "findings": findings, "said": said}
    return Page("new_sweep.html", "New sweep", values, crumbs)
