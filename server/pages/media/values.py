"""Values of media as W&B's client logs them: what kind they are, and the files that they tell of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from server.ledger.outline import Outline

IMAGES, PLOTS, TABLES, HISTOGRAMS, OTHERS = "images", "plots", "tables", "histograms", "files"
KINDS: Final[Mapping[str, str]] = {
    "image-file": IMAGES,
    "images/separated": IMAGES,
    "images": IMAGES,
    "plotly-file": PLOTS,
    "table-file": TABLES,
    "incremental-table-file": TABLES,
    "histogram": HISTOGRAMS,
}
# The words before the names of what belongs to an image.
MASK, BOXES = "mask", "boxes"
# In which order they stand on a page.
ORDER: Final = (IMAGES, PLOTS, TABLES, HISTOGRAMS, OTHERS)
# Types of values that are no media, as outlines call them.
PLAIN: Final = frozenset(("boolean", "number", "map", "string", "list", "nil"))


@dataclass(frozen=True)
class MediaKey:
    """A key under which media were logged; `count`: how often."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True)
class Medium:
    """One file of a value.

    Attributes:
        path: its name among the run's files.
        beside: files that belong to it, as masks and boxes: word and path.
    """

    path: str
    caption: str = ""
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def media_keys(outline: Outline) -> list[MediaKey]:
    """The keys of a history that have media, by kind and name."""
    found = []
    for name, key in outline.keys.items():
        types = [type for type in key.types if type not in PLAIN]
        if types:
            count = sum(key.types[type] for type in types)
            found.append(MediaKey(name, KINDS.get(types[-1], OTHERS), count))
    return sorted(found, key=lambda key: (ORDER.index(key.kind), key.name.lower()))


def media_of(value: Mapping[str, Any]) -> list[Medium]:
    """The files of a value: one, or those of a list, with their captions."""
    if isinstance(value.get("path"), str):
        return [_medium(value)]
    items = next((each for each in value.values() if _has_paths(each)), None)
    if items is not None:
        return [_medium(each, caption) for each, caption in zip(items, _captions(value, len(items)), strict=True)]
    names = value.get("filenames")
    paths = [path for path in names if isinstance(path, str)] if isinstance(names, list) else []
    besides = _besides(value, len(paths))
    return [Medium(*each) for each in zip(paths, _captions(value, len(paths)), besides, strict=True)]


def _has_paths(each: object) -> bool:
    return isinstance(each, list) and bool(each) and all(isinstance(one, dict) and "path" in one for one in each)


def _medium(value: Mapping[str, Any], caption: str = "") -> Medium:
    return Medium(str(value["path"]), _caption(value.get("caption")) or caption, _beside(value))


def _captions(value: Mapping[str, Any], count: int) -> list[str]:
    told = value.get("captions")
    captions = [_caption(each) for each in told] if isinstance(told, list) else []
    return [*captions, *([""] * count)][:count]


def _caption(told: object) -> str:
    return told if isinstance(told, str) else ""


def _besides(value: Mapping[str, Any], count: int) -> list[tuple[tuple[str, str], ...]]:
    """Of each image of a list; the client tells of them in lists beside that of the images."""
    lists = {"masks": value.get("all_masks"), "boxes": value.get("all_boxes")}
    told = {word: each for word, each in lists.items() if isinstance(each, list) and len(each) == count}
    return [_beside({word: each[place] for word, each in told.items()}) for place in range(count)]


def _beside(value: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for word, singular in (("masks", MASK), ("boxes", BOXES)):
        layers = value.get(word)
        for name, layer in layers.items() if isinstance(layers, dict) else ():
            if isinstance(layer, dict) and isinstance(layer.get("path"), str):
                found.append((f"{singular} {name}", layer["path"]))
    return tuple(found)
