"""Wires the rooms of the server together and owns its lifespan."""

import asyncio
import logging
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.bayes_worker import find_suggestions
from server.clock import Clock
from server.heartbeats import Heartbeats
from server.identity import Identified, Identity
from server.keys import Keys, OneTimeLinks
from server.ledger import files
from server.metrics import Kept, Measured, Metrics
from server.notices.sending import Notices
from server.pages.events import Events
from server.pages.routes import routes as page_routes
from server.protocol.context import signed_file_url
from server.protocol.routes import protocol_routes
from server.reached import Reached
from server.settings import Settings
from server.store import queries
from server.store.database import Database
from server.store.rows import Run
from server.turns import Turns
from server.upkeep import Upkeep

log = logging.getLogger(__name__)

# What was stored so lately tells that the next will be, too.
FRESH_S = 5.0
# What reads and computes at once. Each more takes its share of Python's one lock from those that write.
READERS = 4
# They wait for the disk, and what waits together is synced together.
WRITERS = 40
# What has been uploaded would be sent again.
UPLOAD_WAIT_S = 120.0
FURTHEST_AHEAD_S = 24 * 3600.0
ID_ALPHABET = string.ascii_lowercase + string.digits
ID_LENGTH = 8


def new_id() -> str:
    """A random id as W&B writes them: 8 characters of a-z and 0-9."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def create_app(
    database: Database,
    settings: Settings,
    keys: Keys,
    links: OneTimeLinks,
    clock: Clock | None = None,
    own_url: str = "",
) -> Starlette:
    """Builds the ASGI application; its `state.events` are to be ended before it is asked to stop.

    `state.look` gives up who is gone, as the watch does by itself every few seconds.

    Args:
        database: open; closed by the caller.
        clock: None for the machine's, no earlier than what the database tells of.
        own_url: by which people reach it, for the links in notices.
    """
    clock = clock or Clock(not_before_s=_last_told_s(database))
    events = Events(database, clock())
    readers = Turns(READERS, READERS - 1)
    writers = Turns(WRITERS, WRITERS * 3 // 4, UPLOAD_WAIT_S)
    heartbeats = Heartbeats(database, clock)
    upkeep = Upkeep(database, settings, clock, heartbeats)
    notices = Notices(database, settings.notify_url, own_url, clock, settings.tick_s)

    def file_url(run: Run, name: str) -> str:
        # Relative to the page's own origin, whatever name the browser knows the server by.
        return signed_file_url(settings, keys, "", "GET", run, name, clock())

    def ready(request: Request) -> Response:
        with database.read() as connection:
            queries.projects(connection)
        return JSONResponse({"status": "ok"})

    def healthy(request: Request) -> Response:
        database.probe(FRESH_S)
        if database.trouble:
            return JSONResponse({"status": "nothing can be stored", "reason": database.trouble}, 503)
        return ready(request)

    def look_through() -> None:
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile
            database.check()
            upkeep.clear_orphans()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        files.remove_unfinished(settings.files)
        notices.start()
        watch = asyncio.create_task(_watch(upkeep.look, settings.tick_s))
        searching = asyncio.create_task(find_suggestions(database, clock))
        # No request waits for it, nor the end of the server: closing the database breaks it off.
        threading.Thread(target=look_through, name="look-through", daemon=True).start()
        yield
        for task in (watch, searching):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await run_in_threadpool(notices.end)
        with suppress(sqlite3.Error):
            heartbeats.write()

    metrics = Metrics(Kept(database, settings, clock))
    identity = Identity(database, settings, keys, clock)
    routes = [
        Route("/healthz", healthy),
        Route("/ready", ready),
        Route("/metrics", readers.endpoint(metrics.answer)),
        *protocol_routes(database, settings, identity, links, clock, new_id, heartbeats, readers, writers),
        *page_routes(database, settings, identity, links, clock, file_url, events, new_id, readers, writers),
    ]
    reached = Middleware(Reached, settings.public_url, settings.trusted_proxies)
    around = [Middleware(Measured, metrics), reached, Middleware(Identified, identity)]
    app = Starlette(routes=routes, middleware=around, lifespan=lifespan, exception_handlers={Exception: _busy})
    app.state.events, app.state.look = events, upkeep.look
    return app


def _last_told_s(database: Database) -> float:
    """Since when time goes on; 0 where the clock was so wrong that nobody would wait for the right one to catch up."""
    with database.read() as connection:
        told_s = queries.last_told_s(connection)
    return told_s if told_s - time.time() < FURTHEST_AHEAD_S else 0.0


async def _busy(request: Request, error: Exception) -> Response:
    """Answers what no route has foreseen; Starlette logs the error. The client tries a 503 again, a 500 as well."""
    return JSONResponse({"errors": [{"message": "the server cannot answer this now; its log says why"}]}, 503)


async def _watch(look: Callable[[], None], tick_s: float) -> None:
    while True:
        await asyncio.sleep(tick_s)
        try:
            await run_in_threadpool(look)
        except Exception:
            log.exception("looking for silent agents failed; trying again in %s s", tick_s)
