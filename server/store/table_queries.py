"""Named reads of runs as tables show them: by the page, in the order of any field, and as filters see all of them."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from server.store.fields import is_sent, sorted_by, told
from server.store.kept_rows import rows_kept
from server.store.page_queries import Attempt, columns
from server.store.queries import shown
from server.store.rows import Run


class Of(NamedTuple):
    """Whose runs: a sweep's, or a project's of no sweep, or all of a project's."""

    sweep_id: int | None = None
    project_id: int | None = None
    of_no_sweep: bool = False

    @property
    def where(self) -> str:
        if self.sweep_id is not None:
            return "run.sweep_id = :sweep"
        return f"run.project_id = :project{' AND run.sweep_id IS NULL' if self.of_no_sweep else ''}"

    @property
    def values(self) -> dict[str, int | None]:
        return {"sweep": self.sweep_id, "project": self.project_id}


class Brief(NamedTuple):
    """A run as filters see it: W&B's id, state as people are told it, metric, and its point's values as JSON."""

    run: str
    state: str
    metric: float | None
    params: str


@dataclass(frozen=True, slots=True)
class Order:
    """How runs are sorted, by a field of `fields`; runs that lack the value come last either way."""

    field: str
    descending: bool


def count(connection: sqlite3.Connection, of: Of) -> int:
    """How many there are."""
    (found,) = connection.execute(f"SELECT count(*) FROM run WHERE {of.where}", of.values).fetchone()
    return int(found)


def attempts(
    connection: sqlite3.Connection,
    of: Of,
    order: Order,
    states: Iterable[str],
    limit: int,
    offset: int,
    without_run_id: int | None = None,
    names: Iterable[str] | None = None,
) -> list[Attempt]:
    """One page of runs.

    Args:
        states: as people are told them; runs in others are left out.
        without_run_id: one more to leave out.
        names: W&B's ids; others are left out, unless it is None.
    """
    expression, bound = sorted_by(order.field)
    # In these words an index of the metric gives the order.
    by = f"{expression} {'DESC' if order.descending else 'ASC'} NULLS LAST, run.id"
    # Only ids are sorted: a run's config and summary would make a sort of thousands slow.
    sql = (
        f"SELECT {columns(Run, 'run')}, trial.number, coalesce(trial.params, '{{}}') FROM ("
        f"SELECT run.id AS id FROM run LEFT JOIN trial ON trial.id = run.trial_id WHERE {of.where} "
        f"AND {shown('run.state')} IN (SELECT value FROM json_each(:states)) AND run.id IS NOT :without "
        "AND (:names IS NULL OR run.name IN (SELECT value FROM json_each(:names))) "
        f"ORDER BY {by} LIMIT :limit OFFSET :offset) AS page "
        f"JOIN run ON run.id = page.id LEFT JOIN trial ON trial.id = run.trial_id ORDER BY {by}"
    )
    values = {
        **of.values,
        **bound,
        "states": json.dumps(list(states)),
        "without": without_run_id,
        "names": None if names is None else json.dumps(list(names)),
        "limit": limit,
        "offset": offset,
    }
    return [Attempt(Run(*row[:-2]), *row[-2:]) for row in connection.execute(sql, values)]


def briefs(connection: sqlite3.Connection, of: Of) -> list[Brief]:
    """All of them, in the order in which they were made."""
    sql = (
        f"SELECT run.name, {shown('run.state')}, run.metric, coalesce(trial.params, '{{}}') FROM run "
        f"LEFT JOIN trial ON trial.id = run.trial_id WHERE {of.where} ORDER BY run.id"
    )
    return list(map(Brief._make, connection.execute(sql, of.values)))


@rows_kept
def briefs_of_sweep(connection: sqlite3.Connection, sweep_id: int) -> tuple[Brief, ...]:
    """All of a sweep."""
    return tuple(briefs(connection, Of(sweep_id)))


def values(connection: sqlite3.Connection, of: Of, fields: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """The values of some known fields, for each run by W&B's id, in the order in which they were made.

    What was sent is read from JSON; a state is as people are told it; tags are a list.
    """
    if not fields:
        return {}
    asked = [told(field, f"of_{number}_") for number, field in enumerate(fields)]
    sql = (
        f"SELECT run.name, {', '.join(expression.sql for expression in asked)} FROM run "
        f"LEFT JOIN trial ON trial.id = run.trial_id WHERE {of.where} ORDER BY run.id"
    )
    bound = {name: text for expression in asked for name, text in expression.values.items()}
    opened = [is_sent(field) or field == "tags" for field in fields]
    rows = connection.execute(sql, {**of.values, **bound})
    return {name: tuple(map(_opened, row, opened)) for name, *row in rows}


def _opened(value: Any, is_json: bool) -> Any:
    return json.loads(value) if is_json and value is not None else value


def agent_names(connection: sqlite3.Connection, agent_ids: Iterable[int | None]) -> dict[int, str]:
    """By number."""
    sql = "SELECT id, name FROM agent WHERE id IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(sql, (json.dumps(list(agent_ids)),)))


def sweep_names(connection: sqlite3.Connection, sweep_ids: Iterable[int | None]) -> dict[int, str]:
    """What people call sweeps, by number."""
    sql = "SELECT id, coalesce(nullif(display_name, ''), name) FROM sweep WHERE id IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(sql, (json.dumps(list(sweep_ids)),)))


def first_epochs(connection: sqlite3.Connection, run_ids: Iterable[int]) -> dict[int, tuple[float, float | None]]:
    """Of each run that counts epochs in its first row, by its number: the first epoch, and seconds since its start."""
    sql = (
        "SELECT run_id, json_extract(row, '$.epoch'), json_extract(row, '$._runtime') FROM history "
        "WHERE line = 0 AND run_id IN (SELECT value FROM json_each(?)) AND json_valid(row) "
        "AND json_type(row, '$.epoch') IN ('integer', 'real')"
    )
    return {run: (epoch, at_s) for run, epoch, at_s in connection.execute(sql, (json.dumps(list(run_ids)),))}


def last_sent(connection: sqlite3.Connection, of: Of, limit: int) -> tuple[tuple[str, str], ...]:
    """Config and summary of the latest runs, as JSON."""
    sql = f"SELECT run.config, run.summary FROM run WHERE {of.where} ORDER BY run.id DESC LIMIT :limit"
    return tuple(connection.execute(sql, {**of.values, "limit": limit}))
