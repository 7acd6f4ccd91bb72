"""Runs: begun and described by `wandb.init`, read and edited by `wandb.Api`."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from server.ledger import alerts, bin, outlines, queue
from server.ledger import runs as ledger
from server.ledger import sweeps as sweep_ledger
from server.ledger.runs import RunFields
from server.ledger.starts import How, is_announced
from server.protocol import history, not_offered
from server.protocol.context import Info, node_id, number_and_owner
from server.protocol.dates import iso
from server.protocol.json_values import parse_object
from server.protocol.resolvers.account import user
from server.protocol.resolvers.projects import project_of
from server.protocol.resolvers.sweeps import find as find_sweep
from server.protocol.summary import summary_text
from server.refusal import NotFoundError, RefusalError
from server.run_values import unwrapped
from server.store import history_queries, queries, writer_queries
from server.store.rows import Agent, Run, Sweep
from terms import states


def find_by_id(info: Info, id: str) -> Run:
    """The run of a node id.

    Raises:
        RefusalError: no node id of a run.
        NotFoundError: the run is gone.
    """
    found = queries.run_of_node(info.context.tx, *(node := number_and_owner("Run", id)))
    if found is None:
        raise NotFoundError(f"could not find run {node[1]!r}: it is deleted")
    return found


def find_named(info: Info, entity: str | None, project: str | None, name: str) -> Run:
    """The run of a name in a project.

    Raises:
        NotFoundError: there is no such project or run.
    """
    context = info.context
    owner = queries.project(context.tx, entity or context.home, project or sweep_ledger.DEFAULT_PROJECT)
    found = queries.run(context.tx, owner.id, name) if owner else None
    if found is None:
        raise NotFoundError(f"could not find run {entity}/{project}/{name}")
    return found


def _upsert(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context = info.context
    fields = _fields(info, input)
    if input.get("name"):
        run, inserted = _begin(info, input, fields)
    elif input.get("id"):
        run, inserted = find_by_id(info, input["id"]), False
        ledger.describe(context.tx, run, fields, context.now_s)
    else:
        raise RefusalError("a run needs a name or an id")
    if input.get("summaryMetrics") is not None:
        parse_object(input["summaryMetrics"], "a run's summary")
        ledger.set_summary(context.tx, run, input["summaryMetrics"])
    run = queries.by_id(context.tx, Run, run.id)
    # The client numbers its lines from this count on, whether it resumes or not.
    return {"bucket": replace(run, history_lines=0) if is_announced(run) else run, "inserted": inserted}


def _begin(info: Info, input: dict[str, Any], fields: RunFields) -> tuple[Run, bool]:
    context = info.context
    entity = input.get("entityName") or context.home
    name = input.get("modelName") or sweep_ledger.DEFAULT_PROJECT
    sweep = find_sweep(info, input["sweep"]) if input.get("sweep") else None
    # A client that was given a bare sweep id names no project, or the wrong one: the sweep knows.
    project = project_of(info, sweep) if sweep else sweep_ledger.project_named(context.tx, entity, name, context.now_s)
    if _is_a_fork(fields) and queries.run(context.tx, project.id, input["name"]) is None:
        raise not_offered.refused(not_offered.REWINDING)
    state = input.get("state")
    if state is not None and state not in states.RUN_STATES:
        raise RefusalError(f"unknown run state {state!r}; allowed: {', '.join(states.RUN_STATES)}")
    return ledger.begin(context.tx, project, sweep, input["name"], fields, state, _how(info, input), context.now_s)


def _is_a_fork(fields: RunFields) -> bool:
    """Whether a run is to begin with another one's rows (`fork_from`), which the client says in its hidden config."""
    internal = unwrapped(json.loads(fields.config or "{}")).get("_wandb")
    return isinstance(internal, dict) and bool(internal.get("branch_point"))


def _how(info: Info, input: dict[str, Any]) -> How | None:
    """How a start begins with this call; W&B's client names the program in the first call of a start alone."""
    if input.get("jobProgram") is None:
        return None
    return "resumed" if input.get("id") else "anew"


def _fields(info: Info, input: dict[str, Any]) -> RunFields:
    config = input.get("config")
    if config is not None:
        parse_object(config, "a run's config")
    tags = input.get("tags")
    return RunFields(
        writer=info.context.writer,
        display_name=input.get("displayName") or None,
        description=input.get("description"),
        notes=input.get("notes"),
        config=config,
        tags=None if tags is None else json.dumps(tags),
        group_name=input.get("groupName"),
        job_type=input.get("jobType"),
        commit_sha=input.get("commit"),
        host=input.get("host"),
        program=input.get("jobProgram"),
    )


