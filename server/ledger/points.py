"""The promise of the server: each point of a search is settled by exactly one counted run.

A point (a row of `trial`) is handed out by `hand_out` as a new run, and settled by `run_ended`. At most one run of a
point is live at a time. A run whose point went to another run is fenced: what it still sends is kept, counts nothing,
and it is told to stop (`is_fenced`).
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from search import config as sweep_config
from search import suggest
from server import causes, lifecycle
from server.ledger import prior, queue
from server.ledger.moves import move_run, move_sweep
from server.refusal import RefusalError
from server.run_values import unwrapped
from server.store import queries, suggestion_queries, writes
from server.store.rows import Agent, Run, Sweep, Trial
from server.store.scope import asking
from terms import record, states

NewId = Callable[[], str]

# GraphQL's Int ends here; a grid this large never does.
MAX_POINTS = 2**31 - 1
AGAIN_BY_HAND: Final = "tried again by hand"


@dataclass(frozen=True)
class HandOut:
    """A run to start: its row, and whether it goes on with an earlier one under the same id."""

    run: Run
    resume: bool


@lru_cache(maxsize=64)
def parsed(config: str) -> sweep_config.SweepConfig:
    """A stored sweep's config; it was checked when it was stored."""
    return sweep_config.parse(config)


def expected_points(config: sweep_config.SweepConfig) -> int | None:
    """How many points a search has in all; None when it has no end, or none that will be reached."""
    bounds = [bound for bound in (suggest.size(config), config.run_cap) if bound is not None]
    points = min(bounds, default=None)
    return points if points is not None and points <= MAX_POINTS else None


def hand_out(tx: sqlite3.Connection, sweep: Sweep, agent: Agent, now_s: float, new_id: NewId) -> HandOut | None:
    """Gives the agent the next run: a preempted one, a point that came back, or a new one; None when there is none."""
    preempted = queries.preempted_run(tx, sweep.id)
    if preempted is not None:
        return HandOut(_give_again(tx, preempted, agent, now_s), resume=True)
    # Lost points come back at once, failed ones after all others: if all fail alike, that is seen before any retry.
    trial = (
        queries.waiting_trial(tx, sweep.id, failed=False)
        or _next_trial(tx, sweep)
        or queries.waiting_trial(tx, sweep.id, failed=True)
    )
    return None if trial is None else HandOut(_new_attempt(tx, sweep, trial, agent, now_s, new_id), resume=False)


def given(tx: sqlite3.Connection, run: Run) -> str:
    """JSON of what a run was handed out with: its config without what it has added itself, which it does not take."""
    return run.config if run.trial_id is None else _config(queries.by_id(tx, Trial, run.trial_id))


def run_ended(tx: sqlite3.Connection, run: Run, state: str, exit_code: int | None, now_s: float) -> None:
    """Records how a live run ended and settles its point, or leaves it to be handed out again.

    Raises:
        RefusalError: the run has ended before.
    """
    move_run(
        tx,
        run,
        state,
        now_s,
        exit_code=exit_code,
        cause_kind=lifecycle.kind_at_end(state, run.cause, exit_code),
        ended_at_s=now_s,
        missing_since_s=None,
    )
    if run.trial_id is None or run.sweep_id is None:
        return
    _enter(tx, "ended", run, f"{state} {'' if exit_code is None else exit_code}".strip(), now_s)
    sweep = queries.by_id(tx, Sweep, run.sweep_id)
    _settle(tx, sweep, run, now_s)
    if lifecycle.failed_itself(state, exit_code):
        _stop_if_all_fail_alike(tx, sweep, now_s)


def _settle(tx: sqlite3.Connection, sweep: Sweep, run: Run, now_s: float) -> None:
    trial = queries.by_id(tx, Trial, run.trial_id or 0)
    if trial.outcome is not None:  # pragma: no cover - a run of a settled point is never live: the promise, kept twice
        return
    runs = {each.id: each for each in queries.runs_of_trial(tx, trial.id)}
    attempts = [*(each for id, each in runs.items() if id != run.id), runs[run.id]]
    outcome = lifecycle.outcome(
        [(each.state, each.exit_code) for each in attempts], parsed(sweep.config).extension.retries
    )
    if outcome is not None:
        writes.update(tx, "trial", trial.id, outcome=outcome, counted_run_id=run.id)
        _enter(tx, "settled", run, outcome, now_s)
        if sweep.ended_at_s is None:  # one that somebody has cancelled stays so, and ended when it did
            finish_if_settled(tx, queries.by_id(tx, Sweep, sweep.id), now_s)


