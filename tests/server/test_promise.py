"""The promise under any order of events: each point is settled by exactly one counted run, and nothing else moves.

Agents, runs, people, the machine's clock and the server itself do what they may, in an order that hypothesis chooses.
As a test they are few, and the same each time; `python -m tests.server.test_promise 2000` tries so many others.
"""

import html
import json
import re
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from server.store.database import reading
from server.verify import verify
from terms import states
from tests.server.speaker import Clock, Speaker, speaking

UNITS = (8, 16, 32)
CONFIG = {"method": "grid", "x-sweep": {"retries": 1, "stop_after_failures": 0}, "metric": {"name": "loss"}}
RETRIES = 1
MOST_AGENTS = 4
HOUR_S = 3600.0
PREEMPTED = 143
WAITS_S = (4.0, 16.0, 50.0, 130.0, 310.0)

DELETE = "mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"
STOP = "mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }"
SET_STATE = "mutation ($id: ID!, $state: String!) { updateRunState(input: {id: $id, state: $state}) { success } }"
DESCRIBE = "mutation ($id: String!, $n: String) { upsertBucket(input: {id: $id, displayName: $n}) { bucket { name } } }"
BEGIN = """mutation ($run: String!, $sweep: String, $program: String) { upsertBucket(input: {
    name: $run, modelName: "p", sweep: $sweep, jobProgram: $program}) { bucket { id displayName } } }"""
UPDATE = "mutation ($id: ID, $config: String) { upsertSweep(input: {id: $id, config: $config}) { sweep { name } } }"
NAMES = 'query ($run: String!) { project(name: "p") { run(name: $run) { id displayName } } }'
SEEN = """query ($sweep: String!) { project(name: "p") {
    runs { edges { node { name displayName } } }
    sweep(sweepName: $sweep) { runs { edges { node { state config } } } } } }"""

# Counted from the newest: what has just been begun is most of what happens next.
anything = st.integers(min_value=0, max_value=9)


def config(units: tuple[int, ...]) -> dict[str, Any]:
    return {**CONFIG, "parameters": {"units": {"values": list(units)}}}


