"""The HTTP face of W&B's protocol: who may ask, how much, and what an error looks like."""

import asyncio
import base64
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from server.clock import Clock
from server.gathering import Gathering
from server.heartbeats import Heartbeats, Kept
from server.identity import KEY, Identity, asker_of
from server.keys import OneTimeLinks, basic
from server.ledger import files as file_ledger
from server.ledger import stream as stream_ledger
from server.ledger.artifacts.arrivals import Arrivals
from server.ledger.chunk import Chunk
from server.protocol import file_stream
from server.protocol.artifact_routes import ArtifactBytes
from server.protocol.context import FILE_PURPOSES, Context, Slices, signed_name
from server.protocol.faults import Answer, told
from server.protocol.graphql import Endpoint, OpenContext
from server.protocol.kept_lists import KeptLists
from server.protocol.room import AGAIN_S, SMALL_BYTES, Room
from server.protocol.schema import load_schema
from server.protocol.uploads import Upload, received
from server.reached import for_people
from server.refusal import BusyError, NotFoundError, RefusalError
from server.settings import Settings
from server.store import queries
from server.store.database import Database
from server.turns import Turns

API_USER = "api"
# What W&B's client says in shared mode: that it does, and its own name, in GraphQL and in file streams.
SHARED_MODE = "X-WANDB-USE-ASYNC-FILESTREAM"
WRITER = "X-WANDB-CLIENT-ID"
STREAM_WRITER = "X-WANDB-ASYNC-CLIENT-ID"
# On a file stream a 4xx makes the client drop the rest of a run: a fault of ours must not.
FAULT_STATUS = 503
# The largest body at 270 kB a second; one that comes more slowly holds room that others wait for.
BODY_S = 120.0


class FileConvertor(PathConvertor):
    """A path that may have line breaks in it, as names of files may."""

    regex = "(?s:.*)"


register_url_convertor("file", FileConvertor())


