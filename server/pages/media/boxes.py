"""Boxes that a program has drawn around things in an image: where they are, and what is said of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from charts import format
from charts.scale import drawable
from server.run_values import number

LARGEST_BYTES: Final = 500_000
MOST: Final = 100
DIGITS: Final = 3


@dataclass(frozen=True)
class Box:
    """A box in parts of the image's width and height, from its left and its top."""

    x: float
    y: float
    width: float
    height: float
    said: str


def boxes_at(path: Path, width: float, height: float) -> list[Box]:
    """The boxes in a file, of an image of so many pixels; what is no box is left out."""
    try:
        told = json.loads(path.read_bytes()) if path.stat().st_size <= LARGEST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return []
    found = told.get("box_data") if isinstance(told, dict) else None
    labels = told.get("class_labels") if isinstance(told, dict) else None
    names = {str(id): str(name) for id, name in labels.items()} if isinstance(labels, dict) else {}
    boxes = [_box(each, width, height, names) for each in found[:MOST]] if isinstance(found, list) else []
    return [box for box in boxes if box]


def _box(told: Any, width: float, height: float, names: dict[str, str]) -> Box | None:
    position = told.get("position") if isinstance(told, dict) else None
    ends = _ends(position) if isinstance(position, dict) else None
    if ends is None:
        return None
    if told.get("domain") == "pixel":
        ends = [ends[0] / width, ends[1] / height, ends[2] / width, ends[3] / height]
    left, top, right, foot = (min(max(end, 0.0), 1.0) for end in ends)
    return Box(left, top, right - left, foot - top, _said(told, names)) if left < right and top < foot else None


def _ends(position: dict[str, Any]) -> list[float] | None:
    """Left, top, right and foot; the client tells either these, or the middle and the size."""
    middle = position.get("middle")
    x, y = middle if isinstance(middle, list) and len(middle) == 2 else (None, None)
    told = [number(each) for each in (x, y, position.get("width"), position.get("height"))]
    found = [each for each in told if each is not None]
    if len(found) == len(told):
        across, up, wide, high = found
        found = [across - wide / 2, up - high / 2, across + wide / 2, up + high / 2]
    else:
        ends = [number(position.get(name)) for name in ("minX", "minY", "maxX", "maxY")]
        found = [each for each in ends if each is not None]
    return found if len(found) == 4 and all(map(drawable, found)) else None


def _said(told: dict[str, Any], names: dict[str, str]) -> str:
    """Its caption or its class, and its scores."""
    caption = told.get("box_caption")
    name = caption if isinstance(caption, str) and caption else names.get(str(told.get("class_id")), "")
    scores = told.get("scores")
    known = scores.items() if isinstance(scores, dict) else ()
    parts = [f"{key} {format.parameter(value, DIGITS)}" for key, value in known if number(value) is not None]
    return "; ".join(filter(None, [name, *parts]))
