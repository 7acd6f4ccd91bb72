"""Bytes of artifacts over HTTP: contents and manifests by signed addresses, files of versions by key.

W&B's client sends no key to an address that it was given; to the fixed ones that it makes itself it does.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from server.identity import Identity
from server.ledger.artifacts import commit, content
from server.ledger.artifacts.arrivals import Arrival, Arrivals
from server.protocol import manifest
from server.protocol.context import CONTENTS, MANIFESTS, number_in, signed_key
from server.protocol.uploads import Upload, received
from server.refusal import NotFoundError, RefusalError
from server.settings import Settings
from server.store import artifact_queries as queries
from server.store.artifact_rows import COMMITTED, Artifact
from server.store.database import Database
from server.store.queries import one_row, project
from server.turns import Turns

# Who logs an artifact says what is in it: a browser must save it, never run it as our page.
HEADERS = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}
# Read at once: streaming costs several changes of threads.
SMALL_BYTES: Final = 256 * 1024


class Streamed(FileResponse):
    """A file in larger pieces than Starlette's, each of which costs a change of threads."""

    chunk_size = 1024 * 1024


@dataclass(frozen=True)
class ArtifactBytes:
    """What the routes share; `routes` gives them.

    Attributes:
        check_key: refuses a request without this server's key.
        told: the answer to a request that ended in an error.
    """

    database: Database
    settings: Settings
    identity: Identity
    check_key: Callable[[Request], None]
    told: Callable[[Exception], Response]
    arrivals: Arrivals
    readers: Turns
    writers: Turns

    def routes(self) -> list[Route]:
        contents, manifests = CONTENTS.format("{artifact:int}", "{md5}"), MANIFESTS.format("{number:int}")
        by_name = "/artifactsV2/{region}/{entity}/{project}/{collection}"
        return [
            Route(contents, self.put_content, methods=["PUT"]),
            Route(contents, self.readers.endpoint(self.get_content), methods=["GET"]),
            Route(manifests, self.put_manifest, methods=["PUT"]),
            Route(manifests, self.readers.endpoint(self.get_manifest), methods=["GET"]),
            Route(
                f"{by_name}/{{version}}/{{birth}}/{{md5}}/{{name}}",
                self.readers.endpoint(self.get_named),
                methods=["GET"],
            ),
            Route(f"{by_name}/{{birth}}/{{md5}}/{{name}}", self.readers.endpoint(self.get_named), methods=["GET"]),
        ]

    async def put_content(self, request: Request) -> Response:
        try:
            self._check_signature(request, "put-content", "artifact", "md5")
            async with received(request, self.settings) as upload:
                await self.writers.run(self._store, request, upload)
        except Exception as error:
            return self.told(error)
        return Response(status_code=200)

    def _store(self, request: Request, upload: Upload) -> None:
        artifact_id, md5 = request.path_params["artifact"], request.path_params["md5"]
        if upload.md5.hex() != md5:
            raise RefusalError(f"these bytes have the MD5 {upload.md5.hex()}, promised was {md5}: upload them again")
        upload.sync()
        self.arrivals.store(Arrival(artifact_id, md5, upload.size_bytes, upload.path))

    def get_content(self, request: Request) -> Response:
        artifact_id, md5 = request.path_params["artifact"], request.path_params["md5"]
        try:
            self._check_signature(request, "get-content", "artifact", "md5")
            with self.database.read(self.settings.query_s) as tx:
                if not queries.has_content(tx, artifact_id, md5):
                    raise NotFoundError("this artifact has no such file any more")
            return self._bytes(request, md5, None)
        except Exception as error:
            return self.told(error)

    async def put_manifest(self, request: Request) -> Response:
        try:
            self._check_signature(request, "put-manifest", "number")
            async with received(request, self.settings, manifest.MAX_BYTES) as upload:
                await self.writers.run(self._take_manifest, request, upload)
        except Exception as error:
            return self.told(error)
        return Response(status_code=200)

    def _take_manifest(self, request: Request, upload: Upload) -> None:
        number, digest = request.path_params["number"], base64.b64encode(upload.md5).decode()
        with self.database.read(self.settings.query_s) as tx:
            commit.awaited(tx, number, digest)
        entries = manifest.parse(upload.path.read_bytes())
        place: int | None = 0
        while place is not None:  # between two slices others have their turn
            with self.database.write() as tx:
                place = commit.take_manifest(tx, number, digest, entries, place)

    def get_manifest(self, request: Request) -> Response:
        try:
            self._check_signature(request, "get-manifest", "number")
            with self.database.read(self.settings.query_s) as tx:
                artifact = one_row(tx, Artifact, "WHERE id = ?", request.path_params["number"])
                if artifact is None or artifact.state != COMMITTED:
                    raise NotFoundError("this artifact is gone")
                entries = queries.entries(tx, artifact.id)
            return Response(manifest.render(entries), media_type="application/json")
        except Exception as error:
            return self.told(error)

    def get_named(self, request: Request) -> Response:
        """A file at the address that the client makes itself; its name stands there unquoted and is not looked at."""
        asked = request.path_params
        try:
            self.check_key(request)
            version = number_in("Artifact", asked["version"]) if "version" in asked else None
            if version is None and "version" in asked:
                raise NotFoundError("there is no such artifact")
            with self.database.read(self.settings.query_s) as tx:
                owner = project(tx, asked["entity"], asked["project"])
                found = queries.collection(tx, owner.id, asked["collection"]) if owner else None
                if found is None or not queries.holds(tx, found.id, version, asked["md5"]):
                    raise NotFoundError(f"no version of {asked['collection']!r} has this file")
            return self._bytes(request, asked["md5"], asked["name"])
        except Exception as error:
            return self.told(error)

    def _bytes(self, request: Request, md5: str, name: str | None) -> Response:
        path = content.path_of(self.settings.artifacts, md5)
        try:
            stat = path.stat()
        except FileNotFoundError as error:
            raise NotFoundError("the bytes of this file are gone") from error
        kind = "application/octet-stream"
        response = Streamed(path, media_type=kind, filename=name or md5, headers=HEADERS, stat_result=stat)
        if stat.st_size > SMALL_BYTES or "Range" in request.headers:
            return response
        return Response(path.read_bytes(), headers=dict(response.headers))

    def _check_signature(self, request: Request, purpose: str, *parts: str) -> None:
        key = signed_key(*(request.path_params[part] for part in parts))
        self.identity.enter_by_address(request, purpose, key)
