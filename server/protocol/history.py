"""History as `wandb.Api` reads it: sampled rows, the columns of a spec, what keys there are."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from server.ledger import outlines
from server.ledger.outline import Key, Outline
from server.protocol.json_values import parse_object, strict
from server.protocol.paging import not_negative
from server.refusal import RefusalError
from server.run_values import at_path
from server.sampling import evenly
from server.store import history_queries, queries
from server.store.rows import Run

DEFAULT_SAMPLES: Final = 500
# The database's numbers end a little further out, and no step is stored that comes so far.
FURTHEST_STEP: Final = 2**62
Item = TypeVar("Item")


def rows(
    tx: sqlite3.Connection, run: Run, min_step: int | None, end_step: int | None, samples: int | None
) -> list[str]:
    """At most `samples` of the rows (500 when not said) with `min_step <= _step < end_step`.

    Raises:
        RefusalError: a negative number.
    """
    places = history_queries.places(tx, run.id, min_step, end_step)
    return history_queries.rows_at(tx, run.id, _sampled(places, samples))


def events(tx: sqlite3.Connection, run: Run, samples: int | None) -> list[str]:
    """At most `samples` of the rows of system metrics.

    Raises:
        RefusalError: a negative number.
    """
    places = _sampled(range(run.event_lines), samples)
    found = queries.events_at(tx, run.id, places)
    if len(found) < len(places):
        found = _sampled([row for _, row in queries.lines(tx, "event", run.id)], samples)
    return found


def columns(tx: sqlite3.Connection, run: Run, spec: str) -> list[dict[str, Any]]:
    """The rows that have all keys of a spec `{"keys", "samples", "minStep", "maxStep"}`, with just these keys.

    `maxStep` is inclusive here. A spec without keys gives nothing.

    Raises:
        RefusalError: the spec is no such object.
    """
    wanted = parse_object(spec, "a history spec")
    keys = wanted.get("keys") or []
    numbers = [wanted.get(name) for name in ("samples", "minStep", "maxStep")]
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or not all(map(_is_whole, numbers)):
        raise RefusalError("a history spec is {keys: a list of names, samples, minStep, maxStep: whole numbers}")
    if not keys:
        return []
    samples, first, last = numbers
    low, end = _near(first), _near(None if last is None else last + 1)
    if _are_in_all_rows(tx, run, keys):
        return _picked(rows(tx, run, low, end, samples), keys)
    naming = {key.split(".")[0] for key in keys if _is_plain(key)}
    found = history_queries.history(tx, run.id, min_step=low, end_step=end, naming=naming)
    return _sampled(_picked(found, keys), samples)


def keys(outline: Outline) -> dict[str, Any] | None:
    """What `historyKeys` says: each key with its types and last value, and the last step; None without rows."""
    if not outline.keys:
        return None
    described = {name: _described(key) for name, key in outline.keys.items()}
    return {"lastStep": outline.last_step, "keys": described, "sets": []}


def _described(key: Key) -> dict[str, Any]:
    counts = [{"type": type, "count": count} for type, count in key.types.items()]
    return {"typeCounts": counts, "monotonic": False, "previousValue": strict(key.last)}


def _sampled(items: Sequence[Item], samples: int | None) -> list[Item]:
    """At most so many, evenly spaced, the first and the last among them."""
    wanted = DEFAULT_SAMPLES if samples is None else not_negative(samples, "samples")
    return [items[place] for place in evenly(len(items), wanted)]


def _picked(found: Any, keys: list[str]) -> list[dict[str, Any]]:
    picked = ({key: at_path(row, key) for key in keys} for row in map(json.loads, found))
    return [strict(values) for values in picked if None not in values.values()]


def _are_in_all_rows(tx: sqlite3.Connection, run: Run, keys: list[str]) -> bool:
    """Whether it is known, without reading rows, that each has all of these keys."""
    kept = outlines.kept(tx, run.id)
    if kept is None:
        return False
    outline, row_count = kept
    # A name with a dot can be written in two ways in one row, and counted twice.
    return all("." not in key and key in outline.keys and outline.keys[key].values == row_count for key in keys)


def _is_plain(key: str) -> bool:
    """Whether JSON has but one usual way to write it."""
    return key.isascii() and key.isprintable() and '"' not in key and "\\" not in key


def _near(step: int | None) -> int | None:
    return None if step is None else max(-FURTHEST_STEP, min(step, FURTHEST_STEP))


def _is_whole(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))
