"""Runs: begun, described, stopped. What they log is in `stream`, what their end means in `points`."""

import json
import math
import sqlite3
from dataclasses import dataclass, fields
from typing import Any

from server import lifecycle
from server.console import last_exception
from server.ledger import audit, points, starts, writers
from server.ledger.moves import move_run
from server.ledger.names import require_name, require_texts
from server.ledger.starts import How
from server.refusal import RefusalError
from server.run_values import at_path, metric_in
from server.store import queries, writes
from server.store.rows import Project, Run, Sweep
from server.store.scope import asking
from terms import record, states
from terms.record import CAUSE
from terms.told import told, with_told

CONSOLE_TAIL = 300  # lines; a traceback through Keras has a hundred


@dataclass(frozen=True)
class RunFields:
    """What a client says of a run; None leaves a field alone, as W&B's client means it.

    Attributes:
        writer: the client's own name, if it writes the run together with others.
    """

    writer: str | None = None
    display_name: str | None = None
    description: str | None = None
    notes: str | None = None
    config: str | None = None
    tags: str | None = None
    group_name: str | None = None
    job_type: str | None = None
    commit_sha: str | None = None
    host: str | None = None
    program: str | None = None

    def given(self) -> dict[str, str]:
        """The columns to set.

        Raises:
            RefusalError: a text is too long.
        """
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "writer"}
        given = {name: value for name, value in named.items() if value is not None}
        require_texts(given)
        return given


def begin(
    tx: sqlite3.Connection,
    project: Project,
    sweep: Sweep | None,
    name: str,
    given: RunFields,
    state: str | None,
    how: How | None,
    now_s: float,
) -> tuple[Run, bool]:
    """Takes a run's first call, or a later one, under its own id.

    A run that a search handed out is started; one that was given up goes on if its point is still free; any other is
    made.

    Args:
        sweep: the search that the run joins, or None.
        state: the state to make it in; None for running.
        how: how a start begins with this call; None for a later call, or one that begins no start.

    Returns:
        The run, and whether it was made.

    Raises:
        RefusalError: a search had handed it out, and it was deleted since; or what it is called cannot be kept.
    """
    run = queries.run(tx, project.id, name)
    if run is None and queries.was_used(tx, project.id, name):
        # A program that goes on would make a run of no point out of one that is gone. 410: it is not tried again.
        raise RefusalError(f"run {name} was previously created and deleted; try a new run name", status=410)
    if run is None:
        require_name("a run", name)
        run = _make(tx, project, sweep, name, given, state or states.RUNNING, now_s)
        _announce(tx, run, how, given.writer)
        describe(tx, run, given, now_s)
        return run, True
    _announce(tx, run, how, given.writer)
    describe(tx, run, given, now_s)
    if state is None:
        revive(tx, run, now_s, stays_ended=starts.stays_ended(run, how, given.writer))
    return queries.by_id(tx, Run, run.id), False


def _announce(tx: sqlite3.Connection, run: Run, how: How | None, writer: str | None) -> None:
    if how is not None:
        starts.announce(tx, run, how, writer)
    # A stop that somebody asked for stands until the run has ended.
    if how == "anew" and run.state not in states.LIVE and points.may_go_on(tx, run):
        writes.update(tx, "run", run.id, stop_requested_at_s=None)


def describe(tx: sqlite3.Connection, run: Run, given: RunFields, now_s: float) -> None:
    """Sets what was given and leaves the rest."""
    columns = given.given()
    if given.writer is not None and given.config is not None:
        columns["config"] = writers.config(tx, run, given.writer, given.config)
    writes.update(tx, "run", run.id, updated_at_s=now_s, **columns)


def revive(tx: sqlite3.Connection, run: Run, now_s: float, *, stays_ended: bool) -> None:
    """Notes a sign of life: a handed-out run starts, a run given up goes on where that is still right.

    Args:
        stays_ended: one of several that write the run has ended it, and this is another.
    """
    writes.update(tx, "run", run.id, heartbeat_at_s=now_s)
    goes_on = not stays_ended and run.state not in states.LIVE and points.may_go_on(tx, run)
    if goes_on or run.state == states.PENDING:
        points.started(tx, run, now_s)
        # That nothing was heard of it is no cause of its later end.
        run = queries.by_id(tx, Run, run.id)
        _set_cause(tx, run, _cause(run, _object(run.summary)))


def set_summary(tx: sqlite3.Connection, run: Run, text: str) -> None:
    """Replaces a run's summary and keeps what the search and the pages need of it at hand.

    Args:
        text: a JSON object.
    """
    summary = _object(text)
    if told(summary):
        summary = with_told(summary, {})
        text = json.dumps(summary)
    sweep = queries.by_id(tx, Sweep, run.sweep_id) if run.sweep_id else None
    writes.update(tx, "run", run.id, summary=text, metric=metric_of(summary, sweep))
    _set_cause(tx, run, _cause(run, summary))


def _cause(run: Run, summary: dict[str, Any]) -> str | None:
    """Why a run ended or is ending: the rule's word comes before its own, and that before the server's."""
    if run.early_stop is not None and run.state != states.FINISHED:
        # The run itself only knows that it was interrupted.
        return f"{states.STOPPED_EARLY}: {json.loads(run.early_stop)['reason']}"
    if summary.get(CAUSE) is not None:
        return str(summary[CAUSE])
    return None if run.state in states.LIVE else run.cause


def _set_cause(tx: sqlite3.Connection, run: Run, cause: str | None) -> None:
    # A cause that comes after the end, from a trial's parent, makes its kind known.
    kind = lifecycle.kind_at_end(run.state, cause, run.exit_code)
    writes.update(tx, "run", run.id, cause=cause, cause_kind=kind)


