"""Fills a store as the ledger would, and looks at the pages made of it."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware

from server.app import new_id
from server.identity import Identified, Identity
from server.keys import Keys, OneTimeLinks, load_keys
from server.pages.events import Events
from server.pages.routes import routes
from server.settings import Settings
from server.store import writes
from server.store.database import Database
from server.store.rows import Run
from server.turns import Turns
from tests.server.one_step import Client
from tests.server.speaker import Clock, new_database

GRID = """
method: grid
metric: {name: val_accuracy, goal: maximize}
parameters:
  learning_rate: {values: [0.1, 0.01, 0.001]}
  optimizer: {values: [adam, rmsprop]}
  epochs: {value: 5}
"""
BASE = "http://127.0.0.1:8080"


class Seen(HTMLParser):
    """A page as a reader gets it: its text, its tags with their attributes, its links, its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._tables: dict[str, list[list[str]]] = {}
        self._table: list[list[str]] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._table = self._tables.setdefault(dict(attrs).get("class") or "", [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th") and self._table:
            self._table[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._table = None

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text:
            self.texts.append(text)
            if self._table and self._table[-1]:
                self._table[-1][-1] = f"{self._table[-1][-1]} {text}".strip()

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def links(self) -> list[str]:
        return [attrs["href"] or "" for tag, attrs in self.tags if tag == "a" and "href" in attrs]

    def heads(self, table: str) -> list[str]:
        """The cells of the head of the table of this class."""
        return self._tables[table][0]

    def rows(self, table: str) -> list[list[str]]:
        """The cells of each row of the table of this class, without its head."""
        return self._tables[table][1:]

    def column(self, table: str, number: int) -> list[str]:
        return [row[number] for row in self.rows(table)]


@dataclass
class Shelf:
    """A store and a browser that looks at its pages."""

    database: Database
    settings: Settings
    keys: Keys
    links: OneTimeLinks
    clock: Clock
    http: Client
    runs: int = field(default=0)

    def project(self, name: str = "p") -> int:
        return self._insert("project", entity="local", name=name, created_at_s=self.clock())

    def sweep(self, project: int, name: str = "sweep1", **columns: Any) -> int:
        now_s = self.clock()
        usual = {
            "config": GRID,
            "method": "grid",
            "metric_name": "val_accuracy",
            "goal": "maximize",
            "expected": 6,
            "seed": 1,
            "state": "RUNNING",
            "created_at_s": now_s - 600,
            "updated_at_s": now_s,
        }
        return self._insert("sweep", project_id=project, name=name, **{**usual, **columns})

    def agent(self, sweep: int, name: str, silent_s: float = 3, **columns: Any) -> int:
        now_s = self.clock()
        usual = {"host": "host-a", "created_at_s": now_s - 500, "heartbeat_at_s": now_s - silent_s}
        return self._insert("agent", sweep_id=sweep, name=name, **{**usual, **columns})

    def run(
        self,
        project: int,
        sweep: int | None = None,
        number: int | None = None,
        state: str = "finished",
        metric: float | None = None,
        params: dict[str, Any] | None = None,
        summary: object = None,
        **columns: Any,
    ) -> int:
        """Adds a run; with `number`, as the one attempt at that point, which counts if it has ended."""
        self.runs += 1
        now_s = self.clock()
        params = {"learning_rate": 0.1, "optimizer": "adam", "epochs": 5} if params is None else params
        ended = state not in ("pending", "running")
        usual: dict[str, Any] = {
            "name": f"run{self.runs}",
            "display_name": f"trial {self.runs}",
            "config": json.dumps({name: {"value": value} for name, value in params.items()}),
            "summary": json.dumps(summary or {}),
            "started_at_s": now_s - 300,
            "ended_at_s": now_s - 300 + 60 if ended else None,
            "created_at_s": now_s - 301,
            "updated_at_s": now_s,
            "heartbeat_at_s": now_s - 2,
        }
        trial = None
        if number is not None:
            key = f"{number}-{self.runs}"
            trial = self._insert("trial", sweep_id=sweep, number=number, key=key, params=json.dumps(params))
            usual["trial_id"] = trial
        given = {**usual, **columns}
        run = self._insert("run", project_id=project, sweep_id=sweep, state=state, metric=metric, **given)
        if trial is not None and ended:
            with self.database.write() as tx:
                writes.update(tx, "trial", trial, outcome=state, counted_run_id=run)
        return run

    def history(self, run: int, rows: list[dict[str, Any]]) -> None:
        with self.database.write() as tx:
            lines: list[tuple[int | None, str]] = [
                (number, json.dumps({"_step": number, **row})) for number, row in enumerate(rows)
            ]
            writes.put_history(tx, run, 0, lines)

    def console(self, run: int, lines: list[str]) -> None:
        with self.database.write() as tx:
            writes.put_lines(tx, "log", run, 0, lines)

    def file(self, run: int, name: str, mimetype: str = "text/plain", size_bytes: int = 412) -> int:
        now_s = self.clock()
        return self._insert(
            "file", run_id=run, name=name, size_bytes=size_bytes, md5="x", mimetype=mimetype, updated_at_s=now_s
        )

    def look(self, path: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Seen:
        """Opens a page with the API key."""
        credentials = base64.b64encode(f"api:{self.keys.api_key}".encode()).decode()
        response = self.http.get(path, headers={"Authorization": f"Basic {credentials}", **(headers or {})})
        assert response.status_code == status, response.text
        return Seen(response.text)

    def _insert(self, table: str, **columns: Any) -> int:
        with self.database.write() as tx:
            return writes.insert(tx, table, **columns)


@contextmanager
def shelf_at(data: Path, clock: Clock) -> Iterator[Shelf]:
    data.mkdir()
    settings = Settings(data=data)
    settings.database.write_bytes(new_database())
    keys, links = load_keys(data), OneTimeLinks(settings.link_lifetime_s, clock)
    database = Database(settings.database)
    identity = Identity(database, settings, keys, clock)
    pages = routes(
        *(database, settings, identity, links, clock, file_url, Events(database, clock()), new_id),
        *(Turns(2, 1), Turns(2, 1)),
    )
    app = Starlette(routes=pages, middleware=[Middleware(Identified, identity)])
    with Client(app, base_url=BASE, follow_redirects=False) as http:
        yield Shelf(database, settings, keys, links, clock, http)
    database.close()


def file_url(run: Run, name: str) -> str:
    return f"/storage/{run.name}/{name}?signed=yes"
