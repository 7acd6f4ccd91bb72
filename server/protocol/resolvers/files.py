"""Files of a run and its console: signed addresses, listings, lines."""

import mimetypes
from typing import Any

from server.console import console_line
from server.ledger import audit
from server.ledger import files as ledger
from server.ledger.starts import is_shared
from server.protocol.context import Info, node_id, number_and_owner
from server.protocol.dates import iso
from server.protocol.paging import not_negative, number_of, numbered_page, page
from server.protocol.resolvers.runs import find_named
from server.store import queries
from server.store.rows import Run, StoredFile


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    run = find_named(info, input["entityName"], input["projectName"], input["runName"])
    files = [_absent(run, ledger.clean_name(name)) for name in input["files"]]
    asked = [_node(run, file) | {"name": name} for file, name in zip(files, input["files"], strict=True)]
    return {"runID": node_id("Run", run.name, run.id), "uploadHeaders": [], "files": asked}


def _mark_uploaded(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    find_named(info, input["entityName"], input["projectName"], input["runName"])
    return {"success": True}


def _delete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    for id in input["files"]:
        number, owner = number_and_owner("File", id)
        file = queries.file_of(info.context.tx, number, owner)
        if file is not None:
            run = queries.by_id(info.context.tx, Run, file.run_id)
            ledger.delete(info.context.tx, file)
            name = f"{run.name}/{file.name}"
            audit.note_in_project(info.context.tx, "deleted file", run.project_id, name, info.context.now_s)
    return {"success": True}


def _files(
    run: Run,
    info: Info,
    names: list[str] | None = None,
    first: int | None = None,
    after: str | None = None,
    pattern: str | None = None,
) -> dict[str, Any]:
    tx = info.context.tx
    if names:
        # A name that does not exist still gives a node: the client reads its address for an upload.
        cleaned = [ledger.clean_name(name) for name in names]
        rows = [queries.file(tx, run.id, name) or _absent(run, name) for name in cleaned]
    else:
        rows = queries.files(tx, run.id, pattern)
    return page(rows, first, after, told=lambda row: _node(run, row))


def _absent(run: Run, name: str) -> StoredFile:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # By this the client knows that there is no such file (`wandb.restore`).
    return StoredFile(id=0, run_id=run.id, name=name, size_bytes=0, md5="0", mimetype=kind, updated_at_s=0.0)


def _node(run: Run, file: StoredFile) -> dict[str, Any]:
    """A `File`, as artifacts have some too: its fields by name, addresses only made where they are asked for."""

    def url(info: Info, upload: bool | None = None) -> str:
        return info.context.file_url("PUT" if upload else "GET", run, file.name)

    return {
        "id": node_id("File", run.name, file.id),
        "name": file.name,
        "displayName": file.name,
        "url": url,
        "directUrl": url,
        "uploadUrl": lambda info: url(info, upload=True),
        "uploadHeaders": [],
        "sizeBytes": file.size_bytes,
        "mimetype": file.mimetype,
        "updatedAt": iso(file.updated_at_s) if file.id else None,
        "md5": file.md5,
    }


def _log_lines(
    run: Run,
    info: Info,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    **ignored: Any,
) -> dict[str, Any]:
    tx, start = info.context.tx, number_of(after) if after else -1
    if last is not None:
        found = queries.lines(tx, "log", run.id, last=not_negative(last, "last"))
        rows = [(number, text) for number, text in found if number > start]
    else:
        # One more tells whether there are more.
        limit = -1 if first is None else not_negative(first, "first") + 1
        rows = queries.lines(tx, "log", run.id, after=start, limit=limit)
    return numbered_page([(number, _log_line(number, text, is_shared(run))) for number, text in rows], first)


def _log_line(number: int, text: str, labelled: bool) -> dict[str, Any]:
    line = console_line(text, labelled)
    level = "error" if line.error else "info"
    return {"number": number, "timestamp": line.sent_at or None, "level": level, "label": line.label, "line": line.text}


FIELDS = {
    "Mutation": {
        "createRunFiles": _create,
        "markRunFilesUploaded": _mark_uploaded,
        "deleteFiles": _delete,
    },
    "Run": {
        "fileCount": lambda run, info: queries.file_count(info.context.tx, run.id),
        "files": _files,
        "logLines": _log_lines,
    },
}