def note_cause(tx: sqlite3.Connection, run: Run, cause: str) -> None:
    """Says why a run failed, unless it has said so itself."""
    if run.cause is None:
        _set_cause(tx, run, cause)


def forget_cause(tx: sqlite3.Connection, run: Run) -> None:
    """Forgets the cause of a run that goes on: what interrupted it is no cause of its later end."""
    summary = {name: value for name, value in _object(run.summary).items() if name != CAUSE}
    writes.update(tx, "run", run.id, summary=json.dumps(summary))
    _set_cause(tx, run, None)


def give_up(tx: sqlite3.Connection, run: Run, why: str, now_s: float) -> None:
    """Ends a run that nobody hears of any more; one that is preempted waits to be resumed.

    That is one that had said that its machine would go, or that was to be resumed and has not begun to be.
    """
    again = run.state == states.PENDING and queries.hand_outs(tx, run.sweep_id, run.name) > 1
    if not (run.preempting or again):
        note_cause(tx, run, f"{record.LOST}: {why}")
    end(tx, run, states.PREEMPTED if run.preempting or again else states.CRASHED, None, now_s)


def end(tx: sqlite3.Connection, run: Run, state: str, exit_code: int | None, now_s: float) -> None:
    """Ends a run and settles its point, if that is settled by it."""
    if state == states.PREEMPTED and queries.hand_outs(tx, run.sweep_id, run.name) >= lifecycle.MAX_HAND_OUTS:
        state = states.CRASHED
        note_cause(tx, run, f"{record.LOST}: preempted {lifecycle.MAX_HAND_OUTS} times")
    points.run_ended(tx, queries.by_id(tx, Run, run.id), state, exit_code, now_s)


def note_nan(tx: sqlite3.Connection, run: Run) -> None:
    """Says so where the sweep's metric ended as NaN: the run looks finished and is no use to the search."""
    name = queries.by_id(tx, Sweep, run.sweep_id).metric_name if run.sweep_id else None
    value = at_path(_object(run.summary), name) if name else None
    if isinstance(value, float) and math.isnan(value):
        note_cause(tx, run, f"{record.NAN_METRIC}: {name} is NaN")


def note_exception(tx: sqlite3.Connection, run: Run) -> None:
    """Says of which exception a program died that says nothing itself, as most do not: its console has it."""
    lines = queries.lines(tx, "log", run.id, last=CONSOLE_TAIL)
    told = last_exception((text for _, text in lines), labelled=starts.is_shared(run))
    if told is not None:
        note_cause(tx, run, told)


def request_stop(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Asks a run to stop; it hears of it in its next file stream's reply, its agent in a later heartbeat."""
    if run.state in states.LIVE and run.stop_requested_at_s is None:
        writes.update(tx, "run", run.id, stop_requested_at_s=now_s)


def stop(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """The same, by hand."""
    request_stop(tx, run, now_s)
    audit.note_in_project(tx, "stopped run", run.project_id, run.name, now_s)


def stop_early(tx: sqlite3.Connection, run: Run, decision: dict[str, Any], now_s: float) -> None:
    """Asks a run to stop and keeps why on it, where any program finds it.

    Args:
        decision: with its `reason`, `bracket`, `rank`, the run's own `value` at the bracket, the `needed` one, how many
            `others` there were, and the values of all or of some of these, as `rivals`.
    """
    writes.update(tx, "run", run.id, early_stop=json.dumps(decision))
    request_stop(tx, run, now_s)
    set_summary(tx, queries.by_id(tx, Run, run.id), run.summary)


def set_state(tx: sqlite3.Connection, run: Run, state: str, now_s: float) -> None:
    """Sets a run's state by hand (`wandb.Api`).

    Raises:
        RefusalError: the run belongs to a sweep, whose points are settled by what its runs do; or W&B offers no such
            move.
    """
    if run.sweep_id is not None:
        raise RefusalError("Sweep runs cannot have their state updated.")
    if state not in lifecycle.MOVES_BY_HAND:
        raise RefusalError(f"a run's state cannot be set to {state!r}; allowed: {', '.join(lifecycle.MOVES_BY_HAND)}")
    if run.state not in lifecycle.MOVES_BY_HAND[state]:
        allowed = ", ".join(lifecycle.MOVES_BY_HAND[state])
        raise RefusalError(
            # W&B's own words first: programs look for them.
            f"invalid state transition: run {run.name} is {run.state}, cannot become {state}; allowed from: {allowed}"
        )
    if state == states.PENDING:
        move_run(tx, run, state, now_s, ended_at_s=None, exit_code=None)
    else:
        end(tx, run, state, run.exit_code, now_s)


def _make(
    tx: sqlite3.Connection,
    project: Project,
    sweep: Sweep | None,
    name: str,
    given: RunFields,
    state: str,
    now_s: float,
) -> Run:
    values = {"display_name": f"run {queries.run_count(tx, project.id) + 1}"}
    id = writes.insert(
        tx,
        "run",
        project_id=project.id,
        name=name,
        sweep_id=sweep.id if sweep else None,
        state=state,
        started_at_s=now_s,
        created_at_s=now_s,
        updated_at_s=now_s,
        heartbeat_at_s=now_s,
        user_name=asking().who or None,
        **values | given.given(),
    )
    return queries.by_id(tx, Run, id)


def metric_of(summary: dict[str, Any], sweep: Sweep | None) -> float | None:
    """The value of a sweep's metric in a summary; None where it has none, or none that is finite."""
    if sweep is None or sweep.metric_name is None:
        return None
    return metric_in(summary, sweep.metric_name, sweep.goal)


def _object(text: str) -> dict[str, Any]:
    return dict(json.loads(text))  # what comes in is looked at by the protocol
