"""Lists of runs by pages: whichever way they are found, they are what each run alone says to the filter."""

import json
import sqlite3
from itertools import product
from typing import Any

import pytest

from server.protocol.filters import RunView, ordered, passing, sweep_asked_for
from server.refusal import RefusalError
from server.store import queries, sweep_queries
from server.store.database import reading
from tests.server.speaker import Clock, Speaker

FILTERS: list[Any] = [
    {},
    {"state": "finished"},
    {"state": {"$ne": "finished"}},
    {"state": {"$in": ["finished", "failed"]}, "host": None},
    {"state": {"$nin": ["finished"]}},
    {"group": {"$nin": ["a"]}},
    {"group": {"$ne": "a"}},
    {"group": {"$exists": True}, "jobType": {"$exists": False}},
    {"group": {"$eq": None}},
    {"group": {"$ne": None}},
    {"$and": [{"group": "a"}, {"$and": [{"display_name": "Ä"}]}]},
    {"$or": [{"name": "r1"}, {"name": "r2"}]},
    {"$nor": [{"name": "r1"}]},
    {"$not": {"state": "finished"}},
    {"name": {"$regex": "^r[1-3]$"}},
    {"name": {"$gt": "r3"}},
    {"name": 3},
    {"name": {"$in": ["r1", 3]}},
    {"created_at": {"$gt": "CREATED"}},
    {"created_at": {"$gte": "CREATED"}},
    {"created_at": {"$lt": "CREATED"}},
    {"created_at": {"$lte": "CREATED"}},
    {"created_at": "CREATED"},
    {"created_at": {"$ne": "CREATED"}},
    {"created_at": {"$gt": "EXACTLY"}},
    {"created_at": {"$lte": "EXACTLY", "$exists": True}},
    {"heartbeat_at": {"$gt": 1e300}},
    {"heartbeat_at": {"$lt": float("inf")}},
    {"updated_at": {"$gt": True}},
    {"created_at": {"$gt": "no date"}},
    {"username": "local"},
    {"tags": "t"},
    {"tags": {"$in": ["t", "u"]}},
    {"config.lr": {"$lt": 0.5}},
    {"config.lr.value": {"$lt": 0.5}, "state": "finished"},
    {"config.net.depth": 3},
    {"config.net": {"depth": 3}},
    {"summary_metrics.loss": {"$lte": 0.4}},
    {"summary_metrics.loss": {"$exists": False}},
    {"summary_metrics.loss": {"$gt": "text"}},
    {"summary_metrics.odd": {"$gt": "a"}},
    {"summary_metrics.odd": {"$gt": 1}},
    {"$and": [{"sweep": "SWEEP"}, {"summary_metrics.loss": {"$gt": 0.1}}]},
    {"sweep": "SWEEP"},
    {"sweep": "SWEEP", "$and": [{"sweep": "other"}]},
    {"sweep": "nowhere"},
    {"sweep": {"$in": ["SWEEP"]}},
    {"state": {"$unknown": 1}},
    {"$and": [3]},
    {"nonsense": 1},
]
ORDERS = [
    *(None, "+created_at", "-created_at", "name", "-group", "+group,-created_at", "-heartbeat_at", "+sweep"),
    *("-summary_metrics.loss", "+summary_metrics.odd,-name", "+config.lr", "-tags", "nonsense"),
]


GROUPS: list[dict[str, Any]] = [{}, {"groupName": "a", "tags": ["t"]}, {"groupName": "B", "displayName": "Ä"}]


def begin(wb: Speaker, number: int, **fields: Any) -> None:
    name = f"r{number}"
    odd = [1, "b", None, [2], 2.5, "a", True][number % 7]
    wb.begin(name, config=json.dumps({"lr": {"value": number / 10}, "net": {"value": {"depth": number % 4}}}), **fields)
    summary = {"loss": [0.3, float("nan"), 0.1, 0.7][number % 4], "odd": odd}
    if number % 5:
        wb.summarise(name, **summary)
    if number % 3:
        wb.finish(name, number % 2)


@pytest.fixture
def lab(wb: Speaker, clock: Clock) -> tuple[Speaker, str]:
    """Some runs of all kinds, alone and of a sweep."""
    clock.wall_s = round(clock.wall_s) + 0.25
    sweep = wb.register({"method": "random", "metric": {"name": "loss"}, "parameters": {"x": {"min": 0, "max": 1}}})
    for number in range(9):
        group = GROUPS[number % 3]
        begin(wb, number, **group, host="h" if number % 2 else None)
        clock.pass_s(0.5 if number % 4 else 0)
    agent = wb.agent(sweep)
    for loss in (0.5, 0.2, 0.9):
        wb.do_trial(agent, sweep, loss=loss)
    return wb, sweep


