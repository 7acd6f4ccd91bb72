"""Console lines: `[ERROR ]2026-11-23T16:33:42.164330 text`, as W&B's client sends them."""

import re
from typing import Any

LINE = re.compile(r"(?P<error>ERROR )?(?P<at>\d{4}-\d\d-\d\dT[\d:.]+) ?(?P<text>.*)", re.DOTALL)


def console_line(number: int, line: str) -> dict[str, Any]:
    """A line's number, level (`error` for stderr, else `info`), time and text."""
    match = LINE.fullmatch(line)
    if match is None:
        return {"number": number, "timestamp": None, "level": "info", "label": None, "line": line}
    level = "error" if match["error"] else "info"
    return {"number": number, "timestamp": match["at"], "level": level, "label": None, "line": match["text"]}
