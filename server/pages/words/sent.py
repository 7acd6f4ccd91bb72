"""Values that clients sent: JSON of any shape and size, brought into names and short texts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from charts import format
from server.run_values import unwrapped

Path = tuple[str, ...]

# W&B's own entry among a user's: telemetry and the like.
INTERNAL: Final = "_wandb"
MAX_CHARACTERS: Final = 2000


@dataclass(frozen=True)
class Value:
    """A name and the text of its value."""

    name: str
    text: str


def read_object(text: str) -> dict[str, Any]:
    """A JSON object, or {} for anything else; NaN and Infinity are read as W&B's client writes them."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def config_values(config: str) -> dict[str, Any]:
    """What a user's program put into a run's config, by name."""
    return {name: value for name, value in unwrapped(read_object(config)).items() if name != INTERNAL}


def flattened(values: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The leaves of nested objects with their paths; an empty object and W&B's media count as leaves."""
    for name, value in values.items():
        here = (*path, str(name))
        if isinstance(value, dict) and value and "_type" not in value:
            yield from flattened(value, here)
        else:
            yield here, value


def listed(values: dict[str, Any], digits: int = 17) -> list[Value]:
    """The leaves of nested objects, each with the names of its path."""
    return [Value(".".join(path), written(value, digits)) for path, value in flattened(values)]


def at(values: dict[str, Any], path: Path) -> Any:
    """The value at a path, None where there is none."""
    value: Any = values
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def written(value: object, digits: int = 17, limit: int = MAX_CHARACTERS) -> str:
    """A value in a line of text; one of more than `limit` characters is cut, and says so."""
    if isinstance(value, dict) and isinstance(value.get("_type"), str):
        return f"[{value['_type']}]"
    text = format.parameter(value, digits)
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… and {format.count(len(text) - limit)} more characters"
