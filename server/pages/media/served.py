"""Files of media as a browser gets them: shown as a picture, played, read as a page that can do nothing, or saved.

Who logs a file says what is in it: none of them may run as our page, whatever they are called.
"""

from pathlib import Path, PurePosixPath
from typing import Final

from starlette.responses import FileResponse, Response

from server.pages.rendering import FILE_HEADERS

IMAGE, AUDIO, VIDEO, PAGE, OTHER = "image", "audio", "video", "page", "other"
TYPES: Final = {
    **{ending: (IMAGE, f"image/{ending}") for ending in ("png", "jpeg", "gif", "webp", "bmp", "avif")},
    "jpg": (IMAGE, "image/jpeg"),
    "svg": (IMAGE, "image/svg+xml"),
    **{ending: (AUDIO, f"audio/{ending}") for ending in ("wav", "flac", "ogg", "aac")},
    "mp3": (AUDIO, "audio/mpeg"),
    "m4a": (AUDIO, "audio/mp4"),
    **{ending: (VIDEO, f"video/{ending}") for ending in ("mp4", "webm")},
    "ogv": (VIDEO, "video/ogg"),
    "html": (PAGE, "text/html; charset=utf-8"),
}
UNKNOWN: Final = (OTHER, "application/octet-stream")
# An open page of a live run asks for its pictures again and again.
KEPT: Final = {**FILE_HEADERS, "Cache-Control": "private, max-age=600"}
# Its own styles and what it holds itself; no script, no form, nothing from elsewhere.
READ: Final = {
    **KEPT,
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:"
    ),
}


def kind_of(name: str) -> str:
    """What a file is to a page, by the end of its name."""
    return _type(name)[0]


def served(found: Path | str, name: str) -> Response:
    """A file; an SVG is a picture where a page shows it, and saved where it is opened by itself."""
    kind, media_type = _type(name)
    saved = kind == OTHER or media_type == "image/svg+xml"
    return FileResponse(
        found,
        media_type=media_type,
        filename=PurePosixPath(name).name,
        content_disposition_type="attachment" if saved else "inline",
        headers=READ if kind == PAGE else KEPT,
    )


def _type(name: str) -> tuple[str, str]:
    return TYPES.get(PurePosixPath(name).suffix.removeprefix(".").lower(), UNKNOWN)
