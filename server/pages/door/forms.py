"""What a form sends."""

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

# A sweep file with a grid of thousands of values.
MAX_FORM_BYTES: Final = 500_000


async def form_of(request: Request, most_bytes: int = MAX_FORM_BYTES) -> dict[str, str]:
    """The fields of a form by their names; none where it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            return {}
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0].replace("\r\n", "\n") for name, values in fields.items()}
