"""Sweeps whose suggestions a scheduler makes on the client's side: they are queued here, each one is one point."""

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from server.ledger import queue
from server.settings import Settings
from server.store.database import Database
from server.verify import verify
from tests.patience import HANG_S
from tests.server import hanging
from tests.server.real_client import WANDB, cli, start
from tests.server.real_server import RunningServer
from tests.server.speaker import GRID, Clock, Speaker, speaking

CUSTOM: dict[str, Any] = {
    "method": "custom",
    "scheduler": {"engine": "optuna"},
    "metrics": [{"name": "loss"}, {"name": "acc", "goal": "maximize"}],
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
}
ENQUEUE = "mutation ($id: ID!, $config: JSONString!) { enqueueSweepRun(input: {id: $id, config: $config}) { id } }"
RUN_FIELDS = "edges { node { id name state config summaryMetrics sampledHistory(specs: $specs) } }"
WATCH = f"""query SweepWatchedRuns ($sweep: String!, $filters: JSONString!, $specs: [JSONString!]!) {{
    project(name: "p") {{ sweep(sweepName: $sweep) {{ state }} runs(filters: $filters) {{ {RUN_FIELDS} }} }} }}"""
WARM_START = f"""query SweepRunsWithHistory ($sweep: String!, $specs: [JSONString!]!) {{
    project(name: "p") {{ sweep(sweepName: $sweep) {{ runs(first: 100) {{ {RUN_FIELDS} }} }} }} }}"""
SPECS = ['{"keys":["loss","_step"],"samples":20}']


def enqueue(wb: Speaker, sweep: str, x: float) -> str:
    config = json.dumps({"x": {"value": x}})
    return str(wb.ask(ENQUEUE, id=wb.sweep(sweep)["id"], config=config)["enqueueSweepRun"]["id"])


def refused(wb: Speaker, sweep: str, config: str = "{}") -> tuple[int, str]:
    reply = wb.post(ENQUEUE, id=wb.sweep(sweep)["id"], config=config)
    return reply.status_code, reply.json()["errors"][0]["message"]


def watched(wb: Speaker, sweep: str, *names: str) -> dict[str, dict[str, Any]]:
    """What a scheduler hears of the runs that it has queued, by the ids that it knows."""
    filters = json.dumps({"name": {"$in": names}})
    found = wb.ask(WATCH, sweep=sweep, filters=filters, specs=SPECS)["project"]["runs"]["edges"]
    return {edge["node"]["name"]: edge["node"] for edge in found}


def known_at_start(wb: Speaker, sweep: str) -> list[tuple[str, str]]:
    found = wb.ask(WARM_START, sweep=sweep, specs=SPECS)["project"]["sweep"]["runs"]["edges"]
    return [(edge["node"]["name"], edge["node"]["state"]) for edge in found]


def holds(wb: Speaker) -> bool:
    database = Database(wb.settings.database)
    try:
        with database.read() as connection:
            return verify(connection).problems == ()
    finally:
        database.close()


