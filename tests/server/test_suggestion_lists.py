"""What a sweep tries does not depend on who works on it: as many agents as you like, a server that restarts."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from search.config import parse
from search.suggest import suggest
from tests.server.speaker import Clock, Speaker, speaking

GRID: dict[str, Any] = {
    "method": "grid",
    "parameters": {"units": {"values": [8, 16, 32, 64, 128]}, "depth": {"min": 1, "max": 4}},
}
RANDOM: dict[str, Any] = {
    "method": "random",
    "run_cap": 20,
    "parameters": {"units": {"min": 1, "max": 10**6}, "lr": {"min": 0.0, "max": 1.0}},
}
SEED = 7


def carried_out(data: Path, clock: Clock, config: dict[str, Any], agents: int, restart_after: int) -> list[Any]:
    """The params of a sweep's trials by number, when its agents end in any order and every fifth run is interrupted."""
    order = random.Random(agents)
    with speaking(data, clock) as before:
        sweep = before.register(config)
        ended = work(before, sweep, agents, order, restart_after)
    with speaking(data, clock) as after:
        work(after, sweep, agents, order, 100, ended)
        assert after.sweep(sweep)["state"] == "FINISHED"
        by_number = {int(run["displayName"].split()[1]): run for run in after.runs(sweep, "finished")}
    params = [json.loads(by_number[number]["config"]) for number in sorted(by_number)]
    return [{name: item["value"] for name, item in each.items() if name in config["parameters"]} for each in params]


def work(wb: Speaker, sweep: str, agents: int, order: random.Random, ends: int, ended: int = 0) -> int:
    """Has so many agents work until that many runs have ended or none is left; how many have ended in all."""
    busy: dict[str, str] = {}
    for _ in range(agents):
        take(wb, wb.agent(sweep), sweep, busy)
    while busy and ended < ends:
        agent = order.choice(list(busy))
        ended += 1
        wb.finish(busy.pop(agent), 143 if ended % 5 == 0 else 0)
        take(wb, agent, sweep, busy)
    for run in busy.values():
        wb.finish(run, 143)
    return ended


def take(wb: Speaker, agent: str, sweep: str, busy: dict[str, str]) -> None:
    """Has the agent begin a run, if there is one for it."""
    command = wb.beat(agent)
    if command and command["type"] == "run":
        wb.begin(command["run_id"], sweep)
        busy[agent] = command["run_id"]


@pytest.mark.parametrize(
    "config", [GRID, GRID | {"x-sweep": {"shuffle": True}}, RANDOM], ids=["grid", "shuffle", "random"]
)
def test_suggestions_are_the_same_for_1_2_4_and_8_agents_and_after_a_restart(
    tmp_path: Path, clock: Clock, config: dict[str, Any]
) -> None:
    seeded = config | {"x-sweep": {**config.get("x-sweep", {}), "seed": SEED}}

    lists = {agents: carried_out(tmp_path / f"{agents}", clock, seeded, agents, 3 * agents) for agents in (1, 2, 4, 8)}

    expected = [suggest(parse(json.dumps(seeded)), index, SEED) for index in range(20)]
    assert lists == dict.fromkeys((1, 2, 4, 8), expected)