@dataclass(frozen=True)
class Protocol:
    """What the routes share; `routes` gives them."""

    database: Database
    settings: Settings
    identity: Identity
    links: OneTimeLinks
    clock: Clock
    new_id: Callable[[], str]
    endpoint: Endpoint
    gathering: Gathering
    heartbeats: Heartbeats
    room: Room
    readers: Turns
    writers: Turns
    lists: KeptLists = field(default_factory=KeptLists)

    def routes(self) -> list[Route]:
        return [
            Route("/graphql", self.graphql, methods=["POST"]),
            Route("/files/{entity}/{project}/{run}/file_stream", self.file_stream, methods=["POST"]),
            Route("/storage/{run:int}/{name:file}", self.put_file, methods=["PUT"]),
            Route("/storage/{run:int}/{name:file}", self.readers.endpoint(self.get_file), methods=["GET"]),
            *self._artifact_bytes().routes(),
            Route("/key", self.key, methods=["GET"]),
            Route("/login-links", self.login_link, methods=["POST"]),
            # The client's telemetry: a 404 switches it off.
            Route("/sdk/otel/{rest:path}", _not_found, methods=["POST"]),
        ]

    def _artifact_bytes(self) -> ArtifactBytes:
        arrivals = Arrivals(self.database, self.settings.artifacts, self.clock)
        return ArtifactBytes(
            self.database, self.settings, self.identity, self._check_key, _told, arrivals, self.readers, self.writers
        )

    async def graphql(self, request: Request) -> Response:
        try:
            self._check_key(request)
            async with self.room.of(request):
                body = await self._body(request)
                return self._again(body) or await self._carried_out(request, body)
        except (RefusalError, ClientDisconnect, sqlite3.Error) as error:
            return _told(error)

    def _again(self, body: bytes) -> Response | None:
        kept = self.heartbeats.again(body)
        return None if kept is None else Response(kept, media_type="application/json")

    async def _carried_out(self, request: Request, body: bytes) -> Response:
        to_keep: list[Kept] = []
        opener, answer = self._opener(request, to_keep), None
        while answer is None:  # between two slices others have their turn
            answer = await self._answer(body, opener)
        response = answer.response()
        for kept in to_keep if response.status_code == 200 else ():
            self.heartbeats.keep(kept, body, bytes(response.body))
        return response

    async def _answer(self, body: bytes, opener: OpenContext) -> Answer | None:
        if self.endpoint.writes_little(body):
            return await self.gathering.run(self.endpoint.answer, body, opener)
        if b"mutation" in body:
            return await self.writers.run(self.endpoint.answer, body, opener)
        return await self.readers.run(self.endpoint.answer, body, opener)

    async def file_stream(self, request: Request) -> Response:
        try:
            self._check_key(request)
            async with self.room.of(request):
                chunk = await self._chunk(await self._body(request), _writer(request, STREAM_WRITER))
                # Between two slices others have their turn.
                for part in chunk.slices():
                    answer = await self._taken(request.path_params, part)
            return answer
        except Exception as error:
            return _told(error)

    async def _taken(self, path: dict[str, Any], part: Chunk) -> Response:
        answer = None
        while answer is None:
            answer = await self.gathering.run(self._take, path, part)
        return answer

    async def _chunk(self, body: bytes, writer: str | None) -> Chunk:
        if len(body) <= SMALL_BYTES:
            return file_stream.parse_chunk(body, writer)
        return await run_in_threadpool(file_stream.parse_chunk, body, writer)

    def _take(self, path: dict[str, Any], chunk: Chunk) -> Response | None:
        with self.database.write() as tx:
            project = queries.project(tx, path["entity"], path["project"])
            run = queries.run(tx, project.id, path["run"]) if project else None
            if run is None:
                raise NotFoundError(f"could not find run {path['entity']}/{path['project']}/{path['run']}")
            stopped = stream_ledger.take(tx, run, chunk, self.clock())
        return None if stopped is None else Response(file_stream.reply(stopped), media_type="application/json")

    async def put_file(self, request: Request) -> Response:
        try:
            self._check_signature(request, "PUT")
            async with received(request, self.settings) as upload:
                await self.writers.run(self._stored, request, upload)
        except Exception as error:
            return _told(error)
        return Response(status_code=200)

    def _stored(self, request: Request, upload: Upload) -> None:
        run_id, name = request.path_params["run"], request.path_params["name"]
        upload.sync()
        with self.database.write() as tx:
            if not queries.run_exists(tx, run_id, request.query_params["run"]):
                raise NotFoundError("the run of this file is gone")
            file_ledger.place(self.settings.files, run_id, name, upload.path)
            md5 = base64.b64encode(upload.md5).decode()
            file_ledger.stored(tx, run_id, name, upload.size_bytes, md5, self.clock())

    def get_file(self, request: Request) -> Response:
        run_id, name = request.path_params["run"], request.path_params["name"]
        try:
            self._check_signature(request, "GET")
            with self.database.read(self.settings.query_s) as tx:
                known = queries.run_exists(tx, run_id, request.query_params["run"])
                found = queries.file(tx, run_id, name) if known else None
            path = file_ledger.path_of(self.settings.files, run_id, name)
            if found is None or not path.exists():
                raise NotFoundError(f"the run has no file {name!r}")
        except Exception as error:
            return _told(error)
        # Runs upload what they like: a browser must show it as a picture or save it, never run it as our page.
        shown = "inline" if found.mimetype.startswith("image/") and "svg" not in found.mimetype else "attachment"
        return FileResponse(
            path,
            media_type=found.mimetype,
            filename=Path(name).name,
            content_disposition_type=shown,
            headers={"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"},
        )

    async def key(self, request: Request) -> Response:
        """Whether a key is this server's: 204, or 401."""
        try:
            self._check_key(request)
        except RefusalError as error:
            return _told(error)
        return Response(status_code=204)

    def login_link(self, request: Request) -> Response:
        try:
            self._check_key(request)
        except RefusalError as error:
            return _told(error)
        base_url, user = for_people(request, self.settings.public_url), asker_of(request).user
        return JSONResponse({"url": f"{base_url}/login?token={self.links.make(user.id if user else None)}"})

    def _opener(self, request: Request, to_keep: list[Kept]) -> Callable[[bool], Any]:
        base_url = str(request.base_url).rstrip("/")
        writer, slices = _writer(request, WRITER), Slices()

        @contextmanager
        def open_context(writes: bool) -> Iterator[Context]:
            limit_s = self.settings.query_s
            with ExitStack() as opened:
                tx = opened.enter_context(self.database.write() if writes else self.database.read(limit_s))
                if writes:
                    opened.enter_context(tx.ending(limit_s))
                lists, moment = None if writes else self.lists, self.clock.moment()
                given = tx, self.settings, self.identity.keys, base_url, moment, self.new_id, writer
                yield Context(*given, self.heartbeats, to_keep, slices, lists)

        return open_context

    def _check_key(self, request: Request) -> None:
        user, _ = basic(request.headers.get("Authorization", ""))
        if user != API_USER or asker_of(request).way != KEY:
            raise RefusalError("the API key is missing or not this server's", status=401)

    def _check_signature(self, request: Request, method: str) -> None:
        run = request.query_params.get("run", "")
        signed = signed_name(request.path_params["run"], run, request.path_params["name"])
        self.identity.enter_by_address(request, FILE_PURPOSES[method], signed)

    async def _body(self, request: Request) -> bytes:
        limit, encoding = self.settings.max_body_bytes, request.headers.get("Content-Encoding")
        try:
            async with asyncio.timeout(BODY_S):
                body = await _read(request, limit)
        except TimeoutError:
            raise BusyError(f"the body has not come within {BODY_S:.0f} s: send it again", AGAIN_S) from None
        return await run_in_threadpool(file_stream.unpacked, body, encoding, limit) if encoding else body


def protocol_routes(
    database: Database,
    settings: Settings,
    identity: Identity,
    links: OneTimeLinks,
    clock: Clock,
    new_id: Callable[[], str],
    heartbeats: Heartbeats,
    readers: Turns,
    writers: Turns,
) -> list[Route]:
    """Every route that W&B's client uses.

    Args:
        new_id: makes ids of runs, sweeps and agents.
        readers: who asks for something to be read.
        writers: who changes something, but for small requests, which share a thread.
    """
    endpoint, gathering, room = Endpoint(load_schema()), Gathering(database), Room(settings.max_body_bytes)
    return Protocol(
        database,
        settings,
        identity,
        links,
        clock,
        new_id,
        endpoint,
        gathering,
        heartbeats,
        room,
        readers,
        writers,
    ).routes()


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise RefusalError(f"the body is larger than {limit} bytes", status=413)
    return bytes(body)


def _told(error: Exception) -> Response:
    answer = told(error, FAULT_STATUS)
    if isinstance(error, BusyError):
        return answer.response({"Retry-After": str(error.again_s)})
    return answer.response({"WWW-Authenticate": 'Basic realm="tf-sweeps"'} if answer.status == 401 else None)


def _writer(request: Request, header: str) -> str | None:
    """What the client calls itself if it writes a run together with others."""
    return request.headers.get(header, "") if request.headers.get(SHARED_MODE) == "true" else None


async def _not_found(request: Request) -> Response:
    return Response(status_code=404)