def one_by_one(wb: Speaker, filters: Any, order: str | None) -> list[str] | str:
    """The names of the runs by trying each, or what is refused."""
    with reading(wb.settings.database) as connection:
        names = {sweep.id: sweep.name for sweep in queries.sweeps(connection)}
        others = sweep_queries.sweeps_by_prior_run(connection, 1)
        found = queries.sweep(connection, sweep_asked_for(filters) or "")
        rows = queries.runs(connection, 1)
        if found:
            rows = sweep_queries.prior_runs(connection, found.id) + queries.runs_of_sweep(connection, found.id)
    views = []
    for run in rows:
        own = names.get(run.sweep_id or 0)
        of = [*others[run.id], *([own] if own else [])] if run.id in others else own
        views.append(RunView(run, of, "local"))
    try:
        return [view.run.name for view in ordered(passing(views, filters), order or "-created_at")]
    except RefusalError as error:
        return str(error)


def listed(wb: Speaker, filters: Any, order: str | None, first: int = 8) -> list[str] | str:
    """The same by pages of the server's; its count and the runs must agree."""
    document = """query ($filters: JSONString, $order: String, $first: Int, $after: String) { project(name: "p") {
        runCount(filters: $filters) runs(filters: $filters, order: $order, first: $first, after: $after) {
        edges { node { name } cursor } pageInfo { endCursor hasNextPage } } } }"""
    names: list[str] = []
    after, more = None, True
    while more:
        reply = wb.post(document, filters=json.dumps(filters), order=order, first=first, after=after)
        if reply.status_code != 200:
            return str(reply.json()["errors"][0]["message"])
        told = reply.json()["data"]["project"]
        names += [edge["node"]["name"] for edge in told["runs"]["edges"]]
        after, more = told["runs"]["pageInfo"]["endCursor"], told["runs"]["pageInfo"]["hasNextPage"]
    assert told["runCount"] == len(names)
    return names


def assert_all_alike(wb: Speaker, sweep: str, filters_asked: list[Any]) -> None:
    with sqlite3.connect(wb.settings.database) as connection:
        (middle_s,) = connection.execute("SELECT created_at_s FROM run WHERE name = 'r4'").fetchone()
    replaced = {'"SWEEP"': f'"{sweep}"', '"CREATED"': str(int(middle_s)), '"EXACTLY"': str(middle_s)}
    text = json.dumps(filters_asked)
    for word, value in replaced.items():
        text = text.replace(word, value)
    cases: list[tuple[Any, str | None]] = [(each, "-summary_metrics.loss") for each in json.loads(text)]
    cases += product(({"group": {"$ne": "a"}}, {"config.lr": {"$lt": 0.7}}), ORDERS)
    cases += product((each for each in json.loads(text) if "$lt" not in str(each)), [None])
    found = [(filters, order, listed(wb, filters, order), one_by_one(wb, filters, order)) for filters, order in cases]
    differing = [case for case in found if case[2] != case[3]]
    assert differing == []


def test_every_list_is_what_each_run_says_also_after_runs_have_changed(lab: tuple[Speaker, str], clock: Clock) -> None:
    wb, sweep = lab
    assert_all_alike(wb, sweep, FILTERS)

    clock.pass_s(1)
    begin(wb, 9, groupName="a")
    wb.summarise("r1", loss=0.05, odd="now a text")
    wb.begin("r2", groupName="a", displayName="other")
    id = wb.field("r5", "id")
    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=id)
    assert_all_alike(wb, sweep, FILTERS)


def test_prior_runs_are_listed_with_their_sweep(lab: tuple[Speaker, str]) -> None:
    wb, sweep = lab
    listed(wb, {"sweep": sweep, "config.lr": {"$exists": True}}, "+created_at")
    document = """mutation ($id: ID, $filters: JSONString) { upsertSweep(
        input: {id: $id, priorRunsFilters: $filters}) { sweep { name } } }"""
    chosen = json.dumps({"$or": [{"name": "r3"}, {"name": "r1"}]})
    wb.ask(document, id=wb.sweep(sweep)["id"], filters=chosen)

    assert len(wb.runs(sweep)) == 5
    assert_all_alike(wb, sweep, [each for each in FILTERS if "sweep" in str(each)])


def test_a_page_of_many_runs_reads_no_other(lab: tuple[Speaker, str]) -> None:
    wb, _ = lab
    with sqlite3.connect(wb.settings.database) as connection:
        # What is no JSON cannot have been read.
        connection.execute("UPDATE run SET tags = 'broken' WHERE name NOT IN ('r3', 'r4')")
    document = """{ project(name: "p") { runs(first: 2, after: "2", order: "+created_at") {
        edges { node { name tags } cursor } pageInfo { hasNextPage } } } }"""

    told = wb.ask(document)["project"]["runs"]

    assert [(edge["node"]["name"], edge["cursor"]) for edge in told["edges"]] == [("r3", "3"), ("r4", "4")]
    assert told["pageInfo"]["hasNextPage"]


def test_a_run_is_read_once_for_all_pages_of_a_kept_list(lab: tuple[Speaker, str]) -> None:
    wb, _ = lab
    filters, order = {"config.lr": {"$lt": 0.7}}, "-summary_metrics.loss"
    before = listed(wb, filters, order)
    with sqlite3.connect(wb.settings.database) as connection:
        connection.execute("DROP TRIGGER run_changed")
        connection.execute("UPDATE run SET config = 'broken', summary = 'broken'")

    assert listed(wb, filters, order, first=2) == before
