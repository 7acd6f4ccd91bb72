"""Sweeps: registered and changed by `wandb sweep`, read by agents and `wandb.Api`."""

import secrets
from typing import Any

from server.ledger import prior
from server.ledger import sweeps as ledger
from server.ledger.sweeps import SweepFields
from server.protocol.context import Info, node_id, parts_of
from server.protocol.dates import iso
from server.protocol.filters import parse_filters
from server.protocol.paging import page
from server.protocol.resolvers.projects import is_scheduler, points_if_wanted, project_of
from server.protocol.run_lists import find as find_runs
from server.protocol.run_lists import page_of
from server.refusal import NotFoundError, RefusalError
from server.store import queries, run_lists, suggestion_queries, sweep_queries
from server.store.rows import Sweep
from server.store.run_lists import Runs
from terms.points import NO_SUGGESTION, sentence


def find(info: Info, name: str) -> Sweep:
    """The sweep of this name.

    Raises:
        NotFoundError: there is none.
    """
    found = queries.sweep(info.context.tx, name)
    if found is None:
        raise NotFoundError(f"could not find sweep {name!r}")
    return found


def _upsert(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context = info.context
    _refuse_launch(input)
    fields = SweepFields(
        display_name=input.get("displayName"),
        description=input.get("description"),
        controller=input.get("controller"),
        scheduler=input.get("scheduler"),
    )
    if input.get("id") is None:
        sweep, warnings = _register(info, input, fields)
    else:
        sweep = find(info, parts_of("Sweep", input["id"])[0])
        warnings = (
            ledger.update_config(context.tx, sweep, input["config"], context.now_s) if input.get("config") else ()
        )
        ledger.change(context.tx, sweep, fields, context.now_s)
    warnings = (*warnings, *_attach_prior_runs(info, sweep, input.get("priorRunsFilters")))
    if input.get("state") is not None and input.get("id") is not None:
        ledger.set_state(context.tx, find(info, sweep.name), input["state"].upper(), context.now_s)
    return {"sweep": find(info, sweep.name), "configValidationWarnings": list(warnings)}


def _refuse_launch(input: dict[str, Any]) -> None:
    # The client sends the text "null" where there are none.
    if input.get("launchScheduler") is not None or input.get("templateVariableValues") not in (None, "null"):
        raise RefusalError(
            "W&B Launch (queues, scheduler jobs, template variables) is not offered by this server: register the sweep"
            " without them and start `wandb agent` where it is to run",
            status=501,
        )


def _attach_prior_runs(info: Info, sweep: Sweep, filters: str | None) -> list[str]:
    """Lets the runs of the sweep's project that pass belong to it; gives what is to be said of them."""
    if filters is None or not parse_filters(filters):
        return []
    # What a scheduler has queued is none yet.
    found = [run for run in find_runs(info, project_of(info, sweep), filters).page(-1, 0) if run.id > 0]
    prior.attach(info.context.tx, sweep, found)
    missing = sorted(_named(parse_filters(filters)) - {run.name for run in found})
    said = [f"no run {name!r} in this project: it is no prior run of this sweep" for name in missing]
    if found and sweep.method == "grid":
        said.append("points of this grid that a prior run with a result covers are not run again")
    return said


def _named(filters: dict[str, Any]) -> set[str]:
    """The runs that W&B's client names, in the one form that it has for them."""
    return {each["name"] for each in filters.get("$or", []) if isinstance(each.get("name"), str)}


def _register(info: Info, input: dict[str, Any], fields: SweepFields) -> tuple[Sweep, tuple[str, ...]]:
    context = info.context
    if not input.get("config"):
        raise RefusalError("a sweep needs a config")
    entity = input.get("entityName") or context.home
    name = input.get("projectName") or ledger.DEFAULT_PROJECT
    project = ledger.project_named(context.tx, entity, name, context.now_s)
    seed = secrets.randbits(31)
    return ledger.register(context.tx, project, input["config"], fields, seed, context.now_s, context.new_id)


def _best(sweep: Sweep, info: Info) -> float | None:
    """Of all runs that belong to the sweep, those of before among them."""
    best = queries.best_run(info.context.tx, sweep)
    found = prior.values(info.context.tx, sweep)
    found += [best.metric] if best and best.metric is not None else []
    # W&B calls it a loss: smaller is better.
    return min((-value if sweep.goal == "maximize" else value for value in found), default=None)


def _description(sweep: Sweep, info: Info) -> str | None:
    """The one text of a sweep that the client reads: why it ended itself and what became of its points belong there."""
    over = sweep.ended_at_s is not None
    waits = None if over else _waits(sweep, info)
    lines = (sweep.description, sweep.stop_reason, waits, _outcomes(sweep, info) if over else None)
    return "\n".join(filter(None, lines)) or None


def _waits(sweep: Sweep, info: Info) -> str | None:
    """Why idle agents wait in vain; None where they do not."""
    if sweep.search_error:
        return f"{NO_SUGGESTION}: {sweep.search_error}"
    tx, project = info.context.tx, project_of(info, sweep)
    if sweep.engine is None or suggestion_queries.count(tx, sweep.id) or queries.progress(tx, sweep).running:
        return None
    path = f"{project.entity}/{project.name}/{sweep.name}"
    return f"{NO_SUGGESTION}: none is queued by {sweep.engine}; `wandb sweep-scheduler {path}` lets it suggest"


def _outcomes(sweep: Sweep, info: Info) -> str:
    """trials: 5 finished, 1 stopped early, 2 failed (exception); 92 of 100 not done"""
    tx = info.context.tx
    outcomes = queries.outcomes(tx, sweep.id)
    failures = {each.kind: each.points for each in queries.failures(tx, sweep.id) if each.points}
    total = queries.trial_count(tx, sweep.id) if sweep.expected is None else sweep.expected
    left = total - sum(outcomes.values())
    settled = [sentence(outcomes, failures)] if outcomes else []
    return "trials: " + "; ".join([*settled, *([f"{left} of {total} not done"] if left > 0 else [])])


def _runs(sweep: Sweep, info: Info, first: int | None = None, after: str | None = None) -> dict[str, Any]:
    tx = info.context.tx
    prior = sweep_queries.prior_runs(tx, sweep.id)
    if not (prior or is_scheduler(info) or suggestion_queries.count(tx, sweep.id)):
        all_of_it = Runs(sweep.project_id, sweep.id)
        return page_of(lambda limit, offset: run_lists.page(tx, all_of_it, limit, offset), first, after)
    waiting = map(suggestion_queries.as_run, suggestion_queries.queued(tx, sweep.project_id, sweep.id))
    own = points_if_wanted(info, queries.runs_of_sweep(tx, sweep.id))
    return page([*prior, *own, *waiting], first, after)


def _prior_runs(sweep: Sweep, info: Info, first: int | None = None, after: str | None = None) -> dict[str, Any]:
    return page(sweep_queries.prior_runs(info.context.tx, sweep.id), first, after)


def _run_count(sweep: Sweep, info: Info) -> int:
    tx = info.context.tx
    return len(sweep_queries.prior_runs(tx, sweep.id)) + queries.run_count_of_sweep(tx, sweep.id)


def _heartbeat_at(sweep: Sweep, info: Info) -> str | None:
    agents = queries.agents(info.context.tx, sweep.id)
    return iso(max((agent.heartbeat_at_s for agent in agents), default=None))


FIELDS = {
    "Mutation": {"upsertSweep": _upsert},
    "Sweep": {
        "id": lambda sweep, info: node_id("Sweep", sweep.name, project_of(info, sweep).name),
        "displayName": lambda sweep, info: sweep.display_name,
        "description": _description,
        "createdAt": lambda sweep, info: iso(sweep.created_at_s),
        "updatedAt": lambda sweep, info: iso(sweep.updated_at_s),
        "heartbeatAt": _heartbeat_at,
        "earlyStopJobRunning": lambda sweep, info: False,
        "bestLoss": _best,
        "runCount": _run_count,
        "runCountExpected": lambda sweep, info: sweep.expected,
        "project": lambda sweep, info: project_of(info, sweep),
        "runs": _runs,
        "priorRuns": _prior_runs,
    },
}
