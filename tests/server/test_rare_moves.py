"""What hardly ever happens to a sweep, its runs and their store, and what then holds."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server import bayes_worker, causes
from server.ledger import curves, points
from server.ledger.moves import move_run
from server.refusal import RefusalError
from server.store import queries, writes
from server.store.database import Database
from server.store.rows import Run
from terms import states
from tests.server.speaker import Clock, Speaker, speaking
from tests.server.test_bayes_sweeps import beat_until_run
from tests.server.test_pages_actions import Browser

ONE = {"method": "grid", "parameters": {"units": {"values": [8]}}, "x-sweep": {"retries": 0}}
MEASURED = {**ONE, "metric": {"name": "acc", "goal": "maximize"}}
SUMMARY = """mutation ($name: String, $summary: JSONString) {
    upsertBucket(input: {name: $name, modelName: "p", summaryMetrics: $summary}) { inserted } }"""


@pytest.fixture
def browser(wb: Speaker) -> Browser:
    """A signed-in reader of the pages of the same application."""
    link = wb.http.post("/login-links", headers=wb.headers).json()["url"]
    wb.http.get(f"/login?{urlsplit(link).query}")
    return Browser(wb.http)


def taken(wb: Speaker, sweep: str, agent: str | None = None) -> str:
    """A run that is under way."""
    run = str(wb.beat(agent or wb.agent(sweep))["run_id"])
    wb.begin(run, sweep)
    return run


def summary(wb: Speaker, run: str) -> dict[str, object]:
    return dict(json.loads(wb.field(run, "summaryMetrics")))


def test_a_run_that_its_agent_names_again_in_time_is_missing_no_more(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)
    run = taken(wb, sweep, agent)
    wb.beat(agent)
    clock.pass_s(wb.settings.run_missing_s - 1)

    wb.beat(agent, run)
    clock.pass_s(2)
    wb.beat(agent)

    assert wb.units(sweep, "running") == [8]


def test_a_lost_run_that_had_said_its_cause_keeps_it(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)
    run = taken(wb, sweep, agent)
    wb.summarise(run, _cause="ValueError: x")

    wb.beat(agent)
    clock.pass_s(wb.settings.run_missing_s)
    wb.beat(agent)

    assert (wb.field(run, "state"), wb.told(run)["cause"]) == ("crashed", "ValueError: x")


def test_a_lost_run_without_a_cause_any_more_is_still_told_as_lost(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)
    run = taken(wb, sweep, agent)
    wb.beat(agent)
    clock.pass_s(wb.settings.run_missing_s)
    wb.beat(agent)

    wb.ask(SUMMARY, name=run, summary="{}")

    assert wb.told(run)["cause_kind"] == causes.LOST_HOST


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_summary_that_is_no_object_is_refused_from_call_and_stream(wb: Speaker, text: str) -> None:
    wb.begin("r")

    called = wb.post(SUMMARY, name="r", summary=text)
    streamed = wb.stream("r", files={"wandb-summary.json": {"offset": 0, "content": [text]}})

    assert (called.status_code, streamed.status_code) == (400, 400)
    assert "must be" in called.text
    assert "summary must be" in streamed.text


def test_a_metric_that_its_program_sums_up_counts_by_the_sweeps_goal(wb: Speaker) -> None:
    sweep = wb.register(MEASURED)

    wb.do_trial(wb.agent(sweep), sweep, acc={"min": 0.1, "max": 0.9, "last": 0.5})

    assert wb.sweep(sweep)["bestLoss"] == -0.9  # W&B calls it a loss


def test_a_failed_point_is_tried_again_from_its_runs_page_and_then_from_its_sweeps(
    wb: Speaker, browser: Browser
) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)
    wb.do_trial(agent, sweep, 1)
    page = f"/local/p/sweeps/{sweep}"
    for button in ("Retry trial 1", next(name for name in browser.buttons(page) if name.startswith("Retry"))):
        assert wb.beat(wb.agent(sweep)) == {"type": "exit"}

        browser.press(page, button)
        wb.do_trial(wb.agent(sweep), sweep, 1)

    assert wb.units(sweep, "failed") == [8, 8, 8]


def test_cancelling_a_sweep_asks_none_of_its_runs_twice(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(ONE)
    agent = wb.agent(sweep)
    run = taken(wb, sweep, agent)
    wb.ask("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=wb.begin(run, sweep)["bucket"]["id"])

    wb.set_state(sweep, "CANCELED")

    assert wb.beat(agent, run) == {"type": "stop", "run_id": run}
    wb.finish(run, 130)
    assert wb.units(sweep, "killed") == [8]


def test_a_search_without_an_end_takes_another_config(wb: Speaker) -> None:
    sweep = wb.register({"method": "random", "parameters": {"units": {"values": [1]}}})
    wb.do_trial(wb.agent(sweep), sweep)

    wb.ask(
        """mutation ($id: ID, $config: String) { upsertSweep(input: {id: $id, config: $config}) { sweep { name } } }""",
        id=wb.sweep(sweep)["id"],
        config="{method: random, parameters: {units: {values: [2]}}}",
    )
    wb.do_trial(wb.agent(sweep), sweep)

    assert wb.units(sweep, "finished") == [1, 2]


def test_rows_that_are_sent_again_may_leave_a_run_short_of_the_bracket_that_it_was_counted_at(wb: Speaker) -> None:
    early = {"early_terminate": {"type": "hyperband", "min_iter": 3, "eta": 3}}
    sweep = wb.register({**MEASURED, **early})
    run = taken(wb, sweep)
    wb.log(run, 0, *({"_step": step} for step in range(4)))

    assert wb.log(run, 3, {"_step": 3, "acc": 0.1}).json() == {}

    wb.finish(run)
    assert wb.units(sweep, "finished") == [8]


def test_a_run_that_is_there_takes_no_state_from_its_next_call(wb: Speaker) -> None:
    wb.begin("r")

    assert wb.begin("r", state="pending")["bucket"]["state"] == "running"


def test_the_agents_of_a_sweep_are_told(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    names = {wb.agent(sweep) for _ in range(2)}

    asked = '{ project(name: "p") { sweep(sweepName: "%s") { agents { edges { node { id } } } } } }'
    told = wb.ask(asked % sweep)

    assert {edge["node"]["id"] for edge in told["project"]["sweep"]["agents"]["edges"]} == names


BAYES = {"method": "bayes", "metric": {"name": "acc"}, "parameters": {"units": {"min": 1, "max": 9}}}


@pytest.fixture
def unhelped(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Speaker]:
    """A server that finds no suggestions by itself."""
    monkeypatch.setattr(bayes_worker, "LOOK_S", 3600)
    with speaking(tmp_path / "data", clock) as wb:
        yield wb


def propose(wb: Speaker, index: int, units: list[int], results: int, config: str | None = None) -> None:
    database = Database(wb.settings.database)
    with database.write() as tx:
        (sweep,) = queries.sweeps(tx)
        points.propose(
            tx, replace(sweep, config=config or sweep.config), index, [{"units": each} for each in units], results
        )
    database.close()


def test_of_two_suggestions_for_one_place_the_later_counts_if_it_is_of_the_same_search(unhelped: Speaker) -> None:
    sweep = unhelped.register(BAYES)
    propose(unhelped, 0, [5], 0)
    propose(unhelped, 0, [6], 0)
    propose(unhelped, 0, [7], 0, config="of before")

    taken(unhelped, sweep)

    assert unhelped.units(sweep, "running") == [6]


def test_a_result_is_waited_for_unless_another_run_is_under_way(unhelped: Speaker) -> None:
    wb = unhelped
    sweep = wb.register(BAYES)
    first, second = wb.agent(sweep), wb.agent(sweep)
    propose(wb, 0, [1, 2, 3], 0)
    wb.do_trial(first, sweep, acc=0.5)
    before = wb.beat(first)
    propose(wb, 1, [5, 6, 7], 1)
    wb.do_trial(first, sweep, acc=0.5)
    propose(wb, 2, [6, 7], 2)

    given = [wb.beat(second), wb.do_trial(first, sweep, acc=0.5), wb.beat(first)]

    assert before is None
    assert given[2] is None
    assert [json.loads(run["config"])["units"]["value"] for run in wb.runs(sweep)] == [1, 5, 6, 7]


def test_of_very_many_curves_only_so_many_are_kept(wb: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "MOST_KEPT", 1)
    sweep = wb.register({**BAYES, "run_cap": 5})
    agent = wb.agent(sweep)

    for _ in range(5):
        run = beat_until_run(wb, agent)["run_id"]
        wb.begin(run, sweep)
        wb.summarise(run, acc=0.5)
        wb.finish(run)

    assert len(wb.runs(sweep, "finished")) == 5


def test_of_two_names_in_a_row_that_read_alike_a_curve_has_the_one_with_the_dot(wb: Speaker) -> None:
    wb.begin("r")
    wb.log("r", 0, {"_step": 0, "a": {"b": 0.3}}, {"_step": 1, "a.b": 0.1, "a": {"b": 9}})
    database = Database(wb.settings.database)
    with database.read() as connection:
        run = queries.run(connection, 1, "r")
        assert run
        found = curves.Curves().of(connection, run, "a.b")
    database.close()

    assert found == (0.1, 0.3, 0.1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "sweeps.sqlite")
    yield database
    database.close()


def test_the_store_refuses_what_only_a_mistake_of_this_program_could_ask(database: Database) -> None:
    with database.read() as connection:
        with pytest.raises(LookupError, match="no run 7"):
            queries.by_id(connection, Run, 7)
        with pytest.raises(ValueError, match="no stream 'run'"):
            queries.lines(connection, "run", 1)
        with pytest.raises(ValueError, match="no stream 'run'"):
            queries.line(connection, "run", 1, 0)
        with pytest.raises(ValueError, match="the state of a run is set by a move"):
            writes.update(connection, "run", 1, state=states.RUNNING)


def test_no_run_goes_where_the_table_of_moves_has_no_way(wb: Speaker) -> None:
    sweep = wb.register(ONE)
    run = wb.do_trial(wb.agent(sweep), sweep)
    database = Database(wb.settings.database)

    with database.write() as tx:
        (found,) = (each for each in queries.runs_of_sweep(tx, 1) if each.name == run)
        with pytest.raises(RefusalError, match="is finished and cannot become running"):
            move_run(tx, found, states.RUNNING, 0.0)
    database.close()

    assert wb.units(sweep, "finished") == [8]


def test_where_sqlite_has_rolled_back_by_itself_its_own_error_is_told(database: Database) -> None:
    def fill() -> None:
        with database.write() as tx:
            tx.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        fill()


def test_a_reader_whose_snapshot_has_ended_by_itself_reads_on(database: Database) -> None:
    with database.read() as connection:
        connection.execute("ROLLBACK")

    with database.read() as again:
        assert again is connection
        assert queries.project(again, "local", "p") is None


def test_data_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sweeps.sqlite"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1000")
    connection.close()

    with pytest.raises(sqlite3.DatabaseError, match="the data is of a newer version: schema 1000"):
        Database(path)


def test_a_step_of_the_schema_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sweeps.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / "schemas" / "19.sql").read_text())
        connection.execute("CREATE TABLE deletion (id INTEGER)")  # the next step would make it
        before = list(connection.iterdump())
    connection.close()

    with pytest.raises(sqlite3.OperationalError, match="deletion already exists"):
        Database(path)

    with sqlite3.connect(path) as connection:
        assert list(connection.iterdump()) == before
        assert connection.execute("PRAGMA user_version").fetchone() == (19,)
    connection.close()


@pytest.mark.parametrize("of", ["trial 1", "sweep"])
def test_a_retry_that_is_pressed_twice_opens_its_point_once(wb: Speaker, browser: Browser, of: str) -> None:
    sweep = wb.register(ONE)
    wb.do_trial(wb.agent(sweep), sweep, 1)
    buttons = browser.buttons(f"/local/p/sweeps/{sweep}")
    retries = [name for name in buttons if name.startswith("Retry")]
    address = buttons[next(name for name in retries if ("trial 1" in name) == (of == "trial 1"))]

    for _ in range(2):
        wb.http.post(address)
    wb.do_trial(wb.agent(sweep), sweep)
    late = wb.http.post(address)

    assert wb.beat(wb.agent(sweep)) == {"type": "exit"}
    assert (wb.units(sweep, "failed"), wb.units(sweep, "finished")) == ([8], [8])
    assert late.status_code >= 400


def test_a_failed_run_of_a_sweep_under_way_is_tried_again_beside_the_others(wb: Speaker, browser: Browser) -> None:
    sweep = wb.register({**ONE, "parameters": {"units": {"values": [8, 16]}}})
    wb.do_trial(wb.agent(sweep), sweep, 1)
    buttons = browser.buttons(f"/local/p/sweeps/{sweep}")

    retried = wb.http.post(buttons[next(name for name in buttons if name.startswith("Retry") and "trial 1" in name)])
    agent = wb.agent(sweep)
    for _ in range(2):
        wb.do_trial(agent, sweep)

    assert retried.status_code < 400
    assert (wb.units(sweep, "failed"), sorted(wb.units(sweep, "finished"))) == ([8], [8, 16])
    assert wb.beat(agent) == {"type": "exit"}


def test_a_failed_run_of_a_sweep_that_was_stopped_with_points_left_waits_for_its_sweep(
    wb: Speaker, browser: Browser
) -> None:
    sweep = wb.register({**ONE, "parameters": {"units": {"values": [8, 16]}}})
    wb.do_trial(wb.agent(sweep), sweep, 1)
    buttons = browser.buttons(f"/local/p/sweeps/{sweep}")
    address = buttons[next(name for name in buttons if name.startswith("Retry") and "trial 1" in name)]
    wb.set_state(sweep, "FINISHED")

    refused = wb.http.post(address)

    assert "is FINISHED with points left: resume it first, then retry" in refused.text
    assert wb.beat(wb.agent(sweep)) == {"type": "exit"}