def test_what_is_queued_is_handed_out_in_its_order_under_the_ids_that_were_told(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    agent = wb.agent(sweep)
    assert wb.beat(agent) is None  # nothing is there, and nothing is over
    first, second = enqueue(wb, sweep, 0.25), enqueue(wb, sweep, 0.5)
    assert known_at_start(wb, sweep) == [(first, "pending"), (second, "pending")]

    command = wb.beat(agent)

    assert (command["type"], command["run_id"], command["args"]) == ("run", first, {"x": {"value": 0.25}})
    wb.begin(first, sweep)
    wb.finish(first)
    assert wb.do_trial(agent, sweep) == second
    assert known_at_start(wb, sweep) == [(first, "finished"), (second, "finished")]
    assert holds(wb)


def test_a_scheduler_hears_of_a_point_what_becomes_of_it_whichever_run_gives_it(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    agent = wb.agent(sweep)
    asked = enqueue(wb, sweep, 0.25)
    assert wb.do_trial(agent, sweep, exit_code=1) == asked
    assert wb.field(asked, "state") == "failed"
    assert watched(wb, sweep, asked)[asked]["state"] == "pending"  # it will be tried again

    again = wb.beat(agent)["run_id"]
    wb.begin(again, sweep)
    wb.log(again, 0, {"_step": 0, "loss": 0.5})
    wb.summarise(again, loss=0.5, acc=0.75)

    assert again != asked
    assert watched(wb, sweep, asked)[asked]["state"] == "running"
    wb.finish(again)
    told = watched(wb, sweep, asked)[asked]
    assert told["state"] == "finished"
    assert json.loads(told["summaryMetrics"]).items() >= {"loss": 0.5, "acc": 0.75}.items()
    assert told["sampledHistory"] == [[{"_step": 0, "loss": 0.5}]]
    assert holds(wb)


@pytest.mark.parametrize("lost", ["crashed", "preempted"])
def test_a_point_that_is_lost_waits_for_a_scheduler_that_starts_again_too(
    tmp_path: Path, clock: Clock, lost: str
) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        sweep = wb.register(CUSTOM)
        agent = wb.agent(sweep)
        done, asked, queued = (enqueue(wb, sweep, x) for x in (0.1, 0.25, 0.5))
        wb.do_trial(agent, sweep, exit_code=1)
        wb.beat(agent)
        wb.begin(asked, sweep)
        if lost == "preempted":
            wb.stream(asked, preempting=True)
        clock.pass_s(wb.settings.agent_silent_s + 1)
        wb.look()
        assert wb.field(asked, "state") == lost

    with speaking(tmp_path / "data", clock) as wb:  # what was queued survives the server's end
        assert known_at_start(wb, sweep) == [(done, "pending"), (asked, "pending"), (queued, "pending")]
        agent = wb.agent(sweep)
        while (command := wb.beat(agent)) is not None:
            wb.begin(command["run_id"], sweep)
            wb.finish(command["run_id"])

        assert len(wb.runs(sweep)) == (5 if lost == "crashed" else 4)
        assert known_at_start(wb, sweep) == [(done, "finished"), (asked, "finished"), (queued, "finished")]
        assert holds(wb)


def test_a_scheduler_may_stop_whichever_run_has_its_point(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    agent = wb.agent(sweep)
    asked = enqueue(wb, sweep, 0.25)
    wb.do_trial(agent, sweep, exit_code=1)
    again = wb.beat(agent)["run_id"]
    wb.begin(again, sweep)

    wb.ask("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=watched(wb, sweep, asked)[asked]["id"])

    assert wb.log(again, 0, {"_step": 0, "loss": 9.0}).json() == {"stopped": True}
    wb.finish(again, exit_code=1)
    assert watched(wb, sweep, asked)[asked]["state"] == "killed"
    assert holds(wb)


def test_agents_that_wait_for_a_scheduler_are_told_which_one(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    waits = (
        f"no suggestion can be found: none is queued by optuna; `wandb sweep-scheduler local/p/{sweep}` lets it suggest"
    )
    assert wb.sweep(sweep)["description"] == waits

    enqueue(wb, sweep, 0.25)
    assert wb.sweep(sweep)["description"] is None
    wb.begin(wb.beat(wb.agent(sweep))["run_id"], sweep)
    assert wb.sweep(sweep)["description"] is None


def test_a_run_of_no_sweep_is_told_as_it_is(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    wb.begin("alone")

    assert watched(wb, sweep, "alone")["alone"]["state"] == "running"


def test_the_cap_bounds_what_is_handed_out_and_the_end_forgets_what_waits(wb: Speaker) -> None:
    sweep = wb.register({**CUSTOM, "run_cap": 2})
    agent = wb.agent(sweep)
    names = [enqueue(wb, sweep, x) for x in (0.1, 0.2, 0.3)]
    for _ in range(2):
        wb.do_trial(agent, sweep, loss=1.0)

    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert wb.beat(agent)["type"] == "exit"
    assert known_at_start(wb, sweep) == [(names[0], "finished"), (names[1], "finished")]
    assert watched(wb, sweep, *names).keys() == set(names[:2])
    assert refused(wb, sweep) == (400, f"sweep {sweep} is FINISHED: no run can be queued")
    assert holds(wb)


@pytest.mark.parametrize("state", ["FINISHED", "CANCELED"])
def test_a_scheduler_ends_its_sweep_with_runs_queued(wb: Speaker, state: str) -> None:
    sweep = wb.register(CUSTOM)
    agent = wb.agent(sweep)
    enqueue(wb, sweep, 0.1)
    wb.do_trial(agent, sweep)
    enqueue(wb, sweep, 0.2)

    assert wb.set_state(sweep, state).status_code == 200

    assert wb.beat(agent)["type"] == "exit"
    assert len(wb.runs(sweep)) == 1


@pytest.mark.parametrize(
    "mutation", ["stopRun(input: {id: $id}) { success }", "deleteRun(input: {id: $id}) { clientMutationId }"]
)
def test_a_queued_run_can_be_taken_back_and_is_then_never_started(wb: Speaker, mutation: str) -> None:
    sweep = wb.register(CUSTOM)
    name = enqueue(wb, sweep, 0.1)
    assert wb.field(name, "state") == "pending"

    wb.ask(f"mutation ($id: ID!) {{ {mutation} }}", id=wb.field(name, "id"))

    assert wb.beat(wb.agent(sweep)) is None
    assert watched(wb, sweep, name) == {}
    assert wb.ask(f'{{ project(name: "p") {{ run(name: "{name}") {{ state }} }} }}')["project"]["run"] is None


def test_a_run_of_another_project_is_not_taken_for_the_queued_one_of_its_name(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    name = enqueue(wb, sweep, 0.1)
    begin = 'mutation ($name: String!) { upsertBucket(input: {name: $name, modelName: "q"}) { bucket { id } } }'
    other = wb.ask(begin, name=name)["upsertBucket"]["bucket"]["id"]

    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=other)

    assert wb.field(name, "state") == "pending"
    assert wb.ask(f'{{ project(name: "q") {{ run(name: "{name}") {{ state }} }} }}')["project"]["run"] is None


def test_an_id_of_a_queued_run_stays_right_when_an_agent_has_taken_it(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    name = enqueue(wb, sweep, 0.1)
    id = wb.field(name, "id")
    wb.beat(wb.agent(sweep))

    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=id)

    assert wb.runs(sweep) == []


def test_a_run_that_is_deleted_and_tried_again_has_an_id_of_its_own(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    agent = wb.agent(sweep)
    asked = enqueue(wb, sweep, 0.1)
    wb.do_trial(agent, sweep)
    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=wb.field(asked, "id"))

    assert wb.do_trial(agent, sweep) != asked
    assert holds(wb)


def test_a_point_from_before_the_scheduler_is_tried_again_under_an_id_of_its_own(wb: Speaker) -> None:
    sweep = wb.register({"method": "random", "run_cap": 2, "parameters": {"x": {"min": 0.0, "max": 1.0}}})
    agent = wb.agent(sweep)
    before = wb.do_trial(agent, sweep, exit_code=1)
    document = (
        "mutation ($id: ID, $config: String) { upsertSweep(input: {id: $id, config: $config}) { sweep { name } } }"
    )
    wb.ask(document, id=wb.sweep(sweep)["id"], config=yaml.dump({**CUSTOM, "run_cap": 2}))

    again = wb.do_trial(agent, sweep)
    queued = enqueue(wb, sweep, 0.5)

    assert len(again) == len(before) == len("abcd1234")
    assert wb.do_trial(agent, sweep) == queued
    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert holds(wb)


def test_what_is_queued_is_no_prior_run(wb: Speaker) -> None:
    sweep = wb.register(CUSTOM)
    name = enqueue(wb, sweep, 0.1)
    document = """mutation ($prior: JSONString) { upsertSweep(input: {projectName: "p", priorRunsFilters: $prior,
        config: "method: grid\\nparameters: {x: {values: [1]}}"}) { configValidationWarnings } }"""

    said = wb.ask(document, prior=json.dumps({"$or": [{"name": name}]}))["upsertSweep"]["configValidationWarnings"]

    assert said == [f"no run {name!r} in this project: it is no prior run of this sweep"]


def test_runs_are_queued_for_sweeps_with_a_scheduler_alone_and_in_bounds(
    wb: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_QUEUED", 1)
    grid, sweep = wb.register(GRID), wb.register(CUSTOM)
    enqueue(wb, sweep, 0.1)

    assert refused(wb, grid) == (
        400,
        f"sweep {grid} has no `scheduler` in its config: this server suggests its runs itself",
    )
    assert refused(wb, sweep) == (400, f"sweep {sweep} has 1 runs queued that no agent has taken: no more can be")
    assert refused(wb, sweep, "[1]") == (400, "a run's config must be a JSON object, not list")


@pytest.mark.parametrize("method", ["grid", "bayes"])
@pytest.mark.feature("method: custom, wandb sweep-scheduler")
def test_the_engine_of_w_b_s_own_suggests_in_place_of_this_server(wb: Speaker, method: str) -> None:
    config = {**GRID, "method": method, "metric": {"name": "loss"}, "scheduler": {"engine": "wandb"}}
    sweep = wb.register({**config, "run_cap": 3})
    agent = wb.agent(sweep)
    assert wb.beat(agent) is None

    name = enqueue(wb, sweep, 0.5)

    assert wb.beat(agent)["run_id"] == name


def test_the_first_of_several_metrics_is_the_one_that_runs_are_compared_by(wb: Speaker) -> None:
    sweep = wb.register({**CUSTOM, "metrics": CUSTOM["metrics"][::-1]})
    agent = wb.agent(sweep)
    for x, acc in ((0.1, 0.5), (0.2, 0.9)):
        enqueue(wb, sweep, x)
        wb.do_trial(agent, sweep, acc=acc, loss=x)

    assert wb.sweep(sweep)["bestLoss"] == -0.9


def test_the_run_that_a_scheduler_logs_into_is_no_crash_when_it_falls_silent(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(CUSTOM)
    query = f'{{ project(name: "p") {{ sweep(sweepName: "{sweep}") {{ controllerRunName }} }} }}'
    log = wb.ask(query)["project"]["sweep"]["controllerRunName"]
    for name in (log, "scheduler-other", f"{log}s"):
        wb.begin(name)

    clock.pass_s(wb.settings.run_orphan_s + 1)
    wb.look()

    states = [wb.field(name, "state") for name in (log, "scheduler-other", f"{log}s")]
    assert states == ["finished", "crashed", "crashed"]
    assert wb.runs(sweep) == []


SPACE = """
import optuna

DONE = optuna.trial.TrialState.COMPLETE


def branches(trial):
    kind = trial.suggest_categorical("kind", ["flat", "deep"])
    more = {"depth": trial.suggest_int("depth", 2, 4)} if kind == "deep" else {}
    return {"kind": kind, "x": trial.suggest_float("x", 0.0, 1.0), **more}


def study(sweep):
    sampler = optuna.samplers.NSGAIISampler(seed=3)
    made = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    return made, lambda study: len(study.get_trials(states=[DONE])) >= 4
"""
SWEEP = """
program: trial.py
method: custom
metrics: [{name: loss, goal: minimize}, {name: acc, goal: maximize}]
run_cap: 20
scheduler: {engine: optuna, source: space.py, search_space: branches, optimizer: study}
"""


def do_trials(wb: Speaker, sweep: str) -> list[dict[str, Any]]:
    """Carries out what is suggested until the sweep is over, the first one at its second attempt; their values."""
    agent, values = wb.agent(sweep), list[dict[str, Any]]()
    end_s = time.monotonic() + HANG_S
    while (command := wb.beat(agent)) is None or command["type"] == "run":
        assert time.monotonic() < end_s, "the scheduler does not end the sweep"
        if command is None:
            time.sleep(0.05)
            continue
        wb.begin(command["run_id"], sweep)
        given = {name: item["value"] for name, item in command["args"].items()}
        fails = given not in values and not values
        if not fails:
            wb.summarise(command["run_id"], loss=given["x"], acc=given["x"] ** 2)
        wb.finish(command["run_id"], int(fails))
        values += [given] if given not in values else []
    return values


@pytest.mark.slow
@pytest.mark.feature("method: custom, wandb sweep-scheduler")
def test_the_unmodified_scheduler_runs_a_conditional_search_for_two_metrics(
    own_server: RunningServer, tmp_path: Path
) -> None:
    (tmp_path / "space.py").write_text(SPACE)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    said = cli(own_server, tmp_path, "sweep", "--project", "p", "sweep.yaml")
    path = said.split("wandb sweep-scheduler ")[1].split()[0]
    sweep = path.rsplit("/", 1)[1]

    scheduler = start(
        own_server, tmp_path, WANDB, "sweep-scheduler", "--batch-size", "3", "--poll-interval", "0.2", path
    )
    with httpx2.Client(base_url=own_server.url, timeout=HANG_S) as http:
        values = do_trials(Speaker(http, own_server.api_key, Clock(), Settings(data=own_server.data)), sweep)
    told = "".join(hanging.output(scheduler, tmp_path))

    assert scheduler.returncode == 0, told
    assert "the optimizer ended the sweep" in told
    assert len(re.findall(r"Trial \d+ finished with value: \[", told)) >= 4, told
    assert re.findall(r"Trial \d+ failed", told) == []
    assert {"depth" in each for each in values if each["kind"] == "deep"} == {True}
    assert {"depth" in each for each in values if each["kind"] == "flat"} == {False}
