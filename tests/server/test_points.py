"""Each point of a search is settled by exactly one counted run, whatever becomes of agents, runs and the server."""

import json
import threading
import time
from pathlib import Path

import pytest

from tests.server.speaker import GRID, Clock, Speaker, speaking, until


def test_each_point_is_handed_out_once_and_the_sweep_ends(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    first, second = wb.agent(sweep), wb.agent(sweep)

    wb.do_trial(first, sweep)
    wb.do_trial(second, sweep)
    wb.do_trial(first, sweep)

    assert wb.units(sweep, "finished") == [8, 16, 32]
    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert wb.beat(first) == {"type": "exit"}
    assert wb.beat(second) == {"type": "exit"}


def test_heartbeats_at_the_same_moment_get_different_points(wb: Speaker) -> None:
    values = list(range(24))
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": values}}})
    agents = [wb.agent(sweep) for _ in values]

    threads = [threading.Thread(target=wb.beat, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wb.units(sweep, "pending") == values


def test_an_agent_with_a_run_gets_no_second_one(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)

    assert wb.beat(agent, run) is None
    assert len(wb.runs(sweep)) == 1


def test_an_idle_agent_stays_while_another_could_still_lose_a_point(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    busy, idle = wb.agent(sweep), wb.agent(sweep)
    run = wb.beat(busy)["run_id"]
    wb.begin(run, sweep)

    assert wb.beat(idle) is None

    wb.finish(run)
    assert wb.beat(idle) == {"type": "exit"}


def test_a_lost_reply_is_delivered_again_and_no_new_point_is_drawn(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)

    first, again = wb.beat(agent), wb.beat(agent)

    assert again == first
    assert len(wb.runs(sweep)) == 1


def test_a_trial_that_dies_twice_before_it_starts_is_failed_with_its_cause(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.beat(agent)

    following = wb.beat(agent)["run_id"]

    assert following != run
    assert [failed["name"] for failed in wb.runs(sweep, "failed")] == [run]
    assert wb.told(run)["cause"] == "ended 2 times before it called wandb.init"


def test_a_run_that_finishes_settles_its_point(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})

    wb.do_trial(wb.agent(sweep), sweep)

    assert [run["state"] for run in wb.runs(sweep)] == ["finished"]
    assert wb.sweep(sweep)["state"] == "FINISHED"


@pytest.mark.parametrize("exit_code", [130, 143])
def test_an_interrupted_run_gives_its_point_back(wb: Speaker, exit_code: int) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    interrupted = wb.do_trial(agent, sweep, exit_code)

    again = wb.do_trial(agent, sweep)

    assert again != interrupted
    assert wb.units(sweep, "finished") == [8]
    assert wb.sweep(sweep)["state"] == "FINISHED"


def test_a_point_that_is_interrupted_for_ever_is_failed_in_the_end(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)

    attempts = 0
    while wb.sweep(sweep)["state"] != "FINISHED":
        wb.do_trial(agent, sweep, 143)
        attempts += 1

    assert attempts == 20


def test_a_killed_agent_and_its_silent_run_lose_no_point(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    dead = wb.agent(sweep)
    lost = wb.beat(dead)["run_id"]
    wb.begin(lost, sweep)

    clock.pass_s(wb.settings.agent_silent_s + 1)
    until(lambda: bool(wb.runs(sweep, "crashed")))
    again = wb.do_trial(wb.agent(sweep), sweep)

    assert wb.units(sweep, "finished") == [8]
    assert {run["name"] for run in wb.runs(sweep)} == {lost, again}
    cause = wb.told(lost)["cause"]
    assert cause == f"lost: nothing heard of it or its agent for {wb.settings.agent_silent_s + 1:.0f} s"


def test_a_run_goes_on_when_its_agent_is_gone_but_it_still_speaks(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)

    for step in range(5):
        clock.pass_s(60)
        time.sleep(0.1)
        assert wb.log(run, step, {"_step": step, "loss": 1.0}).json() == {}
    wb.finish(run)

    assert [run["state"] for run in wb.runs(sweep)] == ["finished"]


def test_silence_while_the_server_was_down_is_nobodys_fault(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as before:
        sweep = before.register(GRID)
        agent = before.agent(sweep)
        run = before.beat(agent)["run_id"]
        before.begin(run, sweep)
    clock.pass_s(3600)

    with speaking(tmp_path / "data", clock) as after:
        time.sleep(0.2)
        assert after.beat(agent, run) is None
        after.finish(run)

        assert [run["state"] for run in after.runs(sweep)] == ["finished"]


def test_what_a_given_up_run_still_sends_counts_nothing_and_it_is_told_to_stop(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    slow = wb.agent(sweep)
    old = wb.beat(slow)["run_id"]
    wb.begin(old, sweep)
    clock.pass_s(wb.settings.agent_silent_s + 1)
    until(lambda: bool(wb.runs(sweep, "crashed")))
    new = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(new, sweep)

    late = wb.log(old, 0, {"_step": 0, "loss": 1.0})
    told = wb.beat(slow, old)
    wb.finish(old)

    assert late.json() == {"stopped": True}
    assert told == {"type": "stop", "run_id": old}
    assert wb.units(sweep, "finished") == []
    wb.finish(new)
    assert [run["name"] for run in wb.runs(sweep, "finished")] == [new]


def test_a_given_up_run_that_comes_back_in_time_keeps_its_point(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)
    clock.pass_s(wb.settings.agent_silent_s + 1)
    until(lambda: bool(wb.runs(sweep, "crashed")))

    assert wb.log(run, 0, {"_step": 0, "loss": 1.0}).json() == {}
    assert wb.beat(wb.agent(sweep)) is None
    wb.finish(run)

    assert [run["state"] for run in wb.runs(sweep)] == ["finished"]


def test_a_run_missing_from_its_living_agent_is_given_up_after_a_grace(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)

    assert wb.beat(agent) is None
    clock.pass_s(wb.settings.run_missing_s)
    again = wb.beat(agent)

    assert again["run_id"] != run
    assert wb.units(sweep, "crashed") == [8]


def test_a_run_without_an_agent_is_given_up_later_and_counted_as_lost(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    wb.begin("by-hand", sweep)

    clock.pass_s(wb.settings.run_orphan_s - 1)
    time.sleep(0.2)
    assert wb.runs(sweep, "running")
    clock.pass_s(2)

    until(lambda: bool(wb.runs(sweep, "crashed")))
    assert wb.told("by-hand")["cause_kind"] == "lost host"


def test_a_lost_attempt_costs_no_retry(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    for _ in range(3):
        wb.begin(wb.beat(agent)["run_id"], sweep)
        wb.beat(agent)
        clock.pass_s(wb.settings.run_missing_s)

    for exit_code in (1, 1, 0):
        wb.do_trial(agent, sweep, exit_code)

    assert len(wb.runs(sweep, "crashed")) == 3
    assert wb.units(sweep, "finished") == [8]


def test_a_preempted_run_is_resumed_under_its_own_id(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)
    wb.stream(run, preempting=True)
    wb.summarise(run, loss=0.5, _cause="interrupted (SIGTERM)")
    wb.finish(run, 143)

    command = wb.beat(agent)
    resumed_with, told = wb.sent(run), wb.told(run)
    wb.begin(run, sweep)
    wb.finish(run)

    assert (command["type"], command["run_id"]) == ("resume", run)
    assert (resumed_with, told) == ({"loss": 0.5}, {"point": 1})
    assert [run["state"] for run in wb.runs(sweep)] == ["finished"]


def test_a_run_tells_the_number_of_its_point_whatever_it_is_sent_back_as(wb: Speaker) -> None:
    sweep = wb.register({"method": "random", "run_cap": 2, "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    runs = []
    for _ in range(2):
        runs.append(wb.beat(agent)["run_id"])
        wb.begin(runs[-1], sweep)
        wb.summarise(runs[-1], loss=0.5, _wandb={"server": {"point": 7}, "runtime": 1})
        wb.finish(runs[-1])

    assert [wb.told(run) for run in runs] == [{"point": 1}, {"point": 2}]
    assert [wb.sent(run) for run in runs] == [{"loss": 0.5, "_wandb": {"runtime": 1}}] * 2


def test_a_run_whose_machine_vanishes_after_its_warning_is_resumed_after_a_grace(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)
    wb.stream(run, preempting=True)
    idle = wb.agent(sweep)
    assert wb.beat(idle) is None

    clock.pass_s(wb.settings.agent_silent_s + 1)
    until(lambda: bool(wb.runs(sweep, "preempted")))

    assert wb.beat(idle)["run_id"] == run


def test_a_resumed_run_is_handed_out_again_with_the_values_of_its_point_alone(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    first = wb.beat(agent)
    wb.begin(first["run_id"], sweep, config=json.dumps({"units": {"value": 8}, "provenance": {"value": {"seed": 1}}}))
    wb.stream(first["run_id"], preempting=True, complete=True, exitcode=143)

    resumed, once_more = wb.beat(agent), wb.beat(agent)

    assert first["args"] == resumed["args"] == once_more["args"] == {"units": {"value": 8}}


def test_a_run_whose_resumption_never_starts_waits_for_another_agent_to_resume_it(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)
    wb.stream(run, preempting=True, complete=True, exitcode=143)
    assert wb.beat(agent)["type"] == "resume"

    clock.pass_s(wb.settings.agent_silent_s + 1)
    until(lambda: bool(wb.runs(sweep, "preempted")))
    again = wb.beat(wb.agent(sweep))

    assert (again["type"], again["run_id"]) == ("resume", run)
    assert "cause" not in wb.told(run)


def test_the_point_of_a_run_that_is_preempted_for_ever_goes_to_a_new_run(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8]}}})
    agent = wb.agent(sweep)
    handed = [wb.beat(agent)["run_id"]]

    while handed[-1] == handed[0]:
        wb.begin(handed[0], sweep)
        wb.stream(handed[0], preempting=True, complete=True, exitcode=143)
        handed.append(wb.beat(agent)["run_id"])

    assert len(handed) == 51
    assert wb.told(handed[0])["cause"] == "lost: preempted 50 times"


def test_deleting_the_counted_run_frees_its_point(wb: Speaker) -> None:
    sweep = wb.register({"method": "grid", "parameters": {"units": {"values": [8, 16]}}})
    agent = wb.agent(sweep)
    run = wb.do_trial(agent, sweep)
    node = wb.field(run, "id")

    for gone in (node, node):
        wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=gone)
    wb.do_trial(agent, sweep)
    wb.do_trial(agent, sweep)

    assert wb.units(sweep, "finished") == [8, 16]


@pytest.mark.feature("wandb sweep --update")
def test_an_updated_grid_leaves_out_the_points_it_has_done(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    wb.do_trial(agent, sweep)
    document = (
        "mutation ($id: ID, $config: String) { upsertSweep(input: {id: $id, config: $config}) { sweep { name } } }"
    )
    config = "method: grid\nparameters: {units: {values: [8, 64]}}"

    wb.ask(document, id=wb.sweep(sweep)["id"], config=config)
    wb.do_trial(agent, sweep)

    assert wb.beat(agent) == {"type": "exit"}
    assert wb.units(sweep, "finished") == [8, 64]
    assert wb.sweep(sweep)["runCountExpected"] == 2


@pytest.mark.feature("run_cap")
def test_run_cap_counts_points_and_not_attempts(wb: Speaker) -> None:
    sweep = wb.register({**GRID, "run_cap": 2})
    agent = wb.agent(sweep)

    wb.do_trial(agent, sweep, 143)
    wb.do_trial(agent, sweep)
    wb.do_trial(agent, sweep)

    assert wb.beat(agent) == {"type": "exit"}
    assert wb.units(sweep, "finished") == [8, 16]


def test_a_paused_sweep_hands_out_nothing_and_a_resumed_one_goes_on(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    wb.set_state(sweep, "PAUSED")

    assert wb.beat(agent) is None

    wb.set_state(sweep, "RUNNING")
    assert wb.beat(agent)["type"] == "run"


def test_a_stopped_sweep_lets_its_run_end_and_sends_the_agents_home(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)
    wb.set_state(sweep, "FINISHED")

    assert wb.beat(agent, run) is None
    wb.finish(run)

    assert wb.beat(agent) == {"type": "exit"}
    assert wb.units(sweep, "finished") == [8]


def test_a_cancelled_sweep_stops_its_runs_at_once(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)
    wb.set_state(sweep, "CANCELED")

    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}
    assert wb.log(run, 0, {"_step": 0}).json() == {"stopped": True}
    assert wb.beat(agent) == {"type": "exit"}
    assert [run["state"] for run in wb.runs(sweep)] == ["killed"]


@pytest.mark.parametrize(("how", "exit_code"), [("CANCELED", 130), ("CANCELED", 0), ("FINISHED", 1)])
def test_a_sweep_that_somebody_ended_stays_as_it_is_when_the_run_of_its_last_point_ends(
    wb: Speaker, how: str, exit_code: int
) -> None:
    rules = {"stop_after_failures": 1, "retries": 0}
    sweep = wb.register(GRID | {"run_cap": 1, "x-sweep": rules})
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)
    wb.set_state(sweep, how)

    wb.finish(run, exit_code)

    assert wb.sweep(sweep)["state"] == how
    assert "stopped itself" not in wb.sweep(sweep)["description"]


def test_a_run_asked_to_stop_hears_it_in_its_stream_first_and_from_its_agent_later(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    id = wb.begin(run, sweep)["bucket"]["id"]

    wb.ask("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=id)

    assert wb.log(run, 0, {"_step": 0}).json() == {"stopped": True}
    assert wb.beat(agent, run) is None
    clock.pass_s(wb.settings.stop_grace_s)
    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}
    wb.finish(run, 255)
    assert wb.units(sweep, "killed") == [8]


def test_a_run_that_was_stopped_before_it_began_is_not_given_to_its_agent_again(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    run = wb.beat(agent)["run_id"]
    wb.ask("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=wb.field(run, "id"))

    following = wb.beat(agent)["run_id"]

    assert following != run
    assert wb.field(run, "state") == "killed"


def test_the_next_point_of_a_restarted_server_is_the_one_that_was_due(tmp_path: Path, clock: Clock) -> None:
    config = {"method": "random", "run_cap": 6, "parameters": {"units": {"min": 1, "max": 10**6}}}
    with speaking(tmp_path / "data", clock) as before:
        sweep = before.register(config)
        for _ in range(2):
            before.do_trial(before.agent(sweep), sweep)
        drawn = before.units(sweep, "finished")
    with speaking(tmp_path / "data", clock) as after:
        agent = after.agent(sweep)
        for _ in range(4):
            after.do_trial(agent, sweep)

        assert after.beat(agent) == {"type": "exit"}
        assert len(set(after.units(sweep, "finished"))) == 6
        assert set(drawn) < set(after.units(sweep, "finished"))


@pytest.mark.parametrize(("goal", "values"), [("maximize", (0.5, 0.95)), ("minimize", (0.5, 0.05))])
def test_a_sweep_ends_when_a_run_reaches_the_target(wb: Speaker, goal: str, values: tuple[float, float]) -> None:
    target = 0.9 if goal == "maximize" else 0.1
    sweep = wb.register({**GRID, "metric": {"name": "acc", "goal": goal, "target": target}})
    agent = wb.agent(sweep)
    for value in values:
        assert wb.sweep(sweep)["state"] == "RUNNING"
        run = wb.beat(agent)["run_id"]
        wb.begin(run, sweep)
        wb.summarise(run, acc=value)
        wb.finish(run)

    assert wb.beat(agent) == {"type": "exit"}
    assert wb.sweep(sweep)["state"] == "FINISHED"
    assert len(wb.runs(sweep)) == 2


def test_a_grid_of_a_million_million_points_starts_at_once(wb: Speaker) -> None:
    values = {"values": list(range(100))}
    sweep = wb.register({"method": "grid", "parameters": dict.fromkeys("abcdef", values)})

    assert wb.do_trial(wb.agent(sweep), sweep)
    assert wb.sweep(sweep)["runCountExpected"] is None
