"""Agents: joining a sweep, heartbeats, and what `wandb.Api` asks about them."""

import json
from typing import Any, Final

from server.ledger import agents as ledger
from server.ledger.agents import Command
from server.ledger.points import parsed
from server.protocol.context import Info, node_id, parts_of
from server.protocol.cost import fields_of
from server.protocol.dates import iso
from server.protocol.filters import RunView, ordered
from server.protocol.json_values import parse_object
from server.protocol.paging import page
from server.protocol.resolvers.sweeps import find
from server.refusal import NotFoundError, RefusalError
from server.store import queries
from server.store.rows import Agent, Sweep

# Fields of a heartbeat's answer that are the same as long as it is told to go on.
PLAIN: Final = frozenset(("agentHeartbeat", "agent", "id", "commands", "clientMutationId"))


def _create(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context = info.context
    sweep = find(info, input["sweep"])
    return {"agent": ledger.create_agent(context.tx, sweep, input["host"], context.now_s, context.new_id)}


def _heartbeat(_: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:
    context = info.context
    agent = _agent_of_id(info, input["id"])
    state = parse_object(input.get("runState") or "{}", "runState")
    reported = frozenset(name for name, runs in state.items() if runs)
    command = ledger.heartbeat(context.tx, agent, reported, context.settings, context.moment, context.new_id)
    if command is None:
        _keep(info, agent, reported)
        return {"agent": agent, "commands": "[]"}
    sweep = queries.by_id(context.tx, Sweep, agent.sweep_id)
    return {"agent": agent, "commands": json.dumps([_told(command, sweep)])}


def _keep(info: Info, agent: Agent, reported: frozenset[str]) -> None:
    """Lets the answer "go on" be given again, where its document asks for nothing that changes with time."""
    context = info.context
    marks = ledger.hangs_on(context.tx, agent, reported) if _is_plain(info) else None
    if marks is not None:
        context.to_keep.append(context.heartbeats.prepare(agent.id, marks))


def _is_plain(info: Info) -> bool:
    """Whether a document is one heartbeat, as W&B's client sends it."""
    operation = info.operation.selection_set
    names = {field.name.value for field in fields_of(operation)}
    return len(operation.selections) == 1 and not info.fragments and names <= PLAIN


def _told(command: Command, sweep: Sweep) -> dict[str, Any]:
    told: dict[str, Any] = {"type": command.type}
    if command.run_id is not None:
        told["run_id"] = command.run_id
    if command.type in ("run", "resume"):
        values = json.loads(command.config)
        told["args"] = {name: item for name, item in values.items() if name != "_wandb"}
        told["program"] = parsed(sweep.config).program
    return told


def _agent_of_id(info: Info, id: str) -> Agent:
    found = queries.agent(info.context.tx, parts_of("Agent", id)[0])
    if found is None:
        # The client takes a 404 for a deleted sweep and leaves.
        raise NotFoundError("this agent or its sweep is not known here")
    return found


def _by_name(sweep: Sweep, info: Info, agentName: str) -> Agent | None:
    agents = queries.agents(info.context.tx, sweep.id)
    wanted = (agent for agent in agents if agentName in (agent.name, node_id("Agent", agent.name)))
    return next(wanted, None)


def _state(agent: Agent, info: Info) -> str:
    context = info.context
    silent = context.now_s - agent.heartbeat_at_s >= context.settings.agent_silent_s
    return "FINISHED" if agent.left_at_s is not None or silent else "RUNNING"


def _runs(
    agent: Agent,
    info: Info,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    order: str | None = None,
) -> dict[str, Any]:
    context = info.context
    if before:
        raise RefusalError("an agent's runs are paged forwards by this server: give `after`, or `last`", status=501)
    sweep = queries.by_id(context.tx, Sweep, agent.sweep_id).name
    runs = queries.runs_of_agent(context.tx, agent.id)
    views = ordered([RunView(run, sweep, context.settings.entity) for run in runs], order)
    return page([view.run for view in views], first, after, last)


FIELDS = {
    "Mutation": {"createAgent": _create, "agentHeartbeat": _heartbeat},
    "Sweep": {
        "agent": _by_name,
        "agents": lambda sweep, info: page(queries.agents(info.context.tx, sweep.id), None, None),
    },
    "Agent": {
        "id": lambda agent, info: node_id("Agent", agent.name),
        "state": _state,
        "totalRuns": lambda agent, info: len(queries.runs_of_agent(info.context.tx, agent.id)),
        "createdAt": lambda agent, info: iso(agent.created_at_s),
        "heartbeatAt": lambda agent, info: iso(agent.heartbeat_at_s),
        "runs": _runs,
    },
}
