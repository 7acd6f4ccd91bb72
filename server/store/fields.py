"""What runs can be sorted and filtered by, in SQL: their own columns, and whatever their programs have sent.

A field's name is a key of `COLUMNS`; or a key of `SENT`, a dot, and a name in there, as in `summary.val_loss.max`.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from server.store.queries import shown

COLUMNS: Final = {
    "run": "run.id",
    "name": "coalesce(nullif(run.display_name, ''), run.name)",
    "id": "run.name",
    "metric": "run.metric",
    "state": shown("run.state"),
    "cause": "run.cause",
    "rows": "run.history_lines",
    "time": "run.ended_at_s - run.started_at_s",
    "created": "run.created_at_s",
    "tags": "run.tags",
    "group": "run.group_name",
    "job_type": "run.job_type",
    "host": "run.host",
    "agent": "(SELECT agent.name FROM agent WHERE agent.id = run.agent_id)",
    "sweep": "(SELECT sweep.name FROM sweep WHERE sweep.id = run.sweep_id)",
    "user": "run.user_name",
    "notes": "run.notes",
}
SENT: Final = {"p": "trial.params", "config": "run.config", "summary": "run.summary"}
# Each dot may be a step into an object or part of a name; nobody nests deeper.
MOST_STEPS: Final = 8


class Expression(NamedTuple):
    """SQL over a run and its point, and the texts that it binds, by name."""

    sql: str
    values: dict[str, str]


def is_known(field: str) -> bool:
    """Whether runs may have a field of this name; SQLite's paths into JSON have no escape for a quotation mark."""
    kind, _, name = field.partition(".")
    return field in COLUMNS or (kind in SENT and name != "" and '"' not in name and name.count(".") < MOST_STEPS)


def sorted_by(field: str) -> Expression:
    """What a known field is sorted by; NULL for runs that lack it."""
    if field in COLUMNS:
        return Expression(COLUMNS[field], {})
    column, values = _places(field, "sorted")
    found = f"coalesce({', '.join(f'json_extract({column}, :{name})' for name in values)}, NULL)"
    # W&B's client writes what is no number of JSON as texts, which would come before all numbers.
    number = f"nullif(nullif(nullif({found}, 'NaN'), 'Infinity'), '-Infinity')"
    return Expression(f"CASE WHEN json_valid({column}) THEN {number} END", values)


def told(field: str, bound: str) -> Expression:
    """The value of a known field; as JSON, where it is something that was sent.

    Args:
        bound: what the names of bound texts begin with.
    """
    if field in COLUMNS:
        return Expression(COLUMNS[field], {})
    column, values = _places(field, bound)
    found = f"coalesce({', '.join(f'{column} -> :{name}' for name in values)}, NULL)"
    return Expression(f"CASE WHEN json_valid({column}) THEN {found} END", values)


def is_sent(field: str) -> bool:
    """Whether it is something that a program has sent, or that a point holds."""
    return field not in COLUMNS


def _places(field: str, bound: str) -> tuple[str, dict[str, str]]:
    """The column of a field, and where in it the value may be: JSON paths, each under a name of its own."""
    kind, _, name = field.partition(".")
    found = [path for steps in _steps(name) for path in _paths(kind, steps)]
    return SENT[kind], {f"{bound}{number}": path for number, path in enumerate(found)}


def _steps(name: str) -> Iterator[list[str]]:
    """A name with dots as a whole, and as names of nested objects: the rule of `run_values.at_path`."""
    parts = name.split(".")
    for steps in range(len(parts)):
        yield [*parts[:steps], ".".join(parts[steps:])]


def _paths(kind: str, steps: list[str]) -> Iterator[str]:
    first, *others = (f'."{step}"' for step in steps)
    if kind == "config":
        yield f'${first}."value"{"".join(others)}'
    yield f"${first}{''.join(others)}"
