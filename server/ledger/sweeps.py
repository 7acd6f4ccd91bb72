"""Sweeps: registered, updated, paused, stopped, cancelled, resumed."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from search import suggest
from search.config import ConfigError, SweepConfig
from server import lifecycle
from server.ledger import audit, points, queue
from server.ledger.moves import move_sweep
from server.ledger.names import require_name, require_texts
from server.ledger.points import NewId
from server.refusal import RefusalError
from server.store import queries, writes
from server.store.rows import Project, Sweep
from server.store.scope import asking
from terms import states

DEFAULT_PROJECT = "uncategorized"
DEFAULT_GOAL = "minimize"
# What somebody has done who set a sweep's state.
ACTS = {
    states.SWEEP_PENDING: "reset",
    states.SWEEP_RUNNING: "resumed",
    states.SWEEP_PAUSED: "paused",
    states.SWEEP_FINISHED: "stopped",
    states.SWEEP_CANCELED: "cancelled",
}


@dataclass(frozen=True)
class SweepFields:
    """What a client says of a sweep; None leaves a field alone."""

    display_name: str | None = None
    description: str | None = None
    controller: str | None = None
    scheduler: str | None = None

    def given(self) -> dict[str, str]:
        named = {name: getattr(self, name) for name in ("display_name", "description", "controller", "scheduler")}
        given = {name: value for name, value in named.items() if value is not None}
        require_texts(given)
        return given


def project_named(tx: sqlite3.Connection, entity: str, name: str, now_s: float) -> Project:
    """Gives a project; projects are made on demand, as on W&B.

    Raises:
        RefusalError: none can have this name.
    """
    found = queries.project(tx, entity, name)
    if found is not None:
        return found
    asking().require(entity)
    require_name("an entity", entity)
    require_name("a project", name)
    return queries.by_id(tx, Project, writes.insert(tx, "project", entity=entity, name=name, created_at_s=now_s))


def describe_project(tx: sqlite3.Connection, project: Project, description: str) -> None:
    """Says what a project is for."""
    writes.update(tx, "project", project.id, description=description or None)


def register(
    tx: sqlite3.Connection, project: Project, text: str, fields: SweepFields, seed: int, now_s: float, new_id: NewId
) -> tuple[Sweep, tuple[str, ...]]:
    """Registers a sweep.

    Args:
        text: its config as YAML.
        seed: of its suggestions, unless the config names one.

    Returns:
        The sweep and what is doubtful in its config.

    Raises:
        RefusalError: the config is wrong, or asks for what this server cannot do; all problems in one message.
    """
    config = checked(text)
    values = fields.given()
    values.setdefault("display_name", config.name or "")
    values.setdefault("description", config.description or "")
    require_texts(values)
    id = writes.insert(
        tx,
        "sweep",
        project_id=project.id,
        name=new_id(),
        seed=seed if config.extension.seed is None else config.extension.seed,
        state=states.SWEEP_PENDING,
        created_at_s=now_s,
        updated_at_s=now_s,
        user_name=asking().who or None,
        **_columns(text, config),
        **{name: value or None for name, value in values.items()},
    )
    return queries.by_id(tx, Sweep, id), config.warnings


def update_config(tx: sqlite3.Connection, sweep: Sweep, text: str, now_s: float) -> tuple[str, ...]:
    """Replaces a sweep's config; points handed out before stay, the search begins anew and leaves them out.

    Raises:
        RefusalError: as `register`.
    """
    config = checked(text)
    columns = _columns(text, config)
    if config.method == "grid" and columns["expected"] is not None:
        columns["expected"] += queries.trial_count(tx, sweep.id)
    writes.doubt_curves(tx, sweep.id)
    writes.drop_proposals(tx, sweep.id)
    columns["next_index"] = 0 if config.method == "grid" else sweep.next_index
    writes.update(tx, "sweep", sweep.id, updated_at_s=now_s, **columns)
    return config.warnings


def change(tx: sqlite3.Connection, sweep: Sweep, fields: SweepFields, now_s: float) -> None:
    """Changes names and the state of local controllers."""
    writes.update(tx, "sweep", sweep.id, updated_at_s=now_s, **fields.given())


def set_state(tx: sqlite3.Connection, sweep: Sweep, state: str, now_s: float) -> None:
    """Pauses, stops, cancels or resumes a sweep; cancelling asks its live runs to stop.

    Raises:
        RefusalError: no such state, or no way there from the present one.
    """
    if state not in lifecycle.SWEEP_MOVES:
        raise RefusalError(f"unknown sweep state {state!r}; allowed: {', '.join(lifecycle.SWEEP_MOVES)}")
    audit.note_in_project(tx, f"{ACTS[state]} sweep", sweep.project_id, sweep.name, now_s)
    if state == states.SWEEP_RUNNING and sweep.ended_at_s is not None:
        points.reopened(tx, sweep, now_s)
        return
    ended = state in states.SWEEP_OVER
    move_sweep(tx, sweep, state, now_s, ended_at_s=now_s if ended else None)
    _note_pause(tx, sweep, state, now_s)
    if ended:
        queue.forget_all(tx, sweep)
    if state == states.SWEEP_CANCELED:
        for run in queries.runs_of_sweep(tx, sweep.id):
            if run.state in states.LIVE and run.stop_requested_at_s is None:
                writes.update(tx, "run", run.id, stop_requested_at_s=now_s)


def _note_pause(tx: sqlite3.Connection, sweep: Sweep, state: str, now_s: float) -> None:
    """Keeps when a sweep was paused, and until when."""
    was, will_be = (each == states.SWEEP_PAUSED for each in (sweep.state, state))
    if will_be and not was:
        writes.insert(tx, "pause", sweep_id=sweep.id, from_s=now_s)
    elif was and not will_be:
        writes.end_pause(tx, sweep.id, now_s)


def try_again(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> None:
    """Opens, by hand, each point that a failed run has settled, and goes on with a sweep that is over.

    Points that failed and have tries left are tried again without that, as soon as the sweep goes on.

    Raises:
        RefusalError: no point of the sweep has failed.
    """
    if not queries.failed_points(tx, sweep.id):
        raise RefusalError(f"sweep {sweep.name} has no failed point to try again")
    if sweep.ended_at_s is not None:
        set_state(tx, sweep, states.SWEEP_RUNNING, now_s)
    points.try_all_again(tx, sweep, now_s)


def checked(text: str) -> SweepConfig:
    """Parses a sweep's config.

    Raises:
        RefusalError: with every problem, a line each.
    """
    try:
        config = points.parsed(text)
        suggest.ensure_supported(config)
    except ConfigError as error:
        raise RefusalError(str(error)) from error
    return config


def _columns(text: str, config: SweepConfig) -> dict[str, Any]:
    metric = next(iter(config.objectives), None)
    return {
        "config": text,
        "method": config.method,
        "metric_name": metric.name if metric else None,
        "goal": (metric.goal if metric else None) or DEFAULT_GOAL,
        "expected": points.expected_points(config),
        "engine": config.scheduler.engine if config.scheduler else None,
    }


def note_search(tx: sqlite3.Connection, sweep_id: int, error: str | None) -> bool:
    """Keeps why no suggestion can be found for a sweep, or None when one was; tells whether that is news."""
    is_news = queries.by_id(tx, Sweep, sweep_id).search_error != error
    if is_news:
        writes.update(tx, "sweep", sweep_id, search_error=error)
    return is_news
