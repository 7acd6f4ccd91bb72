"""Bayesian sweeps: suggestions are found outside the requests, and follow from the seed and the results."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from search import bayes
from search.config import parse
from search.evidence import Run
from server import bayes_worker
from server.ledger.curves import Curves
from server.store import queries
from server.store.database import Database
from tests.patience import HANG_S
from tests.server.speaker import Clock, Speaker, speaking, until

SWEEP: dict[str, Any] = {
    "method": "bayes",
    "run_cap": 4,
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}, "units": {"values": [8, 16]}},
    "x-sweep": {"seed": 3},
}


POINTS = "sweep_id = (SELECT id FROM sweep WHERE name = ?)"
# As a disk may leave it: no JSON any more.
DAMAGE = f"UPDATE trial SET params = substr(params, 2) WHERE {POINTS}"
REPAIR = f"UPDATE trial SET params = '{{' || params WHERE NOT json_valid(params) AND {POINTS}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    """One application for several tests: the process that searches imports scipy, .8 s of a core for each."""
    with speaking(tmp_path_factory.mktemp("shared") / "data", Clock()) as wb:
        yield wb


def beat_until_run(wb: Speaker, agent: str) -> dict[str, Any]:
    end_s = time.monotonic() + HANG_S
    while (command := wb.beat(agent)) is None:
        assert time.monotonic() < end_s, "no suggestion came"
        time.sleep(0.1)
    return dict(command)


def params_of(command: dict[str, Any]) -> dict[str, Any]:
    return {name: item["value"] for name, item in command["args"].items()}


def carry_out(wb: Speaker) -> list[dict[str, Any]]:
    """Does the whole sweep with one agent; the params in order."""
    sweep = wb.register(SWEEP)
    agent, drawn = wb.agent(sweep), []
    while (command := beat_until_run(wb, agent))["type"] == "run":
        params = params_of(command)
        drawn.append(params)
        wb.begin(command["run_id"], sweep)
        wb.log(command["run_id"], 0, {"_step": 0, "loss": (params["x"] - 0.3) ** 2})
        wb.summarise(command["run_id"], loss=(params["x"] - 0.3) ** 2)
        wb.finish(command["run_id"])
    assert wb.sweep(sweep)["state"] == "FINISHED"
    return drawn


@pytest.mark.slow
def test_no_rows_are_read_for_a_question(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(SWEEP)
    ended, running = (str(beat_until_run(wb, wb.agent(sweep))["run_id"]) for _ in range(2))
    for run in (ended, running):
        wb.begin(run, sweep)
        wb.log(run, 0, *({"_step": step, "loss": loss} for step, loss in enumerate([0.3, 0.9, 0.5])))
    wb.finish(ended, 1)
    database, curves = Database(wb.settings.database), Curves()

    def ask() -> tuple[list[tuple[float, ...]], int]:
        statements: list[str] = []
        with database.read() as connection:
            connection.set_trace_callback(statements.append)
            (found,) = queries.sweeps(connection)
            seen = [run.history for run in bayes_worker.runs_of(connection, curves, found)]
            connection.set_trace_callback(None)
        return seen, sum("FROM history" in statement for statement in statements)

    asked = [ask(), ask()]
    clock.pass_s(1)
    wb.log(ended, 3, {"_step": 3, "loss": 0.1})
    asked.append(ask())
    database.close()

    assert asked == [([(0.3, 0.9, 0.5), ()], 0), ([(0.3, 0.9, 0.5), ()], 0), ([(0.1, 0.9, 0.1), ()], 0)]


@pytest.mark.slow
@pytest.mark.feature("method: bayes")
def test_a_bayesian_sweep_runs_to_its_cap_and_follows_from_its_seed(tmp_path: Path, clock: Clock) -> None:
    drawn = []
    for name in ("one", "two"):
        with speaking(tmp_path / name, clock) as wb:
            drawn.append(carry_out(wb))

    assert drawn[0] == drawn[1]
    assert len({json.dumps(params) for params in drawn[0]}) == 4
    assert all(0 <= params["x"] <= 1 and params["units"] in (8, 16) for params in drawn[0])


def test_an_agent_that_asks_before_the_answer_is_told_to_ask_again(shared: Speaker) -> None:
    sweep = shared.register(SWEEP)

    assert shared.beat(shared.agent(sweep)) is None
    assert shared.sweep(sweep)["state"] == "RUNNING"


def test_a_suggestion_takes_the_runs_of_other_agents_into_account(shared: Speaker) -> None:
    config = {**SWEEP, "run_cap": 9, "parameters": {"x": {"min": 0.0, "max": 1.0}}}
    sweep = shared.register(config)
    first, second = shared.agent(sweep), shared.agent(sweep)
    ended: list[Run] = []
    for _ in range(3):
        command = beat_until_run(shared, first)
        loss = (command["args"]["x"]["value"] - 0.3) ** 2
        shared.begin(command["run_id"], sweep)
        shared.log(command["run_id"], 0, {"_step": 0, "loss": loss})
        shared.finish(command["run_id"])
        ended.append(Run(params_of(command), "finished", (loss,)))

    in_flight = Run(params_of(beat_until_run(shared, first)), "pending")
    beside = params_of(beat_until_run(shared, second))

    assert beside == bayes.suggest(parse(json.dumps(config)), 4, 3, [*ended, in_flight])
    assert beside != bayes.suggest(parse(json.dumps(config)), 4, 3, ended)


def test_several_idle_agents_find_a_suggestion_ready_each(shared: Speaker) -> None:
    sweep = shared.register({**SWEEP, "run_cap": 9})
    agents = [shared.agent(sweep) for _ in range(3)]

    def ready() -> int:
        with closing(sqlite3.connect(shared.settings.database)) as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM proposal WHERE {POINTS}", (sweep,)).fetchone()
        return int(count)

    until(lambda: ready() >= len(agents))
    commands = [shared.beat(agent) for agent in agents]

    assert all(commands)
    expected: list[Run] = []
    for index in range(len(agents)):
        params = bayes.suggest(parse(json.dumps({**SWEEP, "run_cap": 9})), index, 3, expected)
        expected.append(Run(params, "pending"))
    assert [params_of(command) for command in commands] == [run.params for run in expected]


def test_a_search_that_fails_is_told_on_its_page_and_keeps_no_other_waiting(
    shared: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = shared.register({**SWEEP, "run_cap": 9}), shared.register(SWEEP)
    beat_until_run(shared, shared.agent(bad))
    change(shared, DAMAGE, bad)

    while shared.beat(idle := shared.agent(bad)):
        pass  # what was found before
    drawn = [beat_until_run(shared, shared.agent(good))["type"] for _ in range(3)]
    until(lambda: "JSONDecodeError: Extra data" in shown(shared, bad))

    assert drawn == ["run"] * 3
    assert shared.beat(idle) is None
    assert "no suggestion can be found: " in shared.sweep(bad)["description"]
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    change(shared, REPAIR, bad)
    assert beat_until_run(shared, idle)["type"] == "run"
    assert shown(shared, bad) == ""
    assert shared.sweep(bad)["description"] is None


def shown(wb: Speaker, sweep: str) -> str:
    """What a sweep's page says of its search."""
    page = wb.http.get(f"/local/p/sweeps/{sweep}", headers=wb.headers)
    assert page.status_code == 200, page.text
    found = re.search(r'id="search-error".*?<span>(.*?)</span>', page.text)
    return found[1] if found else ""


def change(wb: Speaker, sql: str, sweep: str) -> None:
    with closing(sqlite3.connect(wb.settings.database)) as connection, connection:
        connection.execute(sql, (sweep,))
