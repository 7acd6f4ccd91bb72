"""The file stream's JSON, translated: `POST /files/{entity}/{project}/{run}/file_stream`.

A 4xx here makes the client give up the rest of a run, so only what can never be right is refused.
"""

import gzip
import io
import json
import zlib
from typing import Any

from server.ledger.chunk import Chunk, Lines
from server.protocol.json_values import parse_object
from server.refusal import RefusalError

# GraphQL's Int holds no more, in which a run's lines are counted.
MAX_LINE_NUMBER = 2**31 - 1
HISTORY = "wandb-history.jsonl"
EVENTS = "wandb-events.jsonl"
SUMMARY = "wandb-summary.json"
CONSOLE = "output.log"


def parse_chunk(body: bytes, writer: str | None) -> Chunk:
    """Reads one request.

    Args:
        writer: what its client calls itself, if it writes the run together with others.

    Raises:
        RefusalError: it is not of the file stream's form.
    """
    request = parse_object(body or b"{}", "a file stream request")
    files = request.get("files") or {}
    if not isinstance(files, dict):
        raise RefusalError("`files` must be an object")
    history = _lines(files.get(HISTORY), HISTORY)
    summary = _lines(files.get(SUMMARY), SUMMARY)
    console = _lines(files.get(CONSOLE), CONSOLE)
    events = _lines(files.get(EVENTS), EVENTS)
    # What is read back as objects later has to be some.
    for row in (*(events.rows if events else ()), *(summary.rows[-1:] if summary else ())):
        parse_object(row, "a line of system metrics or a summary")
    return Chunk(
        writer=writer,
        history=history,
        steps=tuple(_step(row) for row in history.rows) if history else (),
        events=events,
        logs=(console,) if console else (),
        summary=summary.rows[-1] if summary and summary.rows else None,
        preempting=bool(request.get("preempting")),
        exit_code=_exit_code(request),
    )


def unpacked(body: bytes, encoding: str | None, limit_bytes: int) -> bytes:
    """The body without its `Content-Encoding`.

    Raises:
        RefusalError: an unknown encoding, damaged, or larger than the limit when unpacked.
    """
    if encoding in (None, "", "identity"):
        return body
    if encoding != "gzip":
        raise RefusalError(f"Content-Encoding {encoding!r} is not known; allowed: gzip", status=413)
    try:
        plain = gzip.GzipFile(fileobj=io.BytesIO(body)).read(limit_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RefusalError(f"damaged gzip body: {error}") from error
    if len(plain) > limit_bytes:
        raise RefusalError(f"the body is larger than {limit_bytes} bytes when unpacked", status=413)
    return plain


def _lines(part: Any, name: str) -> Lines | None:
    if part is None:
        return None
    offset, content = (part.get("offset", 0), part.get("content", [])) if isinstance(part, dict) else (-1, [])
    fits = isinstance(offset, int) and _is_lines(content) and 0 <= offset <= MAX_LINE_NUMBER - len(content)
    if not fits:
        raise RefusalError(f"{name} needs an `offset` of 0 to {MAX_LINE_NUMBER} and a `content` list of lines")
    return Lines(offset, content)


def _is_lines(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(row, str) for row in content)


def _step(row: str) -> int | None:
    step = parse_object(row, "a history row").get("_step")
    return step if isinstance(step, int) and not isinstance(step, bool) and abs(step) < 2**62 else None


def _exit_code(request: dict[str, Any]) -> int | None:
    if not request.get("complete"):
        return None
    code = request.get("exitcode", 0)
    return code if isinstance(code, int) and abs(code) < 2**31 else 1


def reply(stopped: bool) -> str:
    """The one key that the client reads."""
    return json.dumps({"stopped": True} if stopped else {})