def _stop_if_all_fail_alike(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> None:
    """Ends a sweep, once, that has no result while its first points all failed for one cause of their own."""
    limit = parsed(sweep.config).extension.stop_after_failures
    if not limit or sweep.stop_reason is not None or sweep.ended_at_s is not None or queries.has_result(tx, sweep.id):
        return
    runs = queries.runs_of_sweep(tx, sweep.id)
    failed = [run for run in runs if lifecycle.failed_itself(run.state, run.exit_code)]
    alike = len({causes.sameness(run.cause, run.exit_code) for run in failed}) == 1
    if alike and len({run.trial_id for run in failed}) >= limit:
        last = failed[-1]
        cause = last.cause or f"exit code {last.exit_code}"
        reason = f"stopped itself: the first {limit} trials all failed for one cause: {cause}"
        writes.update(tx, "sweep", sweep.id, stop_reason=reason)
        _finish(tx, sweep, now_s)


def finish_if_settled(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> bool:
    """Ends a sweep whose every point is settled; tells whether it did."""
    if not _all_settled(tx, sweep):
        return False
    _finish(tx, sweep, now_s)
    return True


def finish_at_target(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> bool:
    """Ends a sweep whose best run has reached the metric's `target`; tells whether it did. Runs under way go on."""
    metric = parsed(sweep.config).metric
    best = queries.best_run(tx, sweep)
    if metric is None or metric.target is None or best is None or best.metric is None:
        return False
    reached = best.metric >= metric.target if sweep.goal == "maximize" else best.metric <= metric.target
    if reached:
        _finish(tx, sweep, now_s)
    return reached


def standing(tx: sqlite3.Connection, run: Run) -> Run:
    """The run by which the point of a run is judged: the one that counts, or the latest; pending between two attempts.

    For who waits for the result of a point, whichever of its runs gives it.
    """
    if run.trial_id is None:
        return run
    trial, attempts = queries.by_id(tx, Trial, run.trial_id), queries.runs_of_trial(tx, run.trial_id)
    if trial.outcome is not None:
        return next((each for each in attempts if each.id == trial.counted_run_id), run)
    live = [each for each in attempts if each.state in states.LIVE]
    return live[0] if live else replace(attempts[-1], state=states.PENDING)


def is_fenced(tx: sqlite3.Connection, run: Run) -> bool:
    """Tells whether a run's point belongs to another run now."""
    if run.trial_id is None or run.state in states.LIVE:
        return False
    trial = queries.by_id(tx, Trial, run.trial_id)
    if trial.outcome is not None:
        return trial.counted_run_id != run.id
    others = (other for other in queries.runs_of_trial(tx, trial.id) if other.id != run.id)
    # One that was preempted waits to be resumed, and the point waits with it.
    return any(other.state in (*states.LIVE, states.PREEMPTED) for other in others)


def started(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Records that a run which was handed out starts, or that one which was given up goes on."""
    move_run(
        tx,
        run,
        states.RUNNING,
        now_s,
        started_at_s=run.started_at_s or now_s,
        ended_at_s=None,
        exit_code=None,
    )
    if run.state != states.PENDING:
        _enter(tx, "revived", run, run.state, now_s)


def may_go_on(tx: sqlite3.Connection, run: Run) -> bool:
    """Tells whether a run that was given up, or ended outside any search, may become live again."""
    if run.trial_id is None:
        return True
    trial = queries.by_id(tx, Trial, run.trial_id)
    lost = run.state in (states.CRASHED, states.PREEMPTED)
    return lost and trial.outcome is None and not is_fenced(tx, run)


def deleted(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Gives the point of a run that is deleted or moved back to the search, if it had it or was what counted."""
    if run.state in states.LIVE:
        # Its row stays for a while, and a point has one live run.
        cause = f"{record.LOST}: deleted while it was {run.state}"
        kind = lifecycle.kind_at_end(states.CRASHED, cause, None)
        move_run(tx, run, states.CRASHED, now_s, ended_at_s=now_s, missing_since_s=None, cause=cause, cause_kind=kind)
    if run.trial_id is not None and queries.by_id(tx, Trial, run.trial_id).counted_run_id == run.id:
        writes.update(tx, "trial", run.trial_id, outcome=None, counted_run_id=None)
        _enter(tx, "released", run, "deleted", now_s)
    _enter(tx, "deleted", run, run.state, now_s)


def brought_back(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Makes a run that was deleted an attempt at its point again, which may settle it.

    One that gave a result, or waits to be resumed, belongs to no sweep any more if its point has gone on without it.
    """
    if run.trial_id is None or run.sweep_id is None:
        return
    trial = queries.by_id(tx, Trial, run.trial_id)
    others = [other.state for other in queries.runs_of_trial(tx, trial.id) if other.id != run.id]
    went_on = trial.outcome is not None or not {*states.LIVE, states.PREEMPTED}.isdisjoint(others)
    if went_on and run.state not in states.FAILURES:
        leave_sweep(tx, run, now_s)
        return
    _enter(tx, "restored", run, run.state, now_s)
    if not went_on:
        _settle(tx, queries.by_id(tx, Sweep, run.sweep_id), run, now_s)


def leave_sweep(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Makes a run that has no point any more one of no sweep."""
    columns = dict.fromkeys(("sweep_id", "trial_id", "agent_id", "metric"))
    writes.update(tx, "run", run.id, updated_at_s=now_s, **columns)


def try_again(tx: sqlite3.Connection, run: Run, now_s: float) -> None:
    """Opens, by hand, the point that a failed run has settled; a sweep that was over only for that goes on.

    Raises:
        RefusalError: the run settled no point by failing, or its sweep was stopped with points left.
    """
    trial = queries.by_id(tx, Trial, run.trial_id) if run.trial_id else None
    if trial is None or trial.outcome != states.FAILED or trial.counted_run_id != run.id:
        raise RefusalError(f"run {run.name} cannot be tried again: no point was lost by its end")
    sweep = queries.by_id(tx, Sweep, trial.sweep_id)
    if sweep.ended_at_s is not None:
        if not _all_settled(tx, sweep):
            raise RefusalError(f"sweep {sweep.name} is {sweep.state} with points left: resume it first, then retry")
        reopened(tx, sweep, now_s)
    writes.update(tx, "trial", trial.id, outcome=None, counted_run_id=None)
    _enter(tx, "released", run, AGAIN_BY_HAND, now_s)


def try_all_again(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> None:
    """The same for each point of a sweep that is under way, by two statements: there may be thousands."""
    writes.enter_of_counted(tx, "released", sweep.id, states.FAILED, AGAIN_BY_HAND, now_s)
    writes.open_trials(tx, sweep.id, states.FAILED)


def reopened(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> None:
    """Lets a sweep that is over go on."""
    # Why it stopped itself is no longer so; that it did once, which an empty text says, keeps it from doing it again.
    reason = None if sweep.stop_reason is None else ""
    move_sweep(tx, sweep, states.SWEEP_RUNNING, now_s, ended_at_s=None, stop_reason=reason)


def _all_settled(tx: sqlite3.Connection, sweep: Sweep) -> bool:
    exhausted = sweep.expected is not None and queries.trial_count(tx, sweep.id) >= sweep.expected
    return exhausted and not queries.open_trials(tx, sweep.id)


def _finish(tx: sqlite3.Connection, sweep: Sweep, now_s: float) -> None:
    move_sweep(tx, sweep, states.SWEEP_FINISHED, now_s, ended_at_s=now_s)
    # Runs under way when a sweep is paused can be its last ones.
    writes.end_pause(tx, sweep.id, now_s)
    queue.forget_all(tx, sweep)


def propose(tx: sqlite3.Connection, sweep: Sweep, index: int, found: Sequence[dict[str, Any]], results: int) -> None:
    """Keeps suggestions ready, from `index` on, but for those that the sweep has gone on without.

    Args:
        sweep: as it was when they were asked for.
        results: how many of its runs had ended then.
    """
    now = queries.by_id(tx, Sweep, sweep.id)
    if now.config == sweep.config:
        for place, params in enumerate(found, index):
            writes.put_proposal(tx, sweep.id, place, json.dumps(params), results)
        writes.drop_proposals(tx, sweep.id, below=now.next_index)


def _next_trial(tx: sqlite3.Connection, sweep: Sweep) -> Trial | None:
    number = queries.trial_count(tx, sweep.id)
    if sweep.expected is not None and number >= sweep.expected:
        return None
    if sweep.engine is not None:
        return _queued_trial(tx, sweep, number)
    if sweep.method == "bayes":
        return _proposed_trial(tx, sweep, number)
    config = parsed(sweep.config)
    index = sweep.next_index
    left_out = prior.covered(tx, sweep, config) if sweep.method == "grid" else set()
    while (params := suggest.suggest(config, index, sweep.seed)) is not None:
        index += 1
        key = _key(sweep, index - 1, params)
        free = not left_out or prior.point(params, config) not in left_out
        if free and queries.trial_by_key(tx, sweep.id, key) is None:
            writes.update(tx, "sweep", sweep.id, next_index=index)
            return _new_trial(tx, sweep, number, key, json.dumps(params))
    # An updated config may hold points handed out before, prior runs cover some: only the end tells how many there are.
    writes.update(tx, "sweep", sweep.id, next_index=index, expected=number)
    return None


def _proposed_trial(tx: sqlite3.Connection, sweep: Sweep, number: int) -> Trial | None:
    """The suggestion that was found outside of any request; None until there is one."""
    ready = suggestion_queries.proposal(tx, sweep.id)
    if ready is None:
        return None
    # What ends beside others at work is known a little later; where nothing else is under way, it is waited for.
    unknown = suggestion_queries.results(tx, sweep.id) - ready.results
    if unknown > suggestion_queries.under_way(tx, sweep.id):
        return None
    writes.drop_proposals(tx, sweep.id, below=ready.number + 1)
    writes.update(tx, "sweep", sweep.id, next_index=ready.number + 1)
    return _new_trial(tx, sweep, number, str(ready.number), ready.params)


def _queued_trial(tx: sqlite3.Connection, sweep: Sweep, number: int) -> Trial | None:
    """What a scheduler suggested; its key is the run id that the scheduler was told."""
    suggestion = queue.take(tx, sweep)
    if suggestion is None:
        return None
    params = json.dumps(unwrapped(json.loads(suggestion.config)))
    return _new_trial(tx, sweep, number, suggestion.run_name, params)


def _new_trial(tx: sqlite3.Connection, sweep: Sweep, number: int, key: str, params: str) -> Trial:
    id = writes.insert(tx, "trial", sweep_id=sweep.id, number=number, key=key, params=params)
    return queries.by_id(tx, Trial, id)


def _key(sweep: Sweep, index: int, params: dict[str, Any]) -> str:
    # A random search may draw the same values twice, and that is two points; a grid has each point once.
    return json.dumps(params, sort_keys=True) if sweep.method == "grid" else str(index)


def _config(trial: Trial) -> str:
    return json.dumps({name: {"value": value} for name, value in json.loads(trial.params).items()})


def _new_attempt(tx: sqlite3.Connection, sweep: Sweep, trial: Trial, agent: Agent, now_s: float, new_id: NewId) -> Run:
    attempt = len(queries.runs_of_trial(tx, trial.id)) + 1
    suffix = f" attempt {attempt}" if attempt > 1 else ""
    id = writes.insert(
        tx,
        "run",
        project_id=sweep.project_id,
        name=_first_name(tx, sweep, trial) or new_id(),
        sweep_id=sweep.id,
        trial_id=trial.id,
        agent_id=agent.id,
        state=states.PENDING,
        display_name=f"trial {trial.number + 1}{suffix}",
        user_name=asking().who or None,
        config=_config(trial),
        host=agent.host,
        deliveries=1,
        created_at_s=now_s,
        updated_at_s=now_s,
        heartbeat_at_s=now_s,
    )
    run = queries.by_id(tx, Run, id)
    _enter(tx, "handed", run, agent.name, now_s)
    return run


def _first_name(tx: sqlite3.Connection, sweep: Sweep, trial: Trial) -> str | None:
    """The run id under which a scheduler waits for this point; None where nobody waits, or it was handed out before."""
    waits = sweep.engine is not None and not queries.was_handed_out(tx, trial)
    return trial.key if waits else None


def _give_again(tx: sqlite3.Connection, run: Run, agent: Agent, now_s: float) -> Run:
    again = move_run(
        tx,
        run,
        states.PENDING,
        now_s,
        agent_id=agent.id,
        host=agent.host,
        preempting=0,
        deliveries=1,
        exit_code=None,
        ended_at_s=None,
        heartbeat_at_s=now_s,
    )
    _enter(tx, "handed", again, agent.name, now_s)
    return again


def _enter(tx: sqlite3.Connection, kind: str, run: Run, detail: str, now_s: float) -> None:
    if run.sweep_id is not None and run.trial_id is not None:
        writes.enter(tx, kind, run.sweep_id, run.trial_id, run.name, detail, now_s)
