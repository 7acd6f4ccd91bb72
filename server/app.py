"""Wires the rooms of the server together and owns its lifespan."""

import asyncio
import logging
import secrets
import string
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.keys import Keys, OneTimeLinks
from server.ledger.watch import give_up_silent
from server.pages.events import Events
from server.pages.routes import routes as page_routes
from server.protocol.context import signed_file_url
from server.protocol.routes import protocol_routes
from server.settings import Settings
from server.store import queries
from server.store.database import Database
from server.store.rows import StoredFile
from server.thinker import think

log = logging.getLogger(__name__)

ID_ALPHABET = string.ascii_lowercase + string.digits
ID_LENGTH = 8


def new_id() -> str:
    """A random id as W&B writes them: 8 characters of a-z and 0-9."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def create_app(
    database: Database, settings: Settings, keys: Keys, links: OneTimeLinks, clock: Callable[[], float] = time.time
) -> Starlette:
    """Builds the ASGI application; its `state.events` are to be ended before it is asked to stop.

    Args:
        database: open; closed by the caller.
        clock: UTC seconds.
    """
    started_at_s = clock()
    events = Events(database, started_at_s)

    def file_url(file: StoredFile) -> str:
        # Relative to the page's own origin, whatever name the browser knows the server by.
        return signed_file_url(settings, keys, "", "GET", file.run_id, file.name, clock())

    def healthy(request: Request) -> Response:
        with database.read() as connection:
            queries.projects(connection)
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watch = asyncio.create_task(_watch(database, settings, started_at_s, clock))
        thinking = asyncio.create_task(think(database, clock))
        yield
        for task in (watch, thinking):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    routes = [
        Route("/healthz", healthy),
        Route("/ready", healthy),
        *protocol_routes(database, settings, keys, links, clock, new_id),
        *page_routes(database, settings, keys, links, clock, file_url, events),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={Exception: _busy})
    app.state.events = events
    return app


async def _busy(request: Request, error: Exception) -> Response:
    """Answers what no route has foreseen; Starlette logs the error. The client tries a 503 again, a 500 as well."""
    return JSONResponse({"errors": [{"message": "the server cannot answer this now; its log says why"}]}, 503)


async def _watch(database: Database, settings: Settings, started_at_s: float, clock: Callable[[], float]) -> None:
    def look() -> None:
        with database.write() as tx:
            give_up_silent(tx, settings, started_at_s, clock())

    while True:
        await asyncio.sleep(settings.tick_s)
        try:
            await run_in_threadpool(look)
        except Exception:
            log.exception("looking for silent agents failed; trying again in %s s", settings.tick_s)
