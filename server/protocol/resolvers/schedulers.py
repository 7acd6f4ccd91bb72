"""Schedulers on the client's side (`wandb sweep-scheduler`): they queue runs here and watch what becomes of them."""

from typing import Any

from server.ledger import queue
from server.protocol.context import Info, parts_of
from server.protocol.json_values import parse_object
from server.protocol.resolvers.sweeps import find


def _enqueue(_: Any, info: Info, input: dict[str, Any]) -> dict[str, str]:
    context = info.context
    sweep = find(info, parts_of("Sweep", input["id"])[0])
    name = context.new_id()
    queue.enqueue(context.tx, sweep, name, parse_object(input["config"], "a run's config"), context.now_s)
    return {"id": name}


FIELDS = {
    "Mutation": {"enqueueSweepRun": _enqueue},
    "Sweep": {"controllerRunName": lambda sweep, info: queue.log_name(sweep)},
}
