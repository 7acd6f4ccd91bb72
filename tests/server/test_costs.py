"""Requests that would never end are refused by their cost, and all others are answered: beside them, and as before."""

import json
from typing import Any

import pytest

from tests.server.speaker import GRID, Speaker

RUNS = """query ($filters: JSONString, $order: String) { project(name: "p") {
    runs(filters: $filters, order: $order) { edges { node { name } } } } }"""
ALIASES = " ".join(f'a{i}: run(name: "r") {{ history historyKeys }}' for i in range(60))


def message(reply: Any) -> str:
    return str(reply.json()["errors"][0]["message"])


def found(wb: Speaker, filters: dict[str, Any]) -> list[str]:
    data = wb.ask(RUNS, filters=json.dumps(filters))
    return [edge["node"]["name"] for edge in data["project"]["runs"]["edges"]]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(a|b|ab)*c", "(.*)*x"])
def test_a_pattern_that_would_never_end_is_answered(wb: Speaker, pattern: str) -> None:
    wb.begin("r", config=json.dumps({"a": {"value": "a" * 40 + "!"}}))

    assert found(wb, {"config.a": {"$regex": pattern}}) == []


def test_patterns_find_what_they_found(wb: Speaker) -> None:
    for name in ("café-1", "tee-22", "café-333"):
        wb.begin(name)

    assert sorted(found(wb, {"name": {"$regex": r"^caf.-\d{1,3}$"}})) == ["café-1", "café-333"]
    assert found(wb, {"name": {"$regex": "(?i)TEE"}}) == ["tee-22"]


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", r"(a)\1", "a{2000}", "(((a{99}){99}){99}){99}"])
def test_a_pattern_that_has_no_bound_is_refused_in_words(wb: Speaker, pattern: str) -> None:
    wb.begin("r")

    reply = wb.post(RUNS, filters=json.dumps({"name": {"$regex": pattern}}))

    assert reply.status_code == 400
    assert "is no regular expression of RE2" in message(reply)


@pytest.mark.parametrize(
    ("filters", "order", "said"),
    [
        ({"$or": [{"name": str(i)} for i in range(60_000)]}, None, "the filters have 120,002 parts; at most 10,000"),
        ({"name": {"$in": [str(i) for i in range(60_000)]}}, None, "the filters have 60,003 parts; at most 10,000"),
        ({}, ",".join("+name" for _ in range(10_000)), "the order has 10,000 keys; at most 20"),
    ],
)
def test_filters_and_orders_are_refused_by_their_cost(wb: Speaker, filters: Any, order: str | None, said: str) -> None:
    wb.begin("r")

    reply = wb.post(RUNS, filters=json.dumps(filters), order=order)

    assert reply.status_code == 400
    assert said in message(reply)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (f'{{ project(name: "p") {{ {ALIASES} }} }}', "asks 120 times for rows or lists; at most 50"),
        ('{ project(name: "p") { run(name: "r") { sampledHistory(specs: [' + '"{}" ' * 99 + "]) } } }", "99 times"),
        ("{ viewer { " + "id " * 1_900 + "} }", "the document has 1,901 fields; at most 600"),
        (
            '{ project(name: "p") { runs { edges { node { project { runs { edges { node { project { runs { edges { '
            "node { name } } } } } } } } } } } } }",
            "values; at most 2,000,000 are given at once",
        ),
        (
            '{ project(name: "p") { runs(first: 200) { edges { node { project { runs(first: 200) { edges { node { '
            "project { runs(first: 200) { edges { node { name } } } } } } } } } } } } }",
            "values; at most 2,000,000 are given at once",
        ),
        (
            '{ project(name: "p") { ...a } } '
            + " ".join(
                f"fragment {name} on Project {{ x: user {{ id }} y: runs(first: 1) {{ edges {{ node {{ project {{ "
                f"...{inner} }} }} }} }} z: runs(first: 1) {{ edges {{ node {{ project {{ ...{inner} }} }} }} }} }}"
                for name, inner in zip("abcdefgh", "bcdefghi", strict=True)
            )
            + " fragment i on Project { id }",
            "asks 510 times for rows or lists",
        ),
    ],
)
def test_documents_are_refused_by_their_cost(wb: Speaker, document: str, said: str) -> None:
    wb.begin("r")

    reply = wb.post(document)

    assert reply.status_code == 400
    assert said in message(reply)


def test_heartbeats_are_answered_after_whatever_was_asked(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    wb.begin("r", config=json.dumps({"a": {"value": "a" * 40 + "!"}}))
    wb.post(RUNS, filters=json.dumps({"config.a": {"$regex": "^(a+)+$"}}))

    assert wb.beat(agent)["type"] == "run"


def test_a_page_of_a_thousand_whole_runs_costs_little(wb: Speaker) -> None:
    document = """query ($first: Int) { project(name: "p") { runCount runs(first: $first) { totalCount: pageInfo {
        hasNextPage } edges { node { id tags name displayName sweepName state config group jobType commit readOnly
        createdAt heartbeatAt description notes systemMetrics summaryMetrics historyLineCount user { name username }
        historyKeys } cursor } } } }"""
    wb.begin("r")

    assert wb.post(document, first=1_000).status_code == 200
    assert wb.post(document, first=10_000).status_code == 200


def test_a_change_is_refused_that_makes_many_or_asks_for_much_while_others_wait(wb: Speaker) -> None:
    change = 'upsertBucket(input: {name: "r", modelName: "p"})'
    many = " ".join(f"a{i}: {change} {{ inserted }}" for i in range(21))
    nested = "runs { edges { node { project { runs(first: 60) { edges { node { id } } } } } } }"
    much = f"{change} {{ bucket {{ project {{ {nested} }} }} }}"

    said = [message(wb.post(f"mutation {{ {body} }}")) for body in (many, much)]

    assert "makes more than 20 changes at once" in said[0]
    assert "at most 50,000 are given at once" in said[1]
