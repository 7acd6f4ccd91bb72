"""`/metrics`: what to watch of this server, in the form that Prometheus reads; for whoever has an admin's key.

Source: https://prometheus.io/docs/practices/naming/ and the documentation of `prometheus_client`.
"""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.identity import KEY, asker_of
from server.settings import Settings
from server.store import metric_queries as queries
from server.store.database import Database

NAME: Final = "tf_sweeps"
# An agent asks every 5 s, and is told apart from a slow disk only below a second.
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ADMINS: Final = "these count what is everybody's: ask for the role `admin`"
# Requests by the beginning of their path; the first that fits.
KINDS: Final = {
    "/graphql": "graphql",
    "/files/": "stream",
    "/storage/wandb_artifacts/": "artifact",
    "/storage/manifests/": "artifact",
    "/artifactsV2/": "artifact",
    "/storage/": "file",
    "/events": None,  # open for as long as a page is
    "/healthz": None,
    "/ready": None,
    "/metrics": None,
}


@dataclass(frozen=True)
class Kept:
    """Collects what the database and its disk hold, when somebody asks; `clock` gives UTC seconds."""

    database: Database
    settings: Settings
    clock: Callable[[], float]

    def collect(self) -> Iterator[Metric]:
        yield self._gauge("storing", "1 where something can be stored", float(self.database.trouble is None))
        yield self._gauge("disk_free_bytes", "of the data's disk", shutil.disk_usage(self.settings.data).free)
        yield self._gauge("database_bytes", "of its file and of its write-ahead log", self._database_bytes())
        with self.database.read() as connection:
            yield from self._stored(connection)

    def _database_bytes(self) -> int:
        path = self.settings.database
        return sum(part.stat().st_size for part in (path, path.with_name(f"{path.name}-wal")) if part.exists())

    def _stored(self, connection: sqlite3.Connection) -> Iterator[Metric]:
        now_s = self.clock()
        yield self._counts("runs", "by state", "state", queries.runs_by_state(connection))
        yield self._counts("sweeps", "by state", "state", queries.sweeps_by_state(connection))
        yield self._counts("points", "settled, by how", "outcome", queries.points_by_outcome(connection))
        heard_since_s = now_s - self.settings.agent_silent_s
        yield self._gauge("agents", "heard of lately", queries.agents_since(connection, heard_since_s))
        silent_s = now_s - (queries.longest_silent_since_s(connection) or now_s)
        yield self._gauge("longest_silence_seconds", "of a run under way", max(silent_s, 0.0))
        yield self._gauge("file_bytes", "of runs and artifacts", queries.file_bytes(connection))

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        return GaugeMetricFamily(f"{NAME}_{name}", text, value=value)

    def _counts(self, name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
        family = GaugeMetricFamily(f"{NAME}_{name}", text, labels=[label])
        for value, count in counts.items():
            family.add_metric([value], count)
        return family


class Metrics:
    """What is measured of one application."""

    def __init__(self, kept: Kept) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(kept)
        ProcessCollector(registry=self._registry)
        self.requests = Histogram(
            f"{NAME}_request_seconds",
            "from a request's head to the end of its answer",
            ("kind", "status"),
            registry=self._registry,
            buckets=BUCKETS_S,
        )

    def answer(self, request: Request) -> Response:
        """All of them, for an admin: they count what is everybody's."""
        asker = asker_of(request)
        if asker.way != KEY or not asker.is_admin:
            status, why = (401, "the API key is missing or not this server's") if asker.way != KEY else (403, ADMINS)
            return JSONResponse({"errors": [{"message": why}]}, status)
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


class Measured:
    """ASGI: measures how long each request takes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = _kind(scope["path"]) if scope["type"] == "http" else None
        if kind is None:
            await self._app(scope, receive, send)
            return
        began_s, status = time.perf_counter(), 500

        async def note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._metrics.requests.labels(kind, status).observe(time.perf_counter() - began_s)


def _kind(path: str) -> str | None:
    """What is asked for, in one of a few words; None for what is not measured."""
    return next((kind for beginning, kind in KINDS.items() if path.startswith(beginning)), "page")