def _stop(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    context = info.context
    if not _forget_queued(info, input["id"]):
        ledger.stop(context.tx, find_by_id(info, input["id"]), context.now_s)
    return {"success": True}


def _delete(_: Any, info: Info, input: dict[str, Any]) -> dict[str, None]:
    if _forget_queued(info, input["id"]):
        return {"clientMutationId": None}
    # The client may repeat a request whose answer was lost: what is deleted stays deleted.
    with suppress(NotFoundError):
        run, with_artifacts = find_by_id(info, input["id"]), bool(input.get("deleteArtifacts"))
        bin.delete_run(info.context.tx, run, info.context.now_s, with_artifacts)
    return {"clientMutationId": None}


def _forget_queued(info: Info, id: str) -> bool:
    """Takes a run out of the queue that no agent has; tells whether it was there."""
    number, name = number_and_owner("Run", id)
    return queue.forget(info.context.tx, -number, name)  # as `suggestion_queries.as_run` tells it


def _set_state(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    context = info.context
    ledger.set_state(context.tx, find_by_id(info, input["id"]), input["state"].lower(), context.now_s)
    return {"success": True}


def _rewind(_: Any, info: Info, input: dict[str, Any]) -> None:
    raise not_offered.refused(not_offered.REWINDING)


def _alert(_: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:
    run = find_named(info, input["entityName"], input["projectName"], input["runName"])
    level, wait_s = input.get("severity") or "INFO", (input.get("waitDuration") or 0) / 1000
    alerts.note(info.context.tx, run, input["title"], input["text"], level, wait_s, info.context.now_s)
    return {"success": True}


def _wandb_config(run: Run, info: Info, keys: list[str] | None = None) -> str:
    own = unwrapped(json.loads(run.config)).get("_wandb")
    told = own.items() if isinstance(own, dict) else ()
    return json.dumps({key: value for key, value in told if keys is None or key in keys})


def _tail(stream: str) -> Any:
    def resolve(run: Run, info: Info) -> str:
        return json.dumps([row for _, row in queries.lines(info.context.tx, stream, run.id, last=1)])

    return resolve


def _history(
    run: Run,
    info: Info,
    minStep: int | None = None,
    maxStep: int | None = None,
    samples: int | None = None,
) -> list[str]:
    return history.rows(info.context.tx, run, minStep, maxStep, samples)


def _events(run: Run, info: Info, samples: int | None = None) -> list[str]:
    return history.events(info.context.tx, run, samples)


def _parquet_history(run: Run, info: Info, liveKeys: list[str]) -> dict[str, list[Any]]:
    """That none of a run's rows is exported, by its first one: the client then says so, or reads them one by one."""
    first = next(history_queries.history(info.context.tx, run.id), None)
    rows = [] if first is None else [json.loads(first)]
    return {"parquetUrls": [], "liveData": [{key: row.get(key) for key in liveKeys} for row in rows]}


def _sampled_history(run: Run, info: Info, specs: list[str]) -> list[Any]:
    if all(spec.strip() in ("", "{}") for spec in specs):
        return [[] for _ in specs]
    return [history.columns(info.context.tx, run, spec) for spec in specs]


def _system_metrics(run: Run, info: Info) -> str:
    last = [row for _, row in queries.lines(info.context.tx, "event", run.id, last=1)]
    rows = [*writer_queries.last_events(info.context.tx, run.id), *last]
    told = {key: value for row in rows for key, value in json.loads(row).items()}
    return json.dumps({key: value for key, value in told.items() if not key.startswith("_")})


def _sweep(run: Run, info: Info) -> Sweep | None:
    return queries.by_id(info.context.tx, Sweep, run.sweep_id) if run.sweep_id else None


def _sweep_name(run: Run, info: Info) -> str | None:
    sweep = _sweep(run, info)
    return sweep.name if sweep else None


FIELDS = {
    "Mutation": {
        "upsertBucket": _upsert,
        "stopRun": _stop,
        "deleteRun": _delete,
        "updateRunState": _set_state,
        "rewindRun": _rewind,
        "notifyScriptableRunAlert": _alert,
    },
    "Run": {
        "id": lambda run, info: node_id("Run", run.name, run.id),
        "projectId": lambda run, info: run.project_id,
        "displayName": lambda run, info: run.display_name,
        "wandbConfig": _wandb_config,
        "summaryMetrics": lambda run, info: summary_text(info.context.tx, run),
        "systemMetrics": _system_metrics,
        "historyKeys": lambda run, info: history.keys(outlines.of(info.context.tx, run.id)),
        "tags": lambda run, info: json.loads(run.tags),
        "group": lambda run, info: run.group_name,
        "jobType": lambda run, info: run.job_type,
        "commit": lambda run, info: run.commit_sha,
        "readOnly": lambda run, info: False,
        "createdAt": lambda run, info: iso(run.created_at_s),
        "updatedAt": lambda run, info: iso(run.updated_at_s),
        "heartbeatAt": lambda run, info: iso(run.heartbeat_at_s),
        "stopped": lambda run, info: run.stop_requested_at_s is not None,
        "shouldStop": lambda run, info: run.stop_requested_at_s is not None,
        "failed": lambda run, info: run.state in states.FAILURES,
        "running": lambda run, info: run.state == states.RUNNING,
        "exitcode": lambda run, info: run.exit_code,
        "sweepName": _sweep_name,
        "sweep": _sweep,
        "agent": lambda run, info: queries.by_id(info.context.tx, Agent, run.agent_id) if run.agent_id else None,
        "user": lambda run, info: user(info, run.user_name),
        "project": lambda run, info: project_of(info, run),
        "historyLineCount": lambda run, info: run.history_lines,
        "eventsLineCount": lambda run, info: run.event_lines,
        "logLineCount": lambda run, info: run.log_lines,
        "historyTail": _tail("history"),
        "eventsTail": _tail("event"),
        "history": _history,
        "events": _events,
        "sampledHistory": _sampled_history,
        "parquetHistory": _parquet_history,
    },
}
