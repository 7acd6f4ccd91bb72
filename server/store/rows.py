"""Typed rows: one frozen dataclass a table, its fields named as columns are. Times are UTC seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Project:
    id: int
    entity: str
    name: str
    description: str | None
    created_at_s: float


@dataclass(frozen=True, slots=True)
class Sweep:
    id: int
    project_id: int
    name: str
    display_name: str | None
    description: str | None
    config: str
    method: str
    metric_name: str | None
    goal: str
    expected: int | None
    seed: int
    next_index: int
    state: str
    controller: str | None
    scheduler: str | None
    created_at_s: float
    updated_at_s: float
    ended_at_s: float | None
    stop_reason: str | None
    search_error: str | None
    engine: str | None
    user_name: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    id: int
    sweep_id: int
    number: int
    key: str
    params: str
    outcome: str | None
    counted_run_id: int | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    id: int
    project_id: int
    sweep_id: int
    run_name: str
    config: str
    queued_at_s: float


@dataclass(frozen=True, slots=True)
class Agent:
    id: int
    sweep_id: int
    name: str
    host: str
    created_at_s: float
    heartbeat_at_s: float
    left_at_s: float | None


@dataclass(frozen=True, slots=True)
class Run:
    id: int
    project_id: int
    name: str
    sweep_id: int | None
    trial_id: int | None
    agent_id: int | None
    state: str
    display_name: str
    description: str | None
    notes: str | None
    config: str
    summary: str
    metric: float | None
    cause: str | None
    cause_kind: str | None
    tags: str
    group_name: str | None
    job_type: str | None
    commit_sha: str | None
    host: str | None
    program: str | None
    exit_code: int | None
    preempting: int
    deliveries: int
    stop_requested_at_s: float | None
    missing_since_s: float | None
    started_at_s: float | None
    ended_at_s: float | None
    created_at_s: float
    updated_at_s: float
    heartbeat_at_s: float
    history_lines: int
    event_lines: int
    log_lines: int
    bracket: int
    early_stop: str | None
    curve_length: int
    start: str | None
    user_name: str | None


@dataclass(frozen=True, slots=True)
class KeptOutline:
    run_id: int
    doubt: int
    row_count: int
    in_order: int
    too_long: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Writer:
    id: int
    run_id: int
    name: str
    config: str
    summary: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    id: int
    run_id: int
    name: str
    size_bytes: int
    md5: str
    mimetype: str
    updated_at_s: float


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    at_s: float
    kind: str
    sweep_id: int
    trial_id: int
    run_name: str
    detail: str


@dataclass(frozen=True, slots=True)
class SavedView:
    id: int
    project_id: int
    sweep_id: int | None
    name: str
    query: str
    user_name: str | None
    saved_at_s: float


@dataclass(frozen=True, slots=True)
class Alert:
    """What a program said by `run.alert`."""

    id: int
    run_id: int
    at_s: float
    level: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """That a sweep has ended, or of an alert, which NOTIFY_URL is to be told; not before `due_at_s`."""

    id: int
    sweep_id: int | None
    alert_id: int | None
    tries: int
    due_at_s: float


@dataclass(frozen=True, slots=True)
class Deleted:
    """A run, sweep or project that was deleted and can be brought back; `number` is its row's."""

    id: int
    at_s: float
    who: str
    kind: str
    number: int
    entity: str
    project: str
    name: str
    display_name: str
