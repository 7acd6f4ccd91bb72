"""Sweeps: registered and changed by `wandb sweep`, read by agents and `wandb.Api`."""

import secrets
from typing import Any

from server.ledger import sweeps as ledger
from server.ledger.sweeps import SweepFields
from server.protocol.context import Info, iso, node_id, parts_of
from server.protocol.paging import page
from server.protocol.resolvers.projects import project_of
from server.refusal import NotFoundError, RefusalError
from server.store import queries
from server.store.rows import Sweep
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
    if input.get("state") is not None and input.get("id") is not None:
        ledger.set_state(context.tx, find(info, sweep.name), input["state"].upper(), context.now_s)
    return {"sweep": find(info, sweep.name), "configValidationWarnings": list(warnings)}


def _register(info: Info, input: dict[str, Any], fields: SweepFields) -> tuple[Sweep, tuple[str, ...]]:
    context = info.context
    if not input.get("config"):
        raise RefusalError("a sweep needs a config")
    entity = input.get("entityName") or context.settings.entity
    name = input.get("projectName") or ledger.DEFAULT_PROJECT
    project = ledger.project_named(context.tx, entity, name, context.now_s)
    seed = secrets.randbits(31)
    return ledger.register(context.tx, project, input["config"], fields, seed, context.now_s, context.new_id)


def _best(sweep: Sweep, info: Info) -> float | None:
    best = queries.best_run(info.context.tx, sweep)
    if best is None or best.metric is None:
        return None
    # W&B calls it a loss: smaller is better.
    return -best.metric if sweep.goal == "maximize" else best.metric


def _description(sweep: Sweep, info: Info) -> str | None:
    """The one text of a sweep that the client reads: why it ended itself and what became of its points belong there."""
    over = sweep.ended_at_s is not None
    waits = f"{NO_SUGGESTION}: {sweep.search_error}" if sweep.search_error and not over else None
    lines = (sweep.description, sweep.stop_reason, waits, _outcomes(sweep, info) if over else None)
    return "\n".join(filter(None, lines)) or None


def _outcomes(sweep: Sweep, info: Info) -> str:
    """points: 5 finished, 1 stopped early, 2 failed (exception); 92 of 100 not settled"""
    tx = info.context.tx
    outcomes = queries.outcomes(tx, sweep.id)
    failures = {each.kind: each.points for each in queries.failures(tx, sweep.id) if each.points}
    total = queries.trial_count(tx, sweep.id) if sweep.expected is None else sweep.expected
    left = total - sum(outcomes.values())
    settled = [sentence(outcomes, failures)] if outcomes else []
    return "points: " + "; ".join([*settled, *([f"{left} of {total} not settled"] if left > 0 else [])])


def _runs(sweep: Sweep, info: Info, first: int | None = None, after: str | None = None) -> dict[str, Any]:
    return page(queries.runs_of_sweep(info.context.tx, sweep.id), first, after)


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
        "runCount": lambda sweep, info: queries.run_count_of_sweep(info.context.tx, sweep.id),
        "runCountExpected": lambda sweep, info: sweep.expected,
        "project": lambda sweep, info: project_of(info, sweep),
        "runs": _runs,
    },
}
