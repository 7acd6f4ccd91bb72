"""Runs of before that a sweep begins with: they belong to it, and its search and early termination learn from them."""

import json
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest
import yaml

from server.ledger import early_stop
from tests.patience import HANG_S
from tests.server.real_client import Agents, cli
from tests.server.real_server import RunningServer
from tests.server.speaker import GRID, Clock, Speaker

REGISTER = """mutation ($config: String!, $prior: JSONString) { upsertSweep(input: {
    config: $config, projectName: "p", priorRunsFilters: $prior}) { sweep { name } configValidationWarnings } }"""
BELONGING = """query ($name: String!, $filters: JSONString) { project(name: "p") {
    runs(filters: $filters) { edges { node { name } } }
    sweep(sweepName: $name) { runCount runCountExpected runs { edges { node { name } } }
        priorRuns { edges { node { name } } } } } }"""
BAYES = {
    "method": "bayes",
    "run_cap": 5,
    "metric": {"name": "loss"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
    "x-sweep": {"seed": 3},
}


def begun_with(wb: Speaker, config: dict[str, Any], *runs: str) -> tuple[str, list[str]]:
    """Registers a sweep as `wandb sweep --prior_run` does; its name, and what is said of it."""
    prior = json.dumps({"$or": [{"name": run} for run in runs]})
    answer = wb.ask(REGISTER, config=yaml.dump(config), prior=prior)["upsertSweep"]
    return str(answer["sweep"]["name"]), list(answer["configValidationWarnings"])


def names(connection: dict[str, Any]) -> set[str]:
    return {edge["node"]["name"] for edge in connection["edges"]}


def before(wb: Speaker, name: str, exit_code: int = 0, losses: tuple[float, ...] = (), **values: Any) -> str:
    """A run of no sweep."""
    wb.begin(name, config=json.dumps({key: {"value": value} for key, value in values.items()}))
    wb.log(name, 0, *({"_step": step, "loss": loss} for step, loss in enumerate(losses)))
    wb.summarise(name, **({"loss": losses[-1]} if losses else {}))
    wb.finish(name, exit_code)
    return name


def next_run(wb: Speaker, agent: str) -> dict[str, Any]:
    end_s = time.monotonic() + HANG_S
    while (command := wb.beat(agent)) is None:
        assert time.monotonic() < end_s, "no suggestion came"
        time.sleep(0.1)
    return {name: item["value"] for name, item in command["args"].items()} if command["type"] == "run" else {}


def test_prior_runs_belong_to_the_new_sweep_and_stay_in_their_own(wb: Speaker) -> None:
    first = wb.register(GRID)
    run = wb.do_trial(wb.agent(first), first)
    alone = before(wb, "alone", units=64)

    second, said = begun_with(wb, GRID, run, alone, "nobody")

    found = wb.ask(BELONGING, name=second, filters=json.dumps({"$and": [{"sweep": second}]}))["project"]
    assert names(found["sweep"]["priorRuns"]) == names(found["sweep"]["runs"]) == names(found["runs"]) == {run, alone}
    assert (found["sweep"]["runCount"], found["sweep"]["runCountExpected"]) == (2, 3)
    of_first = wb.ask(BELONGING, name=first, filters=json.dumps({"sweep": first}))["project"]
    assert names(of_first["runs"]) == {run}
    assert names(of_first["sweep"]["priorRuns"]) == set()
    assert said == [
        "no run 'nobody' in this project: it is no prior run of this sweep",
        "points of this grid that a prior run with a result covers are not run again",
    ]


def test_a_grid_leaves_out_what_prior_runs_with_a_result_cover(wb: Speaker) -> None:
    done, failed = before(wb, "done", units=8), before(wb, "failed", exit_code=1, units=16)
    sweep, _ = begun_with(wb, GRID, done, failed)
    agent = wb.agent(sweep)

    for _ in range(2):
        wb.do_trial(agent, sweep)

    assert wb.beat(agent)["type"] == "exit"
    assert wb.units(sweep, "finished") == [8, 16, 32]  # the prior run stands for 8
    assert (wb.sweep(sweep)["state"], wb.sweep(sweep)["runCountExpected"]) == ("FINISHED", 2)
    assert "trials: 2 finished" in wb.sweep(sweep)["description"]


@pytest.mark.parametrize(("goal", "best"), [("minimize", 0.25), ("maximize", -0.75)])
def test_the_best_of_a_sweep_may_be_a_prior_run_that_gave_a_result(wb: Speaker, goal: str, best: float) -> None:
    config = GRID | {"metric": {"name": "loss", "goal": goal}}
    low, high = before(wb, "low", losses=(0.25,), units=8), before(wb, "high", losses=(0.75,), units=16)
    failed = before(wb, "failed", exit_code=1, losses=(0.125,), units=8)
    plain, _ = begun_with(wb, config, failed)

    sweep, _ = begun_with(wb, config, low, high, failed)

    assert (wb.sweep(plain)["bestLoss"], wb.sweep(sweep)["bestLoss"]) == (None, best)


def test_a_run_that_lacks_a_parameter_covers_nothing(wb: Speaker) -> None:
    sweep, _ = begun_with(wb, GRID, before(wb, "other", width=32), before(wb, "bare"))

    assert next_run(wb, wb.agent(sweep)) == {"units": 8}


def test_prior_runs_can_be_given_later_and_a_sweeps_own_run_is_none(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    own, other = wb.do_trial(wb.agent(sweep), sweep), before(wb, "other")
    document = """mutation ($id: ID!, $prior: JSONString!) { upsertSweep(input: {id: $id, priorRunsFilters: $prior}) {
        sweep { priorRuns { edges { node { name } } } runs { edges { node { name } } } } } }"""
    prior = json.dumps({"$or": [{"name": own}, {"name": other}]})

    for _ in range(2):
        found = wb.ask(document, id=wb.sweep(sweep)["id"], prior=prior)["upsertSweep"]["sweep"]
        assert names(found["priorRuns"]) == {other}
        assert names(found["runs"]) == {own, other}


def test_a_point_is_the_same_however_its_numbers_are_spelt(wb: Speaker) -> None:
    grid = {"method": "grid", "parameters": {"net": {"parameters": {"w": {"values": [1, 2]}}}, "a": {"values": [0.5]}}}
    sweep, _ = begun_with(wb, grid, before(wb, "done", net={"w": 1}, a=0.5, more=3))

    assert next_run(wb, wb.agent(sweep)) == {"a": 0.5, "net": {"w": 2}}


def test_a_prior_run_that_is_deleted_covers_nothing(wb: Speaker) -> None:
    before(wb, "done", units=8)
    sweep, _ = begun_with(wb, GRID, "done")
    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=wb.field("done", "id"))

    assert next_run(wb, wb.agent(sweep)) == {"units": 8}


@pytest.mark.slow
def test_a_bayesian_search_learns_from_prior_runs_before_its_first(wb: Speaker) -> None:
    runs = [before(wb, f"r{n}", losses=((n / 15 - 0.3) ** 2,), x=n / 15) for n in range(16)]
    informed, _ = begun_with(wb, BAYES, *runs)

    first = next_run(wb, wb.agent(informed))
    uninformed = next_run(wb, wb.agent(wb.register(BAYES)))

    assert first["x"] == pytest.approx(0.3, abs=0.05)
    assert uninformed["x"] != pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("most_read", [early_stop.MOST_READ, 0], ids=["at once", "read beside the work"])
def test_early_termination_compares_with_prior_runs(
    wb: Speaker, monkeypatch: pytest.MonkeyPatch, most_read: int
) -> None:
    monkeypatch.setattr(early_stop, "MOST_READ", most_read)
    runs = [before(wb, f"r{n}", losses=(n / 10, n / 10, n / 10)) for n in range(3)]
    stopping = {**GRID, "metric": {"name": "loss"}, "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 3}}
    sweep, _ = begun_with(wb, stopping, *runs)
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)

    reply = wb.log(run, 0, {"_step": 0, "loss": 9.0}, {"_step": 1, "loss": 9.0})
    if not most_read:
        wb.look()
        reply = wb.stream(run)

    assert reply.json() == {"stopped": True}


def test_prior_runs_are_compared_as_they_are_then_and_read_only_if_they_went_on(wb: Speaker, clock: Clock) -> None:
    prior = [f"r{n}" for n in range(3)]
    for name in prior:
        wb.begin(name)
        wb.log(name, 0, {"_step": 0, "loss": 0.1})
    stopping = {**GRID, "metric": {"name": "loss"}, "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 3}}
    sweep, _ = begun_with(wb, stopping, *prior)

    def bad_run() -> Any:
        run = wb.beat(wb.agent(sweep))["run_id"]
        wb.begin(run, sweep)
        told = wb.log(run, 0, {"_step": 0, "loss": 9.0}, {"_step": 1, "loss": 9.0}).json()
        return told, wb.told(run).get("early_stop", {}).get("rivals")

    before_they_come_so_far = bad_run()
    for name in prior:
        clock.pass_s(1)
        wb.log(name, 1, {"_step": 1, "loss": 0.2})
    when_they_have = bad_run()
    with closing(sqlite3.connect(wb.settings.database)) as disk, disk:
        disk.execute("DELETE FROM history WHERE run_id IN (SELECT run_id FROM prior_run)")
    without_their_histories = bad_run()

    assert before_they_come_so_far == ({}, None)
    assert when_they_have == ({"stopped": True}, [0.2, 0.2, 0.2, 9.0])
    assert without_their_histories == ({"stopped": True}, [0.2, 0.2, 0.2, 9.0, 9.0])


@pytest.mark.slow
@pytest.mark.feature("prior runs (wandb sweep -R)")
def test_the_unmodified_client_attaches_runs_to_a_sweep(server: RunningServer, tmp_path: Any) -> None:
    (tmp_path / "trial.py").write_text("import wandb; run = wandb.init(); run.log({'loss': 1}); run.finish()")
    sweep = "program: trial.py\nmethod: grid\nmetric: {name: loss}\nparameters: {a: {values: %s}}\n"
    (tmp_path / "first.yaml").write_text(sweep % [1, 2])
    (tmp_path / "second.yaml").write_text(sweep % [2, 3])
    register = ("sweep", "--project", "prior")
    first = cli(server, tmp_path, *register, "first.yaml").split("wandb agent ")[1].split()[0]
    assert Agents(server, tmp_path, first).exit_codes() == [0]
    ids = [run.id for run in server.api().sweep(first).runs]

    said = cli(server, tmp_path, *register, "-R", ids[0], "-R", ids[1], "second.yaml")
    second = said.split("wandb agent ")[1].split()[0]
    assert Agents(server, tmp_path, second).exit_codes() == [0]

    runs = server.api().sweep(second).runs
    assert sorted(run.config["a"] for run in runs) == [1, 2, 3]
    assert {run.id for run in runs} > set(ids)
    assert {run.id for run in server.api().sweep(first).runs} == set(ids)