class Promise(RuleBasedStateMachine):
    """One sweep of a grid on one server.

    Attributes:
        agents: node id of each agent, with the runs that it was given and does not know to be over.
        ids: node id of each run that there ever was, by name.
        names: display name of each run that there is in the project, by name.
        deleted: runs that are deleted; those that were moved are in another project then and ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.data = Path(self.folder.name) / "data"
        self.clock = Clock()
        self.units: tuple[int, ...] = UNITS
        self.agents: dict[str, set[str]] = {}
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.deleted: dict[str, str] = {}
        self.moved: set[str] = set()
        self.open = ExitStack()
        self.wb = self._start()

    def _start(self) -> Speaker:
        return self.open.enter_context(speaking(self.data, self.clock, tick_s=HOUR_S))

    @initialize()
    def register(self) -> None:
        self.sweep = self.wb.register(config(self.units))
        self.sweep_id = str(self.wb.sweep(self.sweep)["id"])
        self.an_agent_joins()
        self.an_agent_works(0)

    @precondition(lambda self: len(self.agents) < MOST_AGENTS)
    @rule()
    def an_agent_joins(self) -> None:
        self.agents[self.wb.agent(self.sweep)] = set()

    @precondition(lambda self: self.agents)
    @rule(which=anything, reports=st.booleans())
    def an_agent_beats(self, which: int, reports: bool) -> None:
        agent = list(self.agents)[which % len(self.agents)]
        self._beat(agent, self.agents[agent] if reports else set())

    @precondition(lambda self: self.agents)
    @rule(which=anything, exit_code=st.sampled_from((None, 0, 1, PREEMPTED)))
    def an_agent_works(self, which: int, exit_code: int | None = None) -> None:
        agent = list(self.agents)[which % len(self.agents)]
        command = self._beat(agent, self.agents[agent])
        if command and command["type"] in ("run", "resume"):
            run = str(command["run_id"])
            self.wb.begin(run, self.sweep)
            if exit_code is not None:
                self.wb.stream(run, preempting=exit_code == PREEMPTED, complete=True, exitcode=exit_code)
                self.agents[agent].discard(run)

    def _beat(self, agent: str, reported: set[str]) -> dict[str, Any] | None:
        command: dict[str, Any] | None = self.wb.beat(agent, *reported)
        if command is None or command["type"] == "exit":
            return command
        run = str(command["run_id"])
        if command["type"] == "stop":
            self.agents[agent].discard(run)
            return command
        self.agents[agent] = {run}
        found = self.wb.ask(NAMES, run=run)["project"]["run"]
        self.ids[run], self.names[run] = found["id"], found["displayName"]
        return command

    @precondition(lambda self: self.ids)
    @rule(which=anything, program=st.sampled_from((None, "train.py")), rank=st.sampled_from((None, "a", "b")))
    def a_run_begins(self, which: int, program: str | None, rank: str | None) -> None:
        """A call of its client; the first one of a start names the program, and its lines overwrite a former start."""
        run = self._any_run(which)
        sweep = None if run == "loose" else self.sweep
        reply = self._program(rank).post(BEGIN, run=run, sweep=sweep, program=program)
        assert reply.status_code == (200 if run in self.names else 410), reply.text
        if reply.status_code == 200:
            bucket = reply.json()["data"]["upsertBucket"]["bucket"]
            self.ids[run], self.names[run] = bucket["id"], bucket["displayName"]

    @precondition(lambda self: "loose" not in self.ids)
    @rule()
    def a_run_of_no_sweep_begins(self) -> None:
        bucket = self.wb.ask(BEGIN, run="loose")["upsertBucket"]["bucket"]
        self.ids["loose"], self.names["loose"] = bucket["id"], bucket["displayName"]

    @precondition(lambda self: self.ids)
    @rule(which=anything, loss=st.floats(0, 1), rank=st.sampled_from((None, "a", "b")))
    def a_run_logs(self, which: int, loss: float, rank: str | None) -> None:
        run = self._any_run(which)
        reply = self._program(rank).summarise(run, loss=loss)
        assert reply.status_code == (200 if run in self.names else 404)

    @precondition(lambda self: self.ids)
    @rule(which=anything)
    def a_run_says_that_it_is_preempted(self, which: int) -> None:
        self.wb.stream(self._any_run(which), preempting=True)

    @precondition(lambda self: self.ids)
    @rule(which=anything, exit_code=st.sampled_from((0, 0, 1, 2, 130, 143)), rank=st.sampled_from((None, "a", "b")))
    def a_run_ends(self, which: int, exit_code: int, rank: str | None) -> None:
        run = self._any_run(which)
        self._program(rank).finish(run, exit_code)
        for runs in self.agents.values():
            runs.discard(run)

    @precondition(lambda self: self.ids)
    @rule(which=anything)
    def somebody_stops_a_run(self, which: int) -> None:
        self.wb.post(STOP, id=self.ids[self._any_run(which)])

    @precondition(lambda self: any(run != "loose" for run in self.names))
    @rule(which=anything, state=st.sampled_from((states.RUNNING, states.PENDING, states.FAILED, states.FINISHED)))
    def somebody_sets_the_state_of_a_run(self, which: int, state: str) -> None:
        runs = [run for run in self.names if run != "loose"]
        self.wb.post(SET_STATE, id=self.ids[runs[-1 - which % len(runs)]], state=state)

    @precondition(lambda self: self.ids)
    @rule(which=anything, name=st.sampled_from(("a", "b")))
    def somebody_renames_a_run_by_its_id(self, which: int, name: str) -> None:
        run = self._any_run(which)
        reply = self.wb.post(DESCRIBE, id=self.ids[run], n=name)
        assert reply.status_code == (404 if run in self.deleted else 200)
        if run in self.names:
            self.names[run] = name

    @precondition(lambda self: self.ids)
    @rule(which=anything)
    def somebody_deletes_a_run_by_its_id(self, which: int) -> None:
        run = self._any_run(which)
        self.wb.ask(DELETE, id=self.ids[run])
        self.deleted.setdefault(run, self.names.pop(run, ""))

    @precondition(lambda self: self.deleted)
    @rule(which=anything)
    def somebody_brings_a_run_back(self, which: int) -> None:
        run, name = list(self.deleted.items())[-1 - which % len(self.deleted)]
        forms = re.findall(r'title="local/[pq]/(\w+)".*?action="([^"]+)"', self._page("/deleted"), re.DOTALL)
        assert {run for run, _ in forms} == self.deleted.keys()
        self._press(dict(forms)[run])
        del self.deleted[run]
        if run not in self.moved:
            self.names[run] = name

    @precondition(lambda self: self.names)
    @rule(which=anything)
    def somebody_moves_a_run(self, which: int) -> None:
        run = list(self.names)[-1 - which % len(self.names)]
        forms = re.findall(r'action="([^"]+/move[^"]+)"', self._page(f"/local/p/runs/{run}/edit"))
        for action in forms:  # none while it is under way
            self._press(action, project="q")
            self.moved.add(run)
            del self.names[run]

    def _page(self, path: str) -> str:
        return html.unescape(self.wb.http.get(path, headers=self.wb.headers).text)

    def _press(self, action: str, **fields: str) -> None:
        reply = self.wb.http.post(action, data=fields, headers=self.wb.headers, follow_redirects=False)
        assert reply.status_code == 303, reply.text

    @rule(state=st.sampled_from(("PAUSED", "RUNNING", "RUNNING", "FINISHED", "CANCELED")))
    def somebody_sets_the_state_of_the_sweep(self, state: str) -> None:
        self.wb.set_state(self.sweep, state)

    @rule(units=st.sampled_from(((8, 16), UNITS, (*UNITS, 64))))
    def somebody_updates_the_sweep(self, units: tuple[int, ...]) -> None:
        self.wb.ask(UPDATE, id=self.sweep_id, config=json.dumps(config(units)))
        self.units = units

    @rule(seconds=st.sampled_from(WAITS_S))
    def time_passes_in_silence(self, seconds: float) -> None:
        self.clock.pass_s(seconds)
        self.wb.look()

    @rule(seconds=st.sampled_from((-HOUR_S, HOUR_S)), frozen=st.booleans())
    def time_jumps(self, seconds: float, frozen: bool) -> None:
        if frozen:
            self.clock.freeze_s(HOUR_S)
        else:
            self.clock.set_by_s(seconds)

    @rule()
    def the_server_looks_for_who_is_gone(self) -> None:
        self.wb.look()

    @rule()
    def the_server_is_started_again(self) -> None:
        self.open.close()
        self.wb = self._start()

    @invariant()
    def the_ledger_holds(self) -> None:
        with reading(self.wb.settings.database) as connection:
            assert verify(connection).problems == ()

    @invariant()
    def no_point_has_two_runs_and_nothing_else_changes_a_name(self) -> None:
        project = self.wb.ask(SEEN, sweep=self.sweep)["project"]
        self._hold_one_run_a_point([edge["node"] for edge in project["sweep"]["runs"]["edges"]])
        named = [edge["node"] for edge in project["runs"]["edges"]]
        assert {run["name"]: run["displayName"] for run in named} == self.names

    def _hold_one_run_a_point(self, runs: list[dict[str, Any]]) -> None:
        runs = self._of_points(runs)
        for told in (states.LIVE, (states.FINISHED,)):
            having = Counter(self._unit(run) for run in runs if run["state"] in told)
            assert all(count == 1 for count in having.values()), having

    def teardown(self) -> None:
        """Whatever was before: one agent that does its work ends the sweep with one result a point."""
        if hasattr(self, "sweep"):
            self._end_all()
            results = Counter(self._unit(run) for run in self._runs() if run["state"] in states.RESULTS)
            failed = Counter(self._unit(run) for run in self._runs() if run["state"] == states.FAILED)
            for unit in self.units:
                assert results[unit] >= 1 or failed[unit] > RETRIES or self._hopeless(unit), (unit, results, failed)
            self.the_ledger_holds()
            self._hold_one_run_a_point(self._runs())
        self.open.close()
        self.folder.cleanup()

    def _end_all(self) -> None:
        self.clock.pass_s(max(WAITS_S))
        self.wb.look()
        self.wb.set_state(self.sweep, "RUNNING")
        agent = self.wb.agent(self.sweep)
        self.agents[agent] = set()
        for _ in range(100):
            command = self._beat(agent, set())
            assert command is not None, "an agent waits though nobody else has a run"
            if command["type"] == "exit":
                return
            self.wb.post(BEGIN, run=command["run_id"], sweep=self.sweep)
            self.wb.finish(command["run_id"])
        raise AssertionError("the sweep has no end")

    def _program(self, rank: str | None) -> Speaker:
        return self.wb if rank is None else self.wb.rank(rank)

    def _any_run(self, which: int) -> str:
        return list(self.ids)[-1 - which % len(self.ids)]

    def _runs(self) -> list[dict[str, Any]]:
        return self._of_points(self.wb.runs(self.sweep))

    def _of_points(self, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [run for run in runs if "units" in json.loads(run["config"])]

    def _unit(self, run: dict[str, Any]) -> int:
        return int(json.loads(run["config"])["units"]["value"])

    def _hopeless(self, unit: int) -> bool:
        return any(self._unit(run) == unit and run["exitcode"] == 2 for run in self._runs())


FEW = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_the_promise_holds_in_any_order_of_events() -> None:
    run_state_machine_as_test(Promise, settings=FEW)


if __name__ == "__main__":
    many = settings(FEW, max_examples=int(sys.argv[1]), derandomize=False)
    run_state_machine_as_test(Promise, settings=many)
