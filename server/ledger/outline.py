"""What a run's history holds, told without its rows: its keys with their types, last values and extremes."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from server.run_values import number

NIL: Final = "nil"
NUMBER: Final = "number"


@dataclass
class Key:
    """A key of history; names of nested objects are joined by dots.

    Attributes:
        types: how many values of each type there are, in the order in which the types came.
        last: the last value, of any type.
        low, high, latest: the lowest, highest and last of the finite numbers; None without any.
    """

    types: dict[str, int] = field(default_factory=dict)
    last: Any = None
    low: float | None = None
    high: float | None = None
    latest: float | None = None

    def take(self, value: Any) -> None:
        # Most values are floats, and each costs as much as all else that is done with it.
        name, found = (NUMBER, value) if type(value) is float else (type_of(value), number(value))
        self.types[name] = self.types.get(name, 0) + 1
        self.last = value
        if found is not None and math.isfinite(found):
            if self.low is None or found < self.low:
                self.low = found
            if self.high is None or found > self.high:
                self.high = found
            self.latest = found

    @property
    def values(self) -> int:
        """How many there are that are not null."""
        return sum(self.types.values()) - self.types.get(NIL, 0)


@dataclass
class Outline:
    """Of rows in the order of their steps.

    Attributes:
        last_step: the highest; -1 without any.
    """

    last_step: int = -1
    keys: dict[str, Key] = field(default_factory=dict)

    def take(self, rows: Iterable[str]) -> None:
        """Adds rows that come after all before."""
        for row in map(json.loads, rows):
            step = row.get("_step")
            self.last_step = max(self.last_step, step if isinstance(step, int) else self.last_step)
            for name, value in _flat(row):
                key = self.keys.get(name)
                if key is None:
                    key = self.keys[name] = Key()
                key.take(value)

    def text(self) -> str:
        """As JSON."""
        return json.dumps({"last_step": self.last_step, "keys": {name: vars(key) for name, key in self.keys.items()}})

    @classmethod
    def read(cls, text: str) -> "Outline":
        """What `text` has given."""
        told = json.loads(text)
        return cls(told["last_step"], {name: Key(**key) for name, key in told["keys"].items()})


def type_of(value: Any) -> str:
    """A value's type, as W&B calls it."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, dict):
        return str(value.get("_type", "map"))
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list) else NIL


def _flat(row: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs = []
    for name, value in row.items():
        if isinstance(value, dict) and "_type" not in value:
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, value))
    return pairs
